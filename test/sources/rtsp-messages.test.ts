import t from 'tap'
import { bytesOf, headerOf, RtspSplitter, withHeader, type RtspMessage } from '../../src/sources/rtsp-messages.js'

/** Everything that a connection carries, cut into pieces of this size. */
function split (bytes: Buffer, size: number): { media: Buffer, messages: RtspMessage[] } {
  const media: Buffer[] = []
  const messages: RtspMessage[] = []
  const splitter = new RtspSplitter(each => media.push(Buffer.from(each)), message => messages.push({ ...message, body: Buffer.from(message.body) }))
  for (let at = 0; at < bytes.length; at += size) splitter.push(bytes.subarray(at, at + size))
  return { media: Buffer.concat(media), messages }
}

const packet = (content: string) => Buffer.concat([Buffer.from([0x24, 0, content.length >> 8, content.length & 255]), Buffer.from(content)])

t.test('messages and media are told apart, however they come in pieces', async t => {
  const media = [packet('$$$RTSP/1.0 200 OK\r\n\r\n'), packet(''), packet('x'.repeat(3000))]
  const bytes = Buffer.concat([
    Buffer.from('RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-length: 7\r\n\r\n$=body\n'), media[0] ?? Buffer.alloc(0), media[1] ?? Buffer.alloc(0),
    Buffer.from('\r\nOPTIONS * RTSP/1.0\r\nCSeq:2\r\n\r\n'), media[2] ?? Buffer.alloc(0), Buffer.from('RTSP/1.0 404 Not Found\r\n\r\n')
  ])
  for (const size of [1, 2, 3, 7, 100, 1448, bytes.length]) {
    const found = split(bytes, size)
    t.strictSame(found.messages.map(({ startLine, body }) => [startLine, String(body)]), [['RTSP/1.0 200 OK', '$=body\n'], ['OPTIONS * RTSP/1.0', ''], ['RTSP/1.0 404 Not Found', '']], `pieces of ${size}`)
    t.ok(found.media.equals(Buffer.concat(media)), `pieces of ${size}`)
  }
})

t.test('what is no RTSP is an error, before it fills the memory', async t => {
  for (const bytes of ['\0\0', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n', 'x'.repeat(20_000), 'RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n', 'RTSP/1.0 200 OK\r\nContent-Length: abc\r\n\r\n']) {
    t.throws(() => split(Buffer.from(bytes), 1000), { name: 'SourceFailed' })
  }
})

t.test('headers are read and replaced, whatever their case', async t => {
  const message: RtspMessage = { startLine: 'OPTIONS * RTSP/1.0', headers: [['CSEQ', '5'], ['www-authenticate', 'Basic'], ['WWW-Authenticate', 'Digest']], body: Buffer.from('x') }
  t.equal(headerOf(message, 'cseq'), '5')
  t.equal(headerOf(message, 'www-authenticate'), 'Basic, Digest')
  t.equal(headerOf(message, 'session'), undefined)
  t.equal(String(bytesOf(withHeader(message, 'CSeq', '9'))), 'OPTIONS * RTSP/1.0\r\nCSeq: 9\r\nwww-authenticate: Basic\r\nWWW-Authenticate: Digest\r\n\r\nx')
  t.equal(String(bytesOf(withHeader(withHeader(message, 'WWW-Authenticate', undefined), 'CSeq', undefined))), 'OPTIONS * RTSP/1.0\r\n\r\nx')
})
