import t from 'tap'
import { JpegEndFinder } from '../../src/core/jpeg-end.js'
import { jpeg } from '../helper.js'

const SOI = [0xff, 0xd8]
const EOI = [0xff, 0xd9]
const SCAN_DATA = [0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56, 0xff, 0xd7]

function segment (marker: number, payload: number[], length = payload.length + 2): number[] {
  return [0xff, marker, length >> 8, length & 0xff, ...payload]
}

const SOF = segment(0xc0, [8, 1, 0, 1, 0, 1, 1, 0x11, 0])
const SOS = segment(0xda, [1, 1, 0, 0, 63, 0])
const DHT = segment(0xc4, [0, ...Array.from({ length: 16 }, () => 0)])
const THUMBNAIL = [...SOI, ...SOF, ...SOS, ...SCAN_DATA, ...EOI]
const EXIF = segment(0xe1, [...Buffer.from('Exif\0\0', 'latin1'), ...THUMBNAIL])

/** Where the end is found in pieces of a size, counted from the beginning, or the problem. */
function endOf (bytes: Buffer, size: number): number | string | undefined {
  const finder = new JpegEndFinder()
  for (let start = 0; start < bytes.length; start += size) {
    // The piece has something around it that must not be looked at.
    const piece = Buffer.concat([Buffer.from(EOI), bytes.subarray(start, start + size), Buffer.from(EOI)])
    const end = finder.push(piece, 2, piece.length - 2)
    if (finder.problem !== undefined) return finder.problem
    if (finder.ended) return start + end - 2
    if (end !== piece.length - 2) throw new Error('it stopped early')
  }
  return undefined
}

const whole: Array<[name: string, bytes: number[]]> = [
  ['the least there can be', [...SOI, ...SOF, ...SOS, ...SCAN_DATA, ...EOI]],
  ['a scan without data', [...SOI, ...SOF, ...SOS, ...EOI]],
  ['an EXIF thumbnail, whose end does not count', [...SOI, ...EXIF, ...SOF, ...SOS, ...SCAN_DATA, ...EOI]],
  ['ends in a comment and in the scan\'s header, which do not count', [...SOI, ...segment(0xfe, EOI), ...SOF, ...segment(0xda, EOI), ...SCAN_DATA, ...EOI]],
  ['segments of no bytes', [...SOI, ...segment(0xfe, []), ...SOF, ...segment(0xda, []), ...SCAN_DATA, ...EOI]],
  ['progressive, with tables between its scans', [...SOI, ...SOF, ...SOS, ...SCAN_DATA, ...DHT, ...SOS, ...SCAN_DATA, ...SOS, ...EOI]],
  ['fill bytes before every marker', [...SOI, 0xff, 0xff, ...SOF, 0xff, ...SOS, ...SCAN_DATA, 0xff, 0xff, ...EOI]],
  ['markers that stand alone', [...SOI, 0xff, 0x01, ...SOF, 0xff, 0xd0, ...SOS, 1, 0xff, 0x01, 2, ...EOI]],
  ['a real one', [...jpeg()]]
]

for (const [name, bytes] of whole) {
  t.test(`the end is found: ${name}`, async t => {
    const followed = Buffer.from([...bytes, 0, 0xff, 0xd9, ...THUMBNAIL])
    for (const size of [1, 2, 3, 7, bytes.length, followed.length]) {
      t.equal(endOf(followed, size), bytes.length, `${size} at once`)
      t.equal(endOf(Buffer.from(bytes.slice(0, -1)), size), undefined, `not before it is there, ${size} at once`)
    }
  })
}

const NO_SOI = 'it does not begin with a JPEG start-of-image marker (FF D8)'
const NO_MARKER = 'a byte between its segments begins no marker'

const broken: Array<[name: string, bytes: number[], problem: string]> = [
  ['a text', [...Buffer.from('hello')], NO_SOI],
  ['half a start', [0xff, 0xd7], NO_SOI],
  ['bytes between segments', [...SOI, 0, ...SOF], NO_MARKER],
  ['bytes between scans', [...SOI, ...SOF, ...SOS, ...SCAN_DATA, ...DHT, 7], NO_MARKER],
  ['a segment shorter than its length', [...SOI, ...segment(0xe0, [], 1)], 'a segment has an impossible length'],
  ['another picture that begins in the scan', [...SOI, ...SOF, ...SOS, ...SCAN_DATA, ...THUMBNAIL], 'another picture begins before its end']
]

for (const [name, bytes, problem] of broken) {
  t.test(`no JPEG: ${name}`, async t => {
    for (const size of [1, 2, 3, 7, bytes.length]) t.equal(endOf(Buffer.from(bytes), size), problem, `${size} at once`)
  })
}
