import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import type { Role } from '../../src/core/role.js'
import { control, FakeClock, newSettings, PASSWORD, SocketViewer, startServer, temporaryFolder, tokenOf, upload } from '../helper.js'
import { keptLog, RawClient, refused, send, type Answer } from '../http.js'

const JSON_TYPE = { 'Content-Type': 'application/json' }
const post = async (url: string, body: string | undefined, headers: Record<string, string> = JSON_TYPE, action = 'stop_stream'): Promise<Answer> =>
  await send(url, { method: 'POST', path: `/api/${action}`, headers, ...(body !== undefined && { body }) })

t.test('start and stop answer as the seed says', async t => {
  const { url } = await startServer(t)
  for (const [action, status] of [['stop_stream', 'Stream stopped'], ['start_stream', 'Stream started']] as const) {
    for (let i = 0; i < 2; i += 1) {
      const response = await control(url, action)
      t.equal(response.status, 200)
      t.equal(response.headers.get('content-type'), 'application/json; charset=utf-8')
      t.equal(await response.text(), JSON.stringify({ status }), 'also when it is so already')
    }
  }
})

t.test('a stop keeps viewers out until a start', async t => {
  const { url, port, app } = await startServer(t)
  await upload(url)
  await control(url, 'stop_stream')
  await upload(url)
  t.equal((await send(url, { path: '/stream' })).status, 503)
  t.equal(app.cameras.default.liveStream.active, false)
  await control(url, 'start_stream')
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  viewer.close()
})

t.test('a stop holds over a restart, while frames and evidence go on being taken', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const before = await startServer(t, environment)
  await upload(before.url)
  await control(before.url, 'stop_stream')
  await before.app.close()

  const between = await startServer(t, environment)
  t.equal((await upload(between.url, { spill: true })).status, 200)
  await refused(t, await send(between.url, { path: '/stream' }), 503, 'NO_ACTIVE_STREAM')
  t.equal((await send(between.url, { path: '/api/oil_spill_events/1/frame' })).status, 200)
  t.equal((await control(between.url, 'start_stream')).status, 200)
  await between.app.close()

  const after = await startServer(t, environment)
  t.equal(after.app.cameras.default.liveStream.active, false, 'no frame has come since')
  await upload(after.url)
  t.equal(after.app.cameras.default.liveStream.active, true, 'a start holds over a restart too')
})

t.test('401 for a wrong password changes nothing', async t => {
  const { url, app } = await startServer(t)
  await upload(url)
  for (const password of ['', 'wrong', PASSWORD + ' ', PASSWORD.toUpperCase()]) {
    await refused(t, await control(url, 'stop_stream', password), 401, 'PASSWORD_WRONG')
  }
  t.equal(app.cameras.default.liveStream.active, true)
  await control(url, 'stop_stream')
  await refused(t, await control(url, 'start_stream', 'wrong'), 401, 'PASSWORD_WRONG')
  t.equal(app.cameras.default.liveStream.active, false)
})

t.test('400 for what is not the documented JSON', async t => {
  const { url, app } = await startServer(t)
  await upload(url)
  const bodies = [
    '', '{', '[]', '"text"', '42', 'true', '{"password":null}', '{"password":["a"]}', '{"password":{}}',
    `{"password":"${PASSWORD}"`, `{"password":"${PASSWORD}"}}`, `password=${PASSWORD}`, `{"__proto__":{"password":"${PASSWORD}"}}`, '\ufeff', '\u0000'
  ]
  for (const body of bodies) await refused(t, await post(url, body), 400, 'REQUEST_INVALID')
  t.equal(app.cameras.default.liveStream.active, true)
})

t.test('401 without a password from nobody', async t => {
  const { url, app } = await startServer(t)
  await upload(url)
  for (const body of ['{}', 'null', '{"Password":"x"}']) await refused(t, await post(url, body), 401, 'LOGIN_MISSING')
  await refused(t, await post(url, undefined, {}), 401, 'LOGIN_MISSING')
  t.equal(app.cameras.default.liveStream.active, true)
})

t.test('operators need no password of the camera, and no body; viewers may not', async t => {
  const { url, app } = await startServer(t)
  await upload(url)
  const headers = async (role: Role): Promise<Record<string, string>> => ({ Authorization: `Bearer ${await tokenOf(app, role)}` })
  await refused(t, await post(url, undefined, await headers('viewer')), 403, 'ROLE_MISSING')
  await refused(t, await post(url, '{}', { ...JSON_TYPE, ...await headers('viewer') }), 403, 'ROLE_MISSING')
  t.equal(app.cameras.default.liveStream.active, true)
  t.equal((await post(url, undefined, await headers('operator'))).status, 200)
  t.equal(app.cameras.default.liveStream.active, false)
  t.equal((await post(url, '{}', { ...JSON_TYPE, ...await headers('admin') }, 'start_stream')).status, 200)
  t.equal(app.cameras.default.liveStream.active, true)
  await refused(t, await post(url, '{"password":"wrong"}', { ...JSON_TYPE, ...await headers('operator') }), 401, 'PASSWORD_WRONG')
})

t.test('413 for a body over 16 KiB, announced or not', async t => {
  const { url, port } = await startServer(t)
  const large = JSON.stringify({ password: 'x'.repeat(17_000) })
  const answer = await post(url, large)
  await refused(t, answer, 413, 'BODY_TOO_LARGE')
  const client = RawClient.send(port, 'POST /api/stop_stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    `${large.length.toString(16)}\r\n`, large)
  await refused(t, await client.answer(), 413, 'BODY_TOO_LARGE')
  await client.end()
})

t.test('415 for another media type', async t => {
  const { url } = await startServer(t)
  for (const type of ['application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data', 'image/jpeg', 'text/plain', 'nonsense']) {
    await refused(t, await post(url, JSON.stringify({ password: PASSWORD }), { 'Content-Type': type }), 415, 'MEDIA_TYPE_UNSUPPORTED')
  }
})

t.test('JSON with a charset is JSON', async t => {
  const { url } = await startServer(t)
  t.equal((await post(url, JSON.stringify({ password: PASSWORD }), { 'Content-Type': 'application/json; charset=utf-8' })).status, 200)
})

t.test('503 while another program has the database locked, and nothing changes', async t => {
  const { url, app, config } = await startServer(t)
  await upload(url)
  const other = new Database(join(config.dataDir, 'videostream.db'))
  other.exec('BEGIN IMMEDIATE')
  const response = await control(url, 'stop_stream')
  t.equal(response.headers.get('retry-after'), '1')
  t.match(await refused(t, response, 503, 'HISTORY_UNAVAILABLE'), 'SQLITE_BUSY')
  t.equal(app.cameras.default.liveStream.active, true)
  other.close()
  t.equal((await control(url, 'stop_stream')).status, 200)
})

t.test('who started or stopped it is logged, without the password', async t => {
  const log = keptLog()
  const { url } = await startServer(t, {}, { logger: log.logger })
  await control(url, 'stop_stream')
  await control(url, 'start_stream')
  for (const msg of ['the stream was stopped', 'the stream was started']) {
    t.match(log.lines.filter(line => line.msg === msg), [{ cameraId: 'default', address: '127.0.0.1' }])
  }
  t.notMatch(log.text(), PASSWORD)
})

t.test('operators and right keys behind the address of somebody who guesses passwords are let through', async t => {
  const { url, app } = await startServer(t, { AUTH_FAILURE_LIMIT: '1' }, { clock: new FakeClock() })
  const rig = await app.cameras.add(newSettings('rig-4'))
  const { secret } = await app.cameras.addKey(rig)
  await refused(t, await control(url, 'stop_stream', 'wrong'), 401, 'PASSWORD_WRONG')
  await refused(t, await control(url, 'stop_stream'), 429, 'TOO_MANY_WRONG_PASSWORDS')
  t.equal((await post(url, undefined, { Authorization: `Bearer ${await tokenOf(app, 'operator')}` })).status, 200)
  t.equal(app.cameras.default.liveStream.active, false)
  t.equal((await post(url, JSON.stringify({ password: secret }))).status, 200)
  t.equal((await post(url, undefined, { 'X-Camera-Auth': secret })).status, 200)
})

t.test('a key of another camera than the one that is named is refused and counted, wherever the name stands', async t => {
  const log = keptLog()
  const { url, app } = await startServer(t, {}, { clock: new FakeClock(), logger: log.logger })
  const rig = await app.cameras.add(newSettings('rig-4'))
  const { secret } = await app.cameras.addKey(rig)
  await upload(url, { password: secret })
  const body = JSON.stringify({ password: secret })
  const wrong: Array<[path: string, headers: Record<string, string>, body: string | undefined]> = [
    ['stop_stream?camera=default', JSON_TYPE, body],
    ['cameras/default/stop_stream', JSON_TYPE, body],
    ['stop_stream', { ...JSON_TYPE, 'X-Camera-Id': 'default' }, body],
    ['cameras/rig-4/stop_stream', { ...JSON_TYPE, 'X-Camera-Id': 'rig-5' }, body],
    ['stop_stream', { 'X-Camera-Auth': secret, 'X-Camera-Id': 'default' }, undefined]
  ]
  for (const [path, headers, text] of wrong) await refused(t, await post(url, text, headers, path), 403, 'CAMERA_MISMATCH')
  t.equal(app.refusalCount('password'), wrong.length)
  t.match(log.lines.filter(({ msg }) => msg === 'a password was refused'), [{ reason: 'key of another camera', cameraId: 'rig-4' }])
  t.equal(rig.liveStream.active, true)
  t.equal((await post(url, body, { ...JSON_TYPE, 'X-Camera-Id': 'rig-4' })).status, 200)
  t.equal(rig.liveStream.active, false)
})
