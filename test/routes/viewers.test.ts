import t from 'tap'
import type { Role } from '../../src/core/role.js'
import { FakeClock, PASSWORD, SocketViewer, startServer, tokenOf, upload } from '../helper.js'
import { refused, send } from '../http.js'

const AUTH = { 'X-Camera-Auth': PASSWORD }

async function viewersOf (url: string): Promise<{ viewers: Array<Record<string, unknown>>, max_viewers: number }> {
  const answer = await send(url, { path: '/api/viewers', headers: AUTH })
  if (answer.status !== 200) throw new Error(answer.body.toString())
  return JSON.parse(answer.body.toString())
}

t.test('nobody watches', async t => {
  const { url } = await startServer(t, { MAX_VIEWERS: '7' })
  t.strictSame(await viewersOf(url), { viewers: [], max_viewers: 7 })
})

t.test('who watches, since when, and what they got', async t => {
  const clock = new FakeClock()
  const { url, port } = await startServer(t, { TRUST_PROXY: 'loopback', STREAM_MAX_FPS: '10' }, { clock })
  await upload(url)
  const first = new SocketViewer(port, '/stream', { 'User-Agent': 'VLC/3.0.18 LibVLC/3.0.18', 'X-Forwarded-For': '192.0.2.17' })
  await first.received(1)
  clock.advance(1500)
  await upload(url)
  await first.received(2)
  const second = new SocketViewer(port, '/stream?fps=2')
  await second.received(1)
  t.strictSame((await viewersOf(url)).viewers, [
    { camera_id: 'default', address: '192.0.2.17', user_agent: 'VLC/3.0.18 LibVLC/3.0.18', connected_since: 1687530622.123, max_fps: 10, frames_sent: 2, frames_skipped: 0, bytes_sent: first.bytes.length },
    { camera_id: 'default', address: '127.0.0.1', user_agent: null, connected_since: 1687530623.623, max_fps: 2, frames_sent: 1, frames_skipped: 0, bytes_sent: second.bytes.length }
  ])
  first.close()
  second.close()
})

t.test('only those who know the password may see it', async t => {
  const { url, app } = await startServer(t, { AUTH_FAILURE_LIMIT: '2' }, { clock: new FakeClock() })
  await refused(t, await send(url, { path: '/api/viewers' }), 401, 'LOGIN_MISSING')
  await refused(t, await send(url, { path: '/api/viewers', headers: { 'X-Camera-Auth': 'wrong' } }), 401, 'PASSWORD_WRONG')
  await refused(t, await send(url, { path: '/api/viewers', headers: { 'X-Camera-Auth': 'wrong' } }), 401, 'PASSWORD_WRONG')
  const answer = await send(url, { path: '/api/viewers', headers: AUTH })
  await refused(t, answer, 429, 'TOO_MANY_WRONG_PASSWORDS')
  t.equal(answer.headers['retry-after'], '30')
  t.equal(app.refusalCount('password'), 3)
  t.equal(app.refusalCount('login'), 1)
})

t.test('a key shows only who watches its own camera', async t => {
  const { url, app } = await startServer(t)
  t.equal((await send(url, { path: '/api/viewers', headers: { ...AUTH, 'X-Camera-Id': 'default' } })).status, 200)
  await refused(t, await send(url, { path: '/api/viewers', headers: { ...AUTH, 'X-Camera-Id': 'rig-4' } }), 403, 'CAMERA_MISMATCH')
  t.equal(app.refusalCount('password'), 1)
})

t.test('operators may see it too, viewers may not', async t => {
  const { url, app } = await startServer(t)
  const look = async (role: Role) => await send(url, { path: '/api/viewers', headers: { Authorization: `Bearer ${await tokenOf(app, role)}` } })
  await refused(t, await look('viewer'), 403, 'ROLE_MISSING')
  t.equal((await look('operator')).status, 200)
  t.equal((await look('admin')).status, 200)
})

t.test('looking does not use up the camera\'s uploads', async t => {
  const { url } = await startServer(t, { UPLOAD_RATE_LIMIT: '1' }, { clock: new FakeClock() })
  for (let i = 0; i < 5; i += 1) await viewersOf(url)
  t.equal((await upload(url)).status, 200)
})
