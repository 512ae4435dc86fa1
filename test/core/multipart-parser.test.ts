import t, { type Test } from 'tap'
import { randomBytes } from 'node:crypto'
import { HopelessStream, MultipartParser, type MultipartPart } from '../../src/core/multipart-parser.js'
import { jpeg } from '../helper.js'

const MAX_PART_BYTES = 100_000

interface Parsed { readonly parts: MultipartPart[], readonly bad: string[], readonly hopeless: string | undefined }

type Piece = string | Buffer

const bytesOf = (...pieces: Piece[]): Buffer => Buffer.concat(pieces.map(piece => Buffer.from(piece as string, 'latin1')))

/** What a parser makes of bytes that come in pieces of these sizes, over and over. */
function parse (bytes: Buffer, sizes: number[] = [bytes.length], options: { onPart?: (part: MultipartPart) => string | undefined, ends?: boolean } = {}): Parsed {
  const parts: MultipartPart[] = []
  const bad: string[] = []
  const parser = new MultipartParser({
    maxPartBytes: MAX_PART_BYTES,
    onPart: part => {
      parts.push(part)
      return options.onPart?.(part)
    },
    onBadPart: problem => { bad.push(problem) }
  })
  try {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const size = sizes[i % sizes.length] ?? 1
      parser.push(bytes.subarray(at, at + size))
      at += size
    }
    if (options.ends !== false) parser.end()
  } catch (error) {
    if (!(error instanceof HopelessStream)) throw error
    return { parts, bad, hopeless: error.message }
  }
  return { parts, bad, hopeless: undefined }
}

const picture = (colour: number): Buffer => jpeg({ color: [colour, 60, 90] })
const ONE = picture(1)
const TWO = picture(2)
const THREE = picture(3)

const sized = (bytes: Buffer, length = bytes.length): Buffer => bytesOf(`Content-Type: image/jpeg\r\nContent-Length: ${length}\r\n\r\n`, bytes, '\r\n--x\r\n')
const unsized = (bytes: Buffer): Buffer => bytesOf('Content-Type: image/jpeg\r\n\r\n', bytes, '\r\n--x\r\n')

/** Asserts which pictures are got and how many parts are bad, in pieces of many sizes. */
function gives (t: Test, bytes: Buffer, pictures: Buffer[], bad: RegExp[] = []): void {
  for (const size of [1, 2, 3, 5, 17, 100, 1000, bytes.length]) {
    const parsed = parse(bytes, [size])
    t.equal(parsed.hopeless, undefined)
    const isSame = parsed.parts.length === pictures.length && parsed.parts.every(({ memory }, index) => memory.jpeg.equals(pictures[index]!))
    t.ok(isSame, `the pictures, ${size} bytes at once`)
    t.equal(parsed.bad.length, bad.length, `the bad parts: ${parsed.bad.join('; ')}`)
    for (const [index, problem] of bad.entries()) t.match(parsed.bad[index], problem)
  }
}

t.test('parts are got as they were sent', async t => {
  const table: Array<[name: string, bytes: Buffer]> = [
    ['as ffmpeg does', bytesOf('--ffmpeg\r\n', ...[ONE, TWO].flatMap(each => [`Content-type: image/jpeg\r\nContent-length: ${each.length}\r\n\r\n`, each, '\r\n--ffmpeg\r\n']))],
    ['as ustreamer does', bytesOf('--boundarydonotcross\r\n', ...[ONE, TWO].flatMap(each => [`Content-Type: image/jpeg\r\nContent-Length: ${each.length}\r\nX-Timestamp: 1.5\r\n\r\n`, each, '\r\n--boundarydonotcross\r\n']))],
    ['without Content-Length', bytesOf('--x\r\n', unsized(ONE), unsized(TWO))],
    ['without any headers', bytesOf('--x\r\n\r\n', ONE, '\r\n--x\r\n\r\n', TWO, '\r\n--x--\r\n')],
    ['with line feeds alone', bytesOf('--x\nContent-Type: image/jpeg\n\n', ONE, '\n--x\nContent-Length: ', String(TWO.length), '\n\n', TWO, '\n--x--\n')],
    ['without a line break behind the picture', bytesOf('--x\r\n\r\n', ONE, '--x\r\nContent-Length: ', String(TWO.length), '\r\n\r\n', TWO, '--x--')],
    ['with a Content-Length that counts the line break', bytesOf('--x\r\n', `Content-Length: ${ONE.length}\r\n\r\n`, ONE, '\r\n--x\r\n\r\n', TWO)],
    ['with padding behind the pictures', bytesOf('--x\r\n\r\n', ONE, Buffer.alloc(300), '\r\n--x\r\n\r\n', TWO, '\r\n\r\n\r\n')],
    ['with something before the first delimiter', bytesOf('This is multipart.\r\n\r\n--x\r\n', sized(ONE), unsized(TWO))],
    ['with dashes that are doubled', bytesOf('----x\r\n\r\n', ONE, '\r\n----x\r\n\r\n', TWO, '\r\n----x----\r\n')],
    ['with spaces behind the delimiter', bytesOf('--x\r\n\r\n', ONE, '\r\n--x  \r\n\r\n', TWO, '\r\n--x-- \r\n')],
    ['with the delimiter twice', bytesOf('--x\r\n--x\r\n', sized(ONE), '--x\r\n', sized(TWO))],
    ['without the first delimiter, with lengths', bytesOf(sized(ONE), sized(TWO))],
    ['without the first delimiter, without lengths', bytesOf(unsized(ONE), unsized(TWO))],
    ['closed, and gone on with another delimiter', bytesOf('--x\r\n\r\n', ONE, '\r\n--x--\r\nthe end\r\n\r\n--other\r\n\r\n', TWO, '\r\n--other--\r\n')],
    ['closed behind an opening delimiter', bytesOf('--x\r\n', unsized(ONE), '--x--\r\n--x\r\n', unsized(TWO), '--x--\r\n')]
  ]
  for (const [name, bytes] of table) await t.test(name, async t => { gives(t, bytes, [ONE, TWO]) })
})

t.test('the headers come with the part', async t => {
  const { parts } = parse(bytesOf('--x\r\nX-Oil-Spill-Detected: TRUE\r\n\r\n', ONE, '\r\n--x\r\n\r\n', TWO))
  t.strictSame(parts.map(({ headers }) => ({ ...headers })), [{ 'x-oil-spill-detected': 'TRUE' }, {}])
})

t.test('a part is there with its last byte, and not before', async t => {
  for (const head of [`Content-Length: ${ONE.length}\r\n`, '']) {
    const bytes = bytesOf('--x\r\n', head, '\r\n', ONE)
    for (const size of [1, bytes.length]) {
      t.equal(parse(bytes.subarray(0, -1), [size], { ends: false }).parts.length, 0)
      t.equal(parse(bytes, [size], { ends: false }).parts.length, 1)
    }
  }
})

t.test('an end within an EXIF thumbnail does not end the part', async t => {
  const exif = bytesOf(ONE.subarray(0, 2), Buffer.from([0xff, 0xe1, (2 + TWO.length) >> 8, (2 + TWO.length) & 0xff]), TWO, ONE.subarray(2))
  gives(t, bytesOf('--x\r\n', unsized(exif), unsized(THREE)), [exif, THREE])
})

t.test('the delimiter within a picture that has its length is part of the picture unless it is a whole line', async t => {
  const comment = bytesOf('\n--x--\r\n--xy\r\n--x')
  const odd = bytesOf(ONE.subarray(0, 2), Buffer.from([0xff, 0xfe, 0, 2 + comment.length]), comment, ONE.subarray(2))
  gives(t, bytesOf('--x\r\n', sized(odd), sized(TWO)), [odd, TWO])
})

t.test('bad parts are skipped, and the stream goes on', async t => {
  const large = bytesOf(ONE.subarray(0, 2), ...Array<Buffer>(2).fill(bytesOf(Buffer.from([0xff, 0xfe, 0xff, 0xff]), Buffer.alloc(0xfffd))), ONE.subarray(2))
  const notJpeg = /^it does not begin with a JPEG/
  const table: Array<[name: string, part: Buffer, problem: RegExp]> = [
    ['empty, with a length', sized(Buffer.alloc(0)), /^it is empty$/],
    ['empty, without', bytesOf('Content-Type: image/jpeg\r\n\r\n--x\r\n'), /^it does not begin with a JPEG|^the next part begins before its end-of-image/],
    ['too large, with a length', sized(large), /^it has more than 100000 bytes$/],
    ['too large, without', unsized(large), /^it has more than 100000 bytes$/],
    ['a text, with a length', sized(Buffer.from('hello')), notJpeg],
    ['a text, without', unsized(Buffer.from('hello')), notJpeg],
    ['a text that says it is huge', sized(Buffer.from('hello'), 99_999), /^it does not begin with a JPEG|^the next part begins before the 99999 bytes/],
    ['a length that is too long by much', sized(ONE, ONE.length + 1000), /^the next part begins before the/],
    ['a length that ends with the second picture', sized(ONE, ONE.length + '\r\n--x\r\nContent-Type: image/jpeg\r\nContent-Length: 600\r\n\r\n'.length + TWO.length), /^the next part begins/],
    ['a length that is too short', sized(ONE, 50), /^its 50 bytes, as its Content-Length says, have no end-of-image/],
    ['a length of one byte', sized(ONE, 1), /have no end-of-image/],
    ['a length that is none', bytesOf('Content-Length: many\r\n\r\n', ONE, '\r\n--x\r\n'), /^its Content-Length is not a whole number$/],
    ['two lengths', bytesOf(`Content-Length: ${ONE.length}\r\nContent-Length: 9\r\n\r\n`, ONE, '\r\n--x\r\n'), /content-length is given twice$/],
    ['a header that is none', bytesOf('hello\r\n\r\n', ONE, '\r\n--x\r\n'), /^one of its header lines/],
    ['a picture that breaks off, with the length that it has', sized(ONE.subarray(0, -2)), /no end-of-image/],
    ['a picture that breaks off, without', unsized(ONE.subarray(0, -2)), /^the next part begins before its end-of-image/],
    ['two pictures in one that breaks off', unsized(bytesOf(ONE.subarray(0, -2), TWO)), /^another picture begins before its end$/],
    ['bytes between segments', unsized(bytesOf(ONE.subarray(0, 2), 'hello')), /begins no marker$/]
  ]
  for (const [name, part, problem] of table) {
    await t.test(name, async t => { gives(t, bytesOf('--x\r\n', sized(TWO), part, sized(THREE), unsized(TWO)), [TWO, THREE, TWO], [problem]) })
  }
})

t.test('a stream that ends within a part has a bad part more', async t => {
  const whole = bytesOf('--x\r\n', sized(ONE))
  for (const rest of [sized(TWO).subarray(0, 100), unsized(TWO).subarray(0, 100), bytesOf('Content-Type: image')]) {
    gives(t, bytesOf(whole, rest), [ONE], rest.length < 50 ? [] : [/^the stream ends before it is whole$/])
  }
  gives(t, bytesOf(whole, 'Content-Type: image/jpeg\r\nContent'), [ONE], [/^the stream ends before it is whole$/])
  gives(t, bytesOf(whole), [ONE])
  gives(t, whole.subarray(0, -3), [ONE])
})

t.test('a stream that can never become one of JPEGs is given up with a reason', async t => {
  const table: Array<[name: string, bytes: Buffer, reason: RegExp]> = [
    ['no delimiter in one line', Buffer.alloc(70_000, 'a'), /^No line of the first 65536 bytes begins with "--"/],
    ['no delimiter in many lines', Buffer.alloc(70_000, 'abc\n'), /^No line of the first 65536 bytes begins with "--"/],
    ['a bare JPEG', ONE, /^It is not multipart.*-f mpjpeg/],
    ['one header without end', bytesOf('--x\r\nX-Long: ', Buffer.alloc(40_000, 'a')), /^The headers of a part have more than 32768 bytes\.$/],
    ['headers without end', bytesOf('--x\r\n', Buffer.alloc(40_000, 'X-A: b\r\n')), /^The headers of a part/],
    ['delimiters without end', Buffer.alloc(40_000, '--x\r\n'), /^The headers of a part/],
    ['openings and closings without end', Buffer.alloc(40_000, '--x\r\n--x--\r\n'), /^50 parts in a row were bad/],
    ['bad parts without end', bytesOf('--x\r\n', ...Array<Buffer>(50).fill(sized(Buffer.from('hello')))), /^50 parts in a row were bad; of the last one: it does not begin with a JPEG/],
    ['a part without end', bytesOf('--x\r\n\r\n', Buffer.alloc(1_100_000, '\n--y')), /^No further part begins within 1000000 bytes\.$/]
  ]
  for (const [name, bytes, reason] of table) {
    await t.test(name, async t => {
      for (const size of [1, 1000, bytes.length]) t.match(parse(bytes, [size]).hopeless, reason, `${size} bytes at once`)
    })
  }
  const parser = new MultipartParser({ maxPartBytes: 100, onPart: () => {}, onBadPart: () => {} })
  t.throws(() => { parser.push(ONE) }, HopelessStream)
  t.throws(() => { parser.push(bytesOf('--x\r\n', sized(ONE))) }, HopelessStream)
})

t.test('a good part among bad ones keeps a stream going', async t => {
  const bad = bytesOf(...Array<Buffer>(49).fill(sized(Buffer.from('hello'))))
  t.equal(parse(bytesOf('--x\r\n', bad, sized(ONE), bad)).hopeless, undefined)
})

t.test('parts that are refused for what they say count as bad', async t => {
  const bytes = bytesOf('--x\r\n', ...Array<Buffer>(60).fill(sized(ONE)))
  const refused = parse(bytes, undefined, { onPart: () => 'its clock is wrong' })
  t.equal(refused.hopeless, '50 parts in a row were bad; of the last one: its clock is wrong.')
  t.equal(refused.parts.length, 50)
  t.equal(refused.bad.length, 0, 'and are known already to whom refused them')
  let count = 0
  t.equal(parse(bytes, undefined, { onPart: () => count++ % 2 === 0 ? 'its clock is wrong' : undefined }).hopeless, undefined)
})

/** A generator of the same numbers each time, from 0 to 1 (mulberry32). */
function seeded (seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** A JPEG for the walk through its markers, with scans of any bytes in it, ends and delimiters included. */
function randomJpeg (random: () => number): Buffer {
  const anyBytes = (max: number): Buffer => Buffer.from(Array.from({ length: Math.floor(random() * max) }, () => Math.floor(random() * 256)))
  const segment = (marker: number, payload: Buffer): Buffer => bytesOf(Buffer.from([0xff, marker, (payload.length + 2) >> 8, (payload.length + 2) & 0xff]), payload)
  const comments = Array.from({ length: Math.floor(random() * 3) }, () => segment(0xfe, bytesOf(anyBytes(300), '\n--\r\n', Buffer.from([0xff, 0xd9]))))
  const scans = Array.from({ length: 1 + Math.floor(random() * 3) }, () => bytesOf(
    segment(0xda, Buffer.alloc(6)), Buffer.from(anyBytes(2000).toString('latin1').replaceAll('\xff', '\xff\0'), 'latin1')))
  return bytesOf(Buffer.from([0xff, 0xd8]), ...comments, segment(0xc0, Buffer.alloc(9, 1)), ...scans, Buffer.from([0xff, 0xd9]))
}

t.test('whatever is sent is got back, byte for byte, in whatever pieces', async t => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = seeded(seed)
    const delimiter = `--${'boundary-of-any-length'.slice(0, 4 + Math.floor(random() * 18))}`
    const lineEnd = random() < 0.7 ? '\r\n' : '\n'
    const jpegs = Array.from({ length: 1 + Math.floor(random() * 8) }, () => randomJpeg(random))
    const bytes = bytesOf(delimiter, lineEnd, ...jpegs.flatMap((each, index) => [
      random() < 0.5 ? `Content-Length: ${each.length}${lineEnd}` : '', `X-Index: ${index}${lineEnd}`, lineEnd, each, lineEnd, delimiter, lineEnd
    ]))
    const parsed = parse(bytes, Array.from({ length: 20 }, () => 1 + Math.floor(random() ** 4 * 3000)))
    const isSame = parsed.parts.length === jpegs.length && parsed.bad.length === 0 &&
      parsed.parts.every(({ memory, headers }, index) => memory.jpeg.equals(jpegs[index]!) && headers['x-index'] === String(index))
    t.ok(isSame, `seed ${seed}`)
  }
})

t.test('random bytes between, in and over the parts never merge two pictures or throw anything but HopelessStream', async t => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed)
    const jpegs = Array.from({ length: 12 }, () => randomJpeg(random))
    const bytes = bytesOf('--boundary\r\n', ...jpegs.flatMap(each => [
      random() < 0.5 ? `Content-Length: ${Math.floor(each.length * (random() < 0.5 ? 1 : 2 * random()))}\r\n` : '', '\r\n', each, '\r\n--boundary\r\n'
    ]))
    for (let i = 0; i < 10; i++) {
      const at = Math.floor(random() * bytes.length)
      randomBytes(Math.floor(random() * 20)).copy(bytes, at)
    }
    for (const { memory } of parse(bytes, [1 + Math.floor(random() * 5000)]).parts) {
      if (memory.jpeg.includes('\r\n--boundary\r\n')) t.fail(`seed ${seed} merged two pictures`)
    }
  }
  t.pass()
})

t.test('each byte is looked at a few times at most, whatever the stream and its pieces', async t => {
  const small = bytesOf(Buffer.from([0xff, 0xd8, 0xff, 0xda, 0, 2]), 'a')
  const end = Buffer.from([0xff, 0xd9])
  const streams: Record<string, Buffer> = {
    'tiny parts that claim to be large': Buffer.alloc(65_536, bytesOf('Content-Length: 99999\r\n\r\n', small, '\r\n--x\r\n', 'Content-Length: 9\r\n\r\n', small, end, '\r\n--x\r\n')),
    'tiny texts that claim to be large': Buffer.alloc(65_536, bytesOf('Content-Length: 99999\r\n\r\nhello\r\n--x \r\nContent-Length: 9\r\n\r\n', small, end, '\r\n--x \r\n')),
    'tiny parts without an end': Buffer.alloc(65_536, bytesOf('\r\n', small, '\r\n--x\r\n\r\n', small, end, '\r\n--x\r\n')),
    'tiny parts behind other delimiters': Buffer.alloc(65_536, bytesOf('\r\n', small, end, '\r\n--x \r\n\r\n', small, end, '\r\n--x  \r\n')),
    'tiny parts that come to no end before other delimiters': Buffer.alloc(65_536, bytesOf('\r\n', small, '\r\n--x \r\n\r\n', small, end, '\r\n--x \r\n\r\n', small, end, '\r\n--x \r\n')),
    'what begins like a delimiter': Buffer.alloc(65_536, '\n--x\n-\n--xy\n--x.'),
    'lines of one byte': bytesOf('Content-Length: 90000\r\n\r\n\xff\xd8', Buffer.alloc(65_536, '\n')),
    'a picture': bytesOf('\r\n', small, Buffer.alloc(65_536, 'a'), end)
  }
  for (const [name, stream] of Object.entries(streams)) {
    const bytes = bytesOf('--x\r\n', stream)
    for (const size of [1, 7, 65_536]) {
      const looked = lookedAt(() => { parse(bytes, [size]) })
      t.ok(looked < 8 * bytes.length, `${name}, ${size} at once: ${(looked / bytes.length).toFixed(1)} times`)
    }
  }
})

/** How many bytes the methods of Buffers go through meanwhile. Not with `intercept`, which keeps the stack of every call. */
function lookedAt (work: () => void): number {
  let bytes = 0
  const { indexOf, lastIndexOf, copy, toString } = Buffer.prototype
  Object.assign(Buffer.prototype, {
    indexOf (this: Buffer, needle: string, from = 0) {
      const found = indexOf.call(this, needle, from)
      bytes += (found === -1 ? this.length : found + 1) - from
      return found
    },
    lastIndexOf (this: Buffer, needle: string) {
      const found = lastIndexOf.call(this, needle)
      bytes += this.length - found
      return found
    },
    copy (this: Buffer, target: Buffer, at?: number, from?: number, to?: number) {
      const copied = copy.call(this, target, at, from, to)
      bytes += copied
      return copied
    },
    toString (this: Buffer, encoding: BufferEncoding, from: number, to: number) {
      const text = toString.call(this, encoding, from, to)
      bytes += text.length
      return text
    }
  })
  try {
    work()
  } finally {
    Object.assign(Buffer.prototype, { indexOf, lastIndexOf, copy, toString })
  }
  return bytes
}
