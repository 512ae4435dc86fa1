import t from 'tap'
import { startServer, upload } from '../helper.js'
import { send } from '../http.js'

const ORIGIN = { Origin: 'https://example.org' }

t.test('pages of any origin may read, and see the headers that matter', async t => {
  const { url } = await startServer(t)
  await upload(url)
  for (const path of ['/', '/api/status', '/api/frame', '/api/oil_spill_events', '/api/detection_summary', '/documentation/json']) {
    const { headers } = await send(url, { path, headers: ORIGIN })
    t.equal(headers['access-control-allow-origin'], '*', path)
    t.equal(headers['access-control-expose-headers'], 'ETag, Last-Modified, Retry-After, X-Timestamp', path)
  }
})

t.test('errors may be read too', async t => {
  const { url } = await startServer(t)
  for (const path of ['/stream', '/api/frame', '/nothing', '/api/oil_spill_events/x']) {
    t.equal((await send(url, { path, headers: ORIGIN })).headers['access-control-allow-origin'], '*', path)
  }
})

t.test('an OPTIONS that is no preflight is answered too', async t => {
  const { url } = await startServer(t)
  t.equal((await send(url, { method: 'OPTIONS', path: '/api/upload_frame' })).status, 204)
})

t.test('a browser may upload and control: the preflight allows the headers that it asks for', async t => {
  const { url } = await startServer(t)
  const answer = await send(url, {
    method: 'OPTIONS',
    path: '/api/upload_frame',
    headers: { ...ORIGIN, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'x-camera-auth,x-oil-spill-detected' }
  })
  t.equal(answer.status, 204)
  t.equal(answer.headers['access-control-allow-origin'], '*')
  t.equal(answer.headers['access-control-allow-methods'], 'GET, HEAD, POST, PUT, PATCH, DELETE')
  t.equal(answer.headers['access-control-allow-headers'], 'x-camera-auth,x-oil-spill-detected')
  t.equal(answer.headers['access-control-max-age'], '600')
  t.equal(answer.headers['access-control-allow-credentials'], undefined)
})
