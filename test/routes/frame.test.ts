import t from 'tap'
import { control, FakeClock, jpeg, startServer, upload } from '../helper.js'
import { refused, send } from '../http.js'

t.test('503 before the first frame', async t => {
  const { url } = await startServer(t)
  const answer = await send(url, { path: '/api/frame' })
  await refused(t, answer, 503, 'NO_FRAME')
  t.equal(answer.headers['retry-after'], '1')
})

t.test('the newest frame is what the camera sent, byte for byte, with its times', async t => {
  const { url } = await startServer(t, {}, { clock: new FakeClock() })
  const padded = Buffer.concat([jpeg({ color: [1, 2, 3] }), Buffer.from([0, 0, 0xff, 0xd8, 7])])
  await upload(url)
  await upload(url, { jpeg: padded })
  const answer = await send(url, { path: '/api/frame' })
  t.equal(answer.status, 200)
  t.ok(answer.body.equals(padded))
  t.match(answer.headers, {
    'content-type': 'image/jpeg',
    'content-length': String(padded.length),
    'last-modified': 'Fri, 23 Jun 2023 14:30:22 GMT',
    'x-timestamp': '1687530622.123000',
    'cache-control': 'no-cache',
    etag: /^"[0-9a-f]{8}-2"$/,
    'access-control-allow-origin': '*'
  })
})

t.test('If-None-Match gives 304 without a body, until the next frame', async t => {
  const { url } = await startServer(t)
  await upload(url)
  const first = await send(url, { path: '/api/frame' })
  const etag = String(first.headers.etag)
  for (const value of [etag, `"other", ${etag}`, `W/${etag}`, '*']) {
    const answer = await send(url, { path: '/api/frame', headers: { 'If-None-Match': value } })
    t.equal(answer.status, 304, value)
    t.equal(answer.body.length, 0)
    t.match(answer.headers, { etag, 'last-modified': first.headers['last-modified'], 'x-timestamp': first.headers['x-timestamp'] })
  }
  t.equal((await send(url, { path: '/api/frame', headers: { 'If-None-Match': '"other"' } })).status, 200)
  await upload(url)
  const next = await send(url, { path: '/api/frame', headers: { 'If-None-Match': etag } })
  t.equal(next.status, 200, 'a frame of the same bytes is another frame')
  t.not(next.headers.etag, etag)
})

t.test('the ETag of one server is not that of another', async t => {
  const etags = []
  for (let i = 0; i < 2; i += 1) {
    const { url } = await startServer(t)
    await upload(url)
    etags.push((await send(url, { path: '/api/frame' })).headers.etag)
  }
  t.not(etags[0], etags[1])
})

t.test('HEAD gives the headers alone', async t => {
  const { url } = await startServer(t)
  const picture = jpeg()
  await upload(url, { jpeg: picture })
  const answer = await send(url, { path: '/api/frame', method: 'HEAD' })
  t.equal(answer.status, 200)
  t.equal(answer.headers['content-length'], String(picture.length))
  t.equal(answer.body.length, 0)
})

t.test('a stop of the stream does not stop it', async t => {
  const { url } = await startServer(t)
  await upload(url)
  await control(url, 'stop_stream')
  t.equal((await send(url, { path: '/api/frame' })).status, 200)
})
