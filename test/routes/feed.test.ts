import t from 'tap'
import { jpeg, newSettings, PASSWORD, startServer } from '../helper.js'
import { RawClient, refused, send } from '../http.js'

const part = (headers = ''): Buffer => Buffer.concat([Buffer.from(`--x\r\n${headers}\r\n`), jpeg(), Buffer.from('\r\n')])
const BODY = Buffer.concat([part(), part(), part('X-Oil-Spill-Detected: 1\r\n'), Buffer.from('--x--\r\n')])
const SUMMARY = { frames_received: 3, frames_refused: 0, frames_late: 0 }
const request = (headers: string, version = '1.1'): string => `POST /api/cameras/default/feed HTTP/${version}\r\nHost: x\r\nX-Camera-Auth: ${PASSWORD}\r\n${headers}\r\n`
const chunk = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])

t.test('a body is taken however it is sent', async t => {
  const { app, port } = await startServer(t)
  const chunks = Buffer.concat([...Array.from({ length: Math.ceil(BODY.length / 100) }, (_, i) => chunk(BODY.subarray(i * 100, i * 100 + 100))), Buffer.from('0\r\n\r\n')])
  const length = `Content-Length: ${BODY.length}\r\n`
  const table: Array<[name: string, head: string, body: Buffer]> = [
    ['with its length', request(length), BODY],
    ['chunked', request('Transfer-Encoding: chunked\r\n'), chunks],
    ['over HTTP/1.0', request(length, '1.0'), BODY],
    ['as what it is', request(`${length}Content-Type: multipart/x-mixed-replace; boundary=x\r\n`), BODY],
    ['with another boundary', request(`${length}Content-Type: multipart/x-mixed-replace; boundary=--y\r\n`), BODY],
    ['as a form', request(`${length}Content-Type: application/x-www-form-urlencoded\r\n`), BODY],
    ['as JSON', request(`${length}Content-Type: application/json\r\n`), BODY],
    ['with an empty Content-Type', request(`${length}Content-Type:\r\n`), BODY]
  ]
  for (const [index, [name, head, body]] of table.entries()) {
    const client = RawClient.send(port, head, body)
    const answer = await client.answer()
    t.equal(answer.status, 200, name)
    t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
    t.strictSame(JSON.parse(answer.body.toString()), SUMMARY, name)
    await client.end()
    t.equal(app.cameras.default.frames.framesReceived, 3 * (index + 1))
  }
})

t.test('a client that expects a 100 Continue gets it, but not with a wrong key', async t => {
  const { port } = await startServer(t)
  const head = request(`Content-Length: ${BODY.length}\r\nExpect: 100-continue\r\n`)
  const client = RawClient.send(port, head)
  t.equal((await client.answer(1)).status, 100)
  client.write(BODY)
  t.equal((await client.answer(2)).status, 200)
  const wrong = RawClient.send(port, head.replace(PASSWORD, 'wrong'))
  await refused(t, await wrong.answer(), 401, 'PASSWORD_WRONG')
})

t.test('who may not send is told before the body', async t => {
  const { app, port, url } = await startServer(t)
  const camera = await app.cameras.add(newSettings('rig'))
  const { secret } = await app.cameras.addKey(camera)
  const endless = 'Content-Length: 1000000000\r\n'
  const table: Array<[head: string, status: number, code: string]> = [
    [request(endless).replace(/X-Camera-Auth.*\r\n/, ''), 401, 'PASSWORD_MISSING'],
    [request(endless).replace(PASSWORD, 'wrong'), 401, 'PASSWORD_WRONG'],
    [request(endless).replace(PASSWORD, secret), 403, 'CAMERA_MISMATCH'],
    [request(`${endless}X-Camera-Id: rig\r\n`), 403, 'CAMERA_MISMATCH'],
    [request(`${endless}X-Oil-Spill-Detected: maybe\r\n`), 400, 'SPILL_HEADER_INVALID'],
    [request(`${endless}X-Latitude: 91\r\n`), 400, 'FRAME_HEADER_INVALID']
  ]
  for (const [head, status, code] of table) {
    const client = RawClient.send(port, head)
    await refused(t, await client.answer(), status, code)
    await client.end()
  }
  await app.cameras.change(camera, { enabled: false })
  const client = RawClient.send(port, request(endless).replace(PASSWORD, secret).replace('default', 'rig'))
  await refused(t, await client.answer(), 403, 'CAMERA_DISABLED')
  t.match(await refused(t, await send(url, { path: '/api/cameras/default/feed' }), 405, 'METHOD_NOT_ALLOWED'), 'Use POST.')
})

t.test('a body without a part is no feed', async t => {
  const { port } = await startServer(t)
  for (const [head, body] of [[request(''), ''], [request('Content-Length: 0\r\n'), ''], [request('Content-Length: 7\r\n'), '--x--\r\n']] as const) {
    const client = RawClient.send(port, head, body)
    t.match(await refused(t, await client.answer(), 400, 'FEED_INVALID'), 'ended before any part')
  }
})

t.test('what the request says holds for parts that do not say otherwise', async t => {
  const { app, port } = await startServer(t)
  const body = Buffer.concat([part(), part('X-Oil-Spill-Detected: false\r\nX-Latitude: 10\r\n')])
  const client = RawClient.send(port, request(`Content-Length: ${body.length}\r\nX-Oil-Spill-Detected: true\r\nX-Latitude: 58.5\r\nX-Frame-Sequence: 1\r\n`), body)
  t.equal((await client.answer()).status, 200)
  t.match(app.cameras.default.frames.newest, { spillReported: false, frameSequence: undefined, details: { latitude: 10 } })
  t.equal(app.eventRepository.summaryOf().total, 1)
})
