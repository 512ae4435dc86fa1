import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { createUploader, parseRetryAfter } from '../../../src/cli/camera/upload.js'
import { shotOf } from './support.js'

/** A loopback server and an uploader to it; `path` is appended to its address. */
async function setUp (t: Test, listener: RequestListener, { path = '', password = 'secret', cameraId = undefined as string | undefined, timeoutMs = 10_000, scheme = 'http' } = {}) {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const uploader = createUploader({ server: new URL(`${scheme}://127.0.0.1:${port}${path}`), password, cameraId, timeoutMs })
  t.teardown(() => {
    uploader.close()
    server.closeAllConnections()
    server.close()
  })
  return { server, uploader }
}

const frame = { ...shotOf(1), jpeg: Buffer.from('\xff\xd8 a picture \xff\xd9', 'latin1') }
const { signal } = new AbortController()

t.test('an upload is one POST with the password, the detection and the JPEG', async t => {
  const requests: unknown[] = []
  const { server, uploader } = await setUp(t, (request, response) => {
    const { 'x-camera-auth': auth, 'x-oil-spill-detected': spill, 'content-type': type, 'idempotency-key': key = '' } = request.headers
    void buffer(request).then(body => {
      requests.push([request.method, request.url, auth, spill, key, type, body])
      response.end('Frame received')
    })
  })
  let connectionCount = 0
  server.on('connection', () => connectionCount++)
  t.strictSame(await uploader.send(frame, signal), { kind: 'taken' })
  t.strictSame(await uploader.send({ ...frame, headers: shotOf(2, { spill: true }).headers }, signal), { kind: 'taken' })
  t.strictSame(requests, [
    ['POST', '/api/upload_frame', 'secret', 'false', '', 'image/jpeg', frame.jpeg],
    ['POST', '/api/upload_frame', 'secret', 'true', 'key 2', 'image/jpeg', frame.jpeg]
  ])
  t.equal(connectionCount, 1, 'the connection is kept open')
})

t.test('a path in the address is kept, and the password goes as UTF-8', async t => {
  const seen: string[] = []
  const { uploader } = await setUp(t, (request, response) => {
    seen.push(request.url!, Buffer.from(String(request.headers['x-camera-auth']), 'latin1').toString())
    response.end()
  }, { path: '/watch/', password: 'gr\u00fcn \u20ac' })
  await uploader.send(frame, signal)
  t.strictSame(seen, ['/watch/api/upload_frame', 'gr\u00fcn \u20ac'])
})

t.test('a camera that is named has a path of its own', async t => {
  let url: string | undefined
  const { uploader } = await setUp(t, (request, response) => {
    url = request.url
    response.end()
  }, { path: '/watch', cameraId: 'north-jetty' })
  await uploader.send(frame, signal)
  t.equal(url, '/watch/api/cameras/north-jetty/frames')
})

const again = (reason: string) => ({ kind: 'again', reason, retryAfterMs: 7000, isFromServer: true })
const refused = (reason: string) => ({ kind: 'refused', reason, isFinal: false })

t.test('each answer has its meaning and the server\'s own words', async t => {
  const answers: Array<[status: number, body: string, expected: unknown]> = [
    [200, 'Frame received', { kind: 'taken' }],
    [200, '<html>Log in to our WLAN', { kind: 'again', reason: 'something else than a Videostream server answers: 200 OK: <html>Log in to our WLAN', retryAfterMs: 7000, isFromServer: false }],
    [302, '', again('302 Found: ')],
    [401, '{"message":"Wrong password."}', { kind: 'unauthorized', reason: '401 Unauthorized: Wrong password.', retryAfterMs: 7000 }],
    [403, '{"code":"CAMERA_DISABLED","message":"Disabled."}', { kind: 'unauthorized', reason: '403 Forbidden: Disabled.', retryAfterMs: 7000 }],
    [400, '{"message":"No JPEG."}', refused('400 Bad Request: No JPEG.')],
    [413, '"too large"', refused('413 Payload Too Large: "too large"')],
    [409, '{"code":"IDEMPOTENCY_KEY_REUSED","message":"Other body."}', { ...refused('409 Conflict: Other body.'), isFinal: true }],
    [422, '{"code":"CAPTURE_TIME_TOO_OLD","message":"Old."}', { ...refused('422 Unprocessable Entity: Old.'), isFinal: true }],
    [422, '{"code":"CAPTURE_TIME_IN_FUTURE","message":"Future."}', { kind: 'early', reason: '422 Unprocessable Entity: Future.' }],
    [431, '', refused('431 Request Header Fields Too Large: ')],
    [400, '{"code":"UPLOAD_BROKEN_OFF","message":"Again."}', again('400 Bad Request: Again.')],
    [404, 'null', again('404 Not Found: null')],
    [400, '{"error":1}', refused('400 Bad Request: {"error":1}')],
    [408, '', again('408 Request Timeout: ')],
    [429, '{"message":"Slower."}', again('429 Too Many Requests: Slower.')],
    [502, '<html>\n<b>Bad', again('502 Bad Gateway: <html>')],
    [503, '', again('503 Service Unavailable: ')],
    [507, '', again('507 Insufficient Storage: ')]
  ]
  let next = 0
  const { uploader } = await setUp(t, (request, response) => {
    const [status, body] = answers[next++]!
    response.writeHead(status, { 'Retry-After': '7' }).end(body)
    request.resume()
  })
  for (const [status, , expected] of answers) t.strictSame(await uploader.send(frame, signal), expected, String(status))
})

t.test('a 401 sent before a large body was read still arrives', async t => {
  const { uploader } = await setUp(t, (_request, response) => {
    response.writeHead(401, { Connection: 'close' }).end('{"message":"Wrong password."}')
  })
  const answer = await uploader.send({ ...frame, jpeg: Buffer.alloc(300_000) }, signal)
  t.match(answer, { kind: 'unauthorized' })
})

t.test('a server that is not there, hangs up, is silent or speaks no TLS is to be tried again', async t => {
  const { server, uploader } = await setUp(t, request => { request.destroy() })
  t.match(await uploader.send(frame, signal), { kind: 'again', reason: 'socket hang up', retryAfterMs: 0 })
  await new Promise(resolve => server.close(resolve))
  t.match(await uploader.send(frame, signal), { kind: 'again', reason: /ECONNREFUSED/ })

  const silent = await setUp(t, () => {}, { timeoutMs: 50 })
  t.match(await silent.uploader.send(frame, signal), { kind: 'again', reason: 'no answer within 0.05 s' })

  const halfway = await setUp(t, (_request, response) => { response.writeHead(200, { 'Content-Length': 9 }).write('a') }, { timeoutMs: 100 })
  t.match(await halfway.uploader.send(frame, signal), { kind: 'again' }, 'half an answer is none')

  const plain = await setUp(t, (_request, response) => { response.end() }, { scheme: 'https' })
  t.match(await plain.uploader.send(frame, signal), { kind: 'again', reason: /SSL|EPROTO|wrong version/i })
})

t.test('the signal breaks an upload off', async t => {
  const stop = new AbortController()
  const { uploader } = await setUp(t, () => stop.abort())
  t.match(await uploader.send(frame, stop.signal), { kind: 'again', reason: /abort/ })
})

t.test('Retry-After is seconds or a date, and at most half a minute', async t => {
  const nowMs = Date.parse('2026-11-23T06:00:00Z')
  t.equal(parseRetryAfter(undefined, nowMs), 0)
  t.equal(parseRetryAfter('3', nowMs), 3000)
  t.equal(parseRetryAfter('3600', nowMs), 30_000)
  t.equal(parseRetryAfter('Mon, 23 Nov 2026 06:00:05 GMT', nowMs), 5000)
  t.equal(parseRetryAfter('Mon, 23 Nov 2026 05:00:00 GMT', nowMs), 0)
  t.equal(parseRetryAfter('soon', nowMs), 0)
})
