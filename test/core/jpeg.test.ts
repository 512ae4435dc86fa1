import jpegJs from 'jpeg-js'
import t from 'tap'
import { inspectJpeg } from '../../src/core/jpeg.js'
import { jpeg } from '../helper.js'

const SOI = [0xff, 0xd8]
const EOI = [0xff, 0xd9]
/** Entropy-coded data, with a stuffed FF and a restart marker in it. */
const SCAN_DATA = [0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56]

/** A marker with its segment; the length counts itself. */
function segment (marker: number, payload: number[], length = payload.length + 2): number[] {
  return [0xff, marker, length >> 8, length & 0xff, ...payload]
}

function frameHeader (width: number, height: number, marker = 0xc0): number[] {
  return segment(marker, [8, height >> 8, height & 0xff, width >> 8, width & 0xff, 1, 1, 0x11, 0])
}

const SOF = frameHeader(640, 480)
const SOS = segment(0xda, [1, 1, 0, 0, 63, 0])
const DHT = segment(0xc4, [0, ...Array.from({ length: 16 }, () => 0)])
const THUMBNAIL = [...SOI, ...frameHeader(160, 120), ...SOS, ...SCAN_DATA, ...EOI]
const EXIF = segment(0xe1, [...Buffer.from('Exif\0\0', 'latin1'), ...THUMBNAIL])
const VGA = { width: 640, height: 480 }

const accepted: Array<[name: string, bytes: number[], size: { width: number, height: number }]> = [
  ['the least there can be', [...SOI, ...SOF, ...SOS, ...SCAN_DATA, ...EOI], VGA],
  ['a scan without data', [...SOI, ...SOF, ...SOS, ...EOI], VGA],
  ['segments of all kinds before the frame header', [...SOI, ...segment(0xe0, [1, 2, 3]), ...segment(0xdb, [0]), ...segment(0xfe, []), ...DHT, ...SOF, ...SOS, ...EOI], VGA],
  ['an EXIF thumbnail, whose size is not the picture\'s', [...SOI, ...EXIF, ...SOF, ...SOS, ...SCAN_DATA, ...EOI], VGA],
  ['an EXIF thumbnail behind the frame header', [...SOI, ...SOF, ...EXIF, ...SOS, ...SCAN_DATA, ...EOI], VGA],
  ['fill bytes before every marker', [...SOI, 0xff, 0xff, ...SOF, 0xff, ...SOS, ...SCAN_DATA, 0xff, ...EOI], VGA],
  ['markers that stand alone between segments (TEM, RST0, RST7)', [...SOI, 0xff, 0x01, ...SOF, 0xff, 0xd0, 0xff, 0xd7, ...SOS, ...EOI], VGA],
  ['progressive, with several scans', [...SOI, ...frameHeader(640, 480, 0xc2), ...SOS, ...SCAN_DATA, ...DHT, ...SOS, ...SCAN_DATA, ...EOI], VGA],
  ['zeros behind the end, as some cameras pad', [...SOI, ...SOF, ...SOS, ...SCAN_DATA, ...EOI, ...Array.from({ length: 512 }, () => 0)], VGA],
  ['FFs behind the end', [...SOI, ...SOF, ...SOS, ...EOI, 0xff, 0xff, 0xff], VGA],
  ['a line break behind the end', [...SOI, ...SOF, ...SOS, ...EOI, 0x0d, 0x0a], VGA],
  ['a second picture behind the end', [...SOI, ...SOF, ...SOS, ...EOI, ...THUMBNAIL], VGA],
  ['one pixel', [...SOI, ...frameHeader(1, 1), ...SOS, ...EOI], { width: 1, height: 1 }],
  ['the largest there can be', [...SOI, ...frameHeader(65535, 65535), ...SOS, ...EOI], { width: 65535, height: 65535 }]
]

for (const [name, bytes, size] of accepted) {
  t.test(`accepted: ${name}`, async t => { t.strictSame(inspectJpeg(Buffer.from(bytes)), size) })
}

const EMPTY = 'it is empty'
const NO_SOI = 'it does not begin with a JPEG start-of-image marker (FF D8)'
const BEFORE_SCAN = 'it breaks off before the scan'
const NO_EOI = 'it breaks off before the end-of-image marker (FF D9)'
const NO_HEADER = 'it has no frame header before the scan'

const refused: Array<[name: string, bytes: number[], problem: string]> = [
  ['no bytes', [], EMPTY],
  ['a text', [...Buffer.from('hello')], NO_SOI],
  ['a PNG', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a], NO_SOI],
  ['one byte', [0xff], NO_SOI],
  ['something in front of the start', [0, ...SOI, ...SOF, ...SOS, ...EOI], NO_SOI],
  ['the start alone', SOI, BEFORE_SCAN],
  ['no scan, breaking off', [...SOI, ...SOF], BEFORE_SCAN],
  ['no scan, but an end', [...SOI, ...SOF, ...EOI], 'the image ends before any scan'],
  ['start and end', [...SOI, ...EOI], 'the image ends before any scan'],
  ['no frame header', [...SOI, ...DHT, ...SOS, ...SCAN_DATA, ...EOI], NO_HEADER],
  ['the frame header behind the scan', [...SOI, ...SOS, ...SCAN_DATA, ...SOF, ...EOI], NO_HEADER],
  ['a frame header only in the thumbnail', [...SOI, ...EXIF, ...SOS, ...SCAN_DATA, ...EOI], NO_HEADER],
  ['no end', [...SOI, ...SOF, ...SOS, ...SCAN_DATA], NO_EOI],
  ['an end only in the EXIF thumbnail', [...SOI, ...SOF, ...EXIF, ...SOS, ...SCAN_DATA], NO_EOI],
  ['an end only in a comment', [...SOI, ...SOF, ...segment(0xfe, EOI), ...SOS, ...SCAN_DATA], NO_EOI],
  ['an end that begins in the scan\'s header', [...SOI, ...SOF, ...segment(0xda, [1, 1, 0, 0, 63, 0xff]), 0xd9], NO_EOI],
  ['half an end', [...SOI, ...SOF, ...SOS, ...SCAN_DATA, 0xff], NO_EOI],
  ['zero width', [...SOI, ...frameHeader(0, 480), ...SOS, ...EOI], 'its frame header gives a size of 0x480'],
  ['zero height', [...SOI, ...frameHeader(640, 0), ...SOS, ...EOI], 'its frame header gives a size of 640x0'],
  ['a frame header too short for a size', [...SOI, ...segment(0xc0, [8, 1, 1, 1, 1]), ...SOS, ...EOI], 'its frame header is too short'],
  ['a segment shorter than its own length', [...SOI, ...segment(0xe0, [], 1), ...SOF, ...SOS, ...EOI], 'the segment at byte 2 has an impossible length'],
  ['a segment longer than the file', [...SOI, ...SOF, ...segment(0xe0, [1, 2], 4000)], BEFORE_SCAN],
  ['bytes between segments', [...SOI, 0x00, ...SOF, ...SOS, ...EOI], 'byte 2 should begin a marker and does not'],
  ['nothing but fill bytes', [...SOI, 0xff, 0xff, 0xff], BEFORE_SCAN],
  ['half a length', [...SOI, 0xff, 0xc0, 0x00], BEFORE_SCAN]
]

for (const [name, bytes, problem] of refused) {
  t.test(`refused: ${name}`, async t => { t.strictSame(inspectJpeg(Buffer.from(bytes)), { problem }) })
}

t.test('every kind of frame header gives the size, and the markers among them that are none do not', async t => {
  for (let marker = 0xc0; marker <= 0xcf; marker += 1) {
    const inspected = inspectJpeg(Buffer.from([...SOI, ...frameHeader(640, 480, marker), ...SOS, ...EOI]))
    const isHeader = ![0xc4, 0xc8, 0xcc].includes(marker)
    t.strictSame(inspected, isHeader ? VGA : { problem: NO_HEADER }, marker.toString(16))
  }
})

t.test('real JPEGs of many sizes are accepted, and the size is the one that a decoder finds', async t => {
  for (const [width, height] of [[1, 1], [7, 5], [16, 16], [17, 33], [320, 240], [641, 3]] as const) {
    const bytes = jpeg({ width, height })
    const decoded = jpegJs.decode(bytes)
    t.strictSame(inspectJpeg(bytes), { width: decoded.width, height: decoded.height })
  }
})

/** A real JPEG of noise, so that its scan has many stuffed bytes. */
function noisyJpeg (): Buffer {
  let seed = 1
  const data = Buffer.alloc(24 * 24 * 4, 255)
  for (let i = 0; i < data.length; i += 1) {
    seed = (seed * 48271) % 0x7fffffff
    data[i] = seed & 0xff
  }
  return Buffer.from(jpegJs.encode({ data, width: 24, height: 24 }, 100).data)
}

t.test('a real JPEG that is cut off anywhere is refused', async t => {
  const plain = noisyJpeg()
  const withThumbnail = Buffer.concat([plain.subarray(0, 2), Buffer.from(EXIF), plain.subarray(2)])
  for (const whole of [plain, withThumbnail]) {
    t.strictSame(inspectJpeg(whole), { width: 24, height: 24 })
    const taken = []
    for (let length = 0; length < whole.length; length += 1) {
      if (!('problem' in inspectJpeg(whole.subarray(0, length)))) taken.push(length)
    }
    t.strictSame(taken, [], 'no beginning of it passes')
  }
})

t.test('the bytes are left as they are', async t => {
  const bytes = noisyJpeg()
  const before = Buffer.from(bytes)
  inspectJpeg(bytes)
  t.ok(bytes.equals(before))
})
