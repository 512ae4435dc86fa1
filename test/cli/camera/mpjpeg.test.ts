import t from 'tap'
import { MpjpegParser } from '../../../src/cli/camera/mpjpeg.js'

const jpegs = [Buffer.from('\xff\xd8 one \r\n\r\n--ffmpeg\r\n\xff\xd9', 'latin1'), Buffer.from('2'), Buffer.alloc(3000, 3)]
const part = (jpeg: Buffer) => Buffer.concat([
  Buffer.from(`Content-type: image/jpeg\r\nContent-length: ${jpeg.length}\r\n\r\n`), jpeg, Buffer.from('\r\n--ffmpeg\r\n')
])
const stream = Buffer.concat([Buffer.from('--ffmpeg\r\n'), ...jpegs.map(part)])

function parse (chunks: Buffer[]): Buffer[] {
  const parser = new MpjpegParser()
  return chunks.flatMap(chunk => parser.push(chunk))
}

t.test('it finds the JPEGs in one piece, byte by byte, and cut anywhere', async t => {
  t.strictSame(parse([stream]), jpegs)
  t.strictSame(parse(Array.from(stream, (_, i) => stream.subarray(i, i + 1))), jpegs)
  for (let cut = 1; cut < 300; cut++) t.strictSame(parse([stream.subarray(0, cut), stream.subarray(cut)]), jpegs)
})

t.test('a JPEG comes with its last byte, not with the next part', async t => {
  const parser = new MpjpegParser()
  const end = stream.indexOf('\xff\xd9', 0, 'latin1') + 2
  t.strictSame(parser.push(stream.subarray(0, end - 1)), [])
  t.strictSame(parser.push(stream.subarray(end - 1, end)), [jpegs[0]])
})

t.test('what it gives does not change when the input is used again', async t => {
  const input = Buffer.from(stream)
  const found = parse([input])
  input.fill(0)
  t.strictSame(found, jpegs)
})

t.test('the name of the header is read in any case', async t => {
  t.strictSame(parse([Buffer.from('--x\r\nCONTENT-LENGTH:2\r\n\r\nab')]), [Buffer.from('ab')])
})

t.test('anything else is an error', async t => {
  for (const headers of ['Content-type: image/jpeg', 'Content-length: 0', 'Content-length: x', 'Content-length: 99999999999']) {
    t.throws(() => parse([Buffer.from(`--ffmpeg\r\n${headers}\r\n\r\nab`)]), /Content-length/, headers)
  }
  t.throws(() => parse([Buffer.alloc(3000), Buffer.alloc(3000)]), /no end of headers/)
  t.throws(() => parse([Buffer.concat([Buffer.alloc(5000), part(jpegs[0]!)])]), /no end of headers/)
})
