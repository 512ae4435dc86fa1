import t from 'tap'
import { MultipartReader } from '../../bench/multipart.js'
import { jpeg } from '../helper.js'

interface Seen { head: Buffer, whole: boolean }

const first = jpeg({ color: [200, 0, 0] })
/** With what looks like the beginnings of a boundary in it. */
const second = Buffer.from('\xff\xd8 \r\r\n\r\n-\r\n--\r\n--fra\r\n--fr\xff\xd9', 'latin1')
const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n'

function part (body: Buffer, counted = true): Buffer {
  return Buffer.concat([Buffer.from(`--frame\r\nContent-Type: image/jpeg\r\n${counted ? `Content-Length: ${body.length}\r\n` : ''}\r\n`), body, Buffer.from('\r\n')])
}

/** As a server with Transfer-Encoding: chunked sends it, in chunks of so many bytes. */
function chunked (body: Buffer, size: number): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length; at += size) {
    const data = body.subarray(at, at + size)
    chunks.push(Buffer.from(`${data.length.toString(16).toUpperCase()}\r\n`), data, Buffer.from('\r\n'))
  }
  return Buffer.concat(chunks)
}

function read (pieces: Buffer[]): Seen[] {
  const seen: Seen[] = []
  const reader = new MultipartReader({ onFrame: (head, whole) => { seen.push({ head: Buffer.from(head), whole }) } })
  for (const piece of pieces) reader.push(piece)
  return seen
}

function splits (bytes: Buffer): Buffer[][] {
  const inTwo = Array.from({ length: bytes.length + 1 }, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)])
  const inBytes = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
  return [[bytes], inBytes, ...inTwo]
}

const bodies = [first, second, first]
const counted = Buffer.concat(bodies.map(each => part(each)))
const scanned = Buffer.concat([...bodies.map(each => part(each, false)), Buffer.from('--frame\r\n')])
const forms: Record<string, Buffer> = {
  'with Content-Length': Buffer.concat([Buffer.from(`${HEAD}\r\n`), counted]),
  'without Content-Length': Buffer.concat([Buffer.from(`${HEAD}\r\n`), scanned]),
  'with a quoted boundary that brings its dashes': Buffer.concat([Buffer.from(`${HEAD.replace('boundary=frame', 'boundary="--frame"')}\r\n`), scanned]),
  'with another form of the head': Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ncontent-type:multipart/x-mixed-replace;boundary=frame\r\n\r\n'), Buffer.from(counted.toString('latin1').replaceAll('Content-Length: ', 'content-length:'), 'latin1')]),
  ...Object.fromEntries([1, 7, 64, 100_000].flatMap(size => [
    [`in chunks of ${size} bytes`, Buffer.concat([Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`), chunked(counted, size)])],
    [`without Content-Length, in chunks of ${size} bytes`, Buffer.concat([Buffer.from(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`), chunked(scanned, size)])]
  ]))
}

for (const [name, bytes] of Object.entries(forms)) {
  t.test(`frames are told apart ${name}, wherever the bytes are split`, async t => {
    for (const pieces of splits(bytes)) {
      const seen = read(pieces)
      const right = seen.length === bodies.length && seen.every(({ head, whole }, i) => {
        const body = bodies[i] ?? Buffer.alloc(0)
        const length = Math.min(head.length, body.length)
        return whole && head.subarray(0, length).equals(body.subarray(0, length))
      })
      if (!right) t.fail(`split into ${pieces.map(({ length }) => length).slice(0, 2).join(' and ')}: ${seen.length} frames`)
    }
    t.pass()
  })
}

t.test('a frame that is no whole JPEG is told as such', async t => {
  const broken = [first.subarray(0, -1), first.subarray(1), Buffer.from([0xff, 0xd9]), Buffer.alloc(0)]
  const bytes = Buffer.concat([Buffer.from(`${HEAD}\r\n`), ...broken.map(each => part(each)), part(first)])
  for (const pieces of splits(bytes)) t.strictSame(read(pieces).map(({ whole }) => whole), [false, false, false, false, true])
})

t.test('what is no stream, or its end, is an error', async t => {
  const table: Array<[text: string, problem: RegExp]> = [
    ['HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n', /refused with 503/],
    ['HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n', /not multipart/],
    ['SSH-2.0\r\n\r\n', /refused with -1/],
    [`${HEAD}${'X'.repeat(9000)}`, /head of the response has no end/],
    [`${HEAD}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, /has ended/],
    [`${HEAD}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n`, /chunk has no size/],
    [`${HEAD}\r\n--frame\r\n${'X'.repeat(20_000)}`, /head of a part has no end/]
  ]
  for (const [text, message] of table) t.throws(() => read([Buffer.from(text)]), { message }, text.slice(0, 60))
})
