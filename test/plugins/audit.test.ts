import t, { type Test } from 'tap'
import type { AuditEntry } from '../../src/store/audit-queries.js'
import { version } from '../../src/version.js'
import { ADMIN_PASSWORD, control, FakeClock, newSettings, PASSWORD, PERSON_PASSWORD, startServer, tokenOf, until } from '../helper.js'
import { keptLog, send, type Answer } from '../http.js'

const HOUR_MS = 3_600_000

async function setUp (t: Test, environment: NodeJS.ProcessEnv = {}) {
  const clock = new FakeClock()
  const log = keptLog()
  const server = await startServer(t, { AUTH_FAILURE_LIMIT: '3', TRUST_PROXY: 'loopback', ...environment }, { clock, logger: log.logger })
  const { app, url } = server
  /** What the ledger tells of some actions, oldest first. What was begun before has ended: calls have their order. */
  const told = async (action: string): Promise<AuditEntry[]> => [...(await app.audit.page({ action, actor: null, subject: null }, null, 1000)).entries].reverse()
  const me = async (headers: Record<string, string>, from = '192.0.2.1'): Promise<Answer> => await send(url, { path: '/api/me', headers: { ...headers, 'X-Forwarded-For': from } })
  const basic = (username: string, password: string) => ({ Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` })
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> => await send(url, {
    method, path, headers: { Authorization: `Bearer ${await tokenOf(app, 'admin')}`, ...(body !== undefined && { 'Content-Type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) })
  })
  return { ...server, clock, log, told, me, basic, ask }
}

t.test('the start of the server is told, with its version', async t => {
  const { told } = await setUp(t)
  await until(async () => (await told('server.started')).length === 1)
  t.match(await told('server.started'), [{ actor: 'server', subject: 'server', payload: { version } }])
})

t.test('a login in a browser is told each time, with the address', async t => {
  const { url, told } = await setUp(t)
  const logIn = async (password: string): Promise<Answer> => await send(url, {
    method: 'POST', path: '/login', headers: { 'Content-Type': 'application/json', 'X-Forwarded-For': '192.0.2.7' }, body: JSON.stringify({ username: 'admin', password })
  })
  t.equal((await logIn(ADMIN_PASSWORD)).status, 200)
  t.equal((await logIn('wrong')).status, 401)
  t.equal((await logIn(ADMIN_PASSWORD)).status, 200)
  const entry = { actor: 'user:admin', subject: 'user:admin', payload: { via: 'session', address: '192.0.2.7' } }
  t.match(await told('login'), [entry, entry])
  t.notMatch(JSON.stringify(await told('login')), ADMIN_PASSWORD)
})

t.test('who logs in with each request is told of once an hour, a user, an address and a way', async t => {
  const { app, told, me, basic, clock } = await setUp(t)
  for (let i = 0; i < 5; i += 1) t.equal((await me(basic('admin', ADMIN_PASSWORD))).status, 200)
  t.match(await told('login'), [{ actor: 'user:admin', payload: { via: 'basic', address: '192.0.2.1' } }])
  await me(basic('admin', ADMIN_PASSWORD), '192.0.2.2')
  const bearer = { Authorization: `Bearer ${await tokenOf(app, 'viewer')}` }
  for (let i = 0; i < 3; i += 1) t.equal((await me(bearer)).status, 200)
  t.strictSame((await told('login')).map(({ actor, payload }) => [actor, payload['via'], payload['address']]), [
    ['user:admin', 'basic', '192.0.2.1'], ['user:admin', 'basic', '192.0.2.2'], ['user:viewer', 'token', '192.0.2.1']
  ])
  clock.advance(HOUR_MS)
  await me(basic('admin', ADMIN_PASSWORD))
  t.equal((await told('login')).length, 4)
})

t.test('wrong passwords are told of when the limit is reached, not one by one', async t => {
  const { told, me, basic, app } = await setUp(t)
  await tokenOf(app, 'viewer')
  for (let i = 0; i < 3; i += 1) t.equal((await me(basic('viewer', 'wrong'))).status, 401)
  t.strictSame(await told('login.locked'), [])
  for (let i = 0; i < 5; i += 1) t.equal((await me(basic('viewer', PERSON_PASSWORD))).status, 429)
  t.match(await told('login.locked'), [{ actor: 'server', subject: 'user:viewer', payload: { of: 'people', address: '192.0.2.1' } }])
  for (let i = 0; i < 4; i += 1) await me(basic('no-such-user', 'wrong'), '192.0.2.9')
  const [, other] = await told('login.locked')
  t.match(other, { subject: 'server' })
  t.notMatch(JSON.stringify(other), 'no-such-user', 'what is no user\'s name may be a password')
})

t.test('a camera password that is guessed is told of, and many addresses do not fill the ledger', async t => {
  const { url, told } = await setUp(t, { AUTH_FAILURE_LIMIT: '1' })
  const guess = async (from: string): Promise<Answer> => await send(url, { method: 'POST', path: '/api/upload_frame', headers: { 'X-Camera-Auth': 'wrong', 'X-Forwarded-For': from }, body: 'x' })
  for (let i = 0; i < 70; i += 1) {
    t.equal((await guess(`198.51.100.${i}`)).status, 401)
    t.equal((await guess(`198.51.100.${i}`)).status, 429)
  }
  const locked = await told('login.locked')
  t.equal(locked.length, 60)
  t.match(locked[0], { actor: 'server', subject: 'server', payload: { of: 'cameras', address: '198.51.100.0' } })
})

t.test('what administrators do to people is told, and never a password', async t => {
  const { ask, told } = await setUp(t)
  await ask('POST', '/api/users', { username: 'jane.doe', password: 'correct horse battery staple', role: 'operator' })
  await ask('PATCH', '/api/users/jane.doe', { password: 'another horse battery staple' })
  await ask('PATCH', '/api/users/jane.doe', { role: 'viewer', enabled: false })
  await ask('PATCH', '/api/users/jane.doe', { role: 'viewer' })
  await ask('DELETE', '/api/users/jane.doe')
  const entries = (await told('user.')).filter(({ subject }) => subject === 'user:jane.doe')
  t.strictSame(entries.map(({ actor, action, payload }) => [actor, action, payload]), [
    ['user:admin', 'user.added', { role: 'operator', enabled: true }],
    ['user:admin', 'user.changed', { changed: ['password'], role: 'operator', enabled: true }],
    ['user:admin', 'user.changed', { changed: ['role', 'enabled'], role: 'viewer', enabled: false }],
    ['user:admin', 'user.removed', {}]
  ])
  t.match((await told('user.added'))[0], { actor: 'server', subject: 'user:admin', payload: { role: 'admin' } }, 'the first administrator')
  t.notMatch(JSON.stringify(entries), /horse|scrypt/)
})

t.test('people change their own password in their own name', async t => {
  const { url, told } = await setUp(t)
  await send(url, {
    method: 'PUT',
    path: '/api/me/password',
    headers: { Authorization: `Basic ${Buffer.from(`admin:${ADMIN_PASSWORD}`).toString('base64')}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ current_password: ADMIN_PASSWORD, new_password: 'correct horse battery staple' })
  })
  t.match(await told('user.changed'), [{ actor: 'user:admin', subject: 'user:admin', payload: { changed: ['password'] } }])
})

t.test('tokens that are issued and revoked are told, and not their secrets', async t => {
  const { ask, told } = await setUp(t)
  const { token, token_id: id } = JSON.parse((await ask('POST', '/api/tokens', { name: 'half a pair \ud800' })).body.toString())
  await ask('DELETE', `/api/tokens/${id}`)
  t.match((await told('token.issued')).find(({ payload }) => payload['token_id'] === id), { actor: 'user:admin', subject: 'user:admin', payload: { token_id: id, name: 'half a pair \ufffd', expires_at_ms: null, address: '127.0.0.1' } })
  t.match(await told('token.revoked'), [{ actor: 'user:admin', subject: 'user:admin', payload: { token_id: id } }])
  t.notMatch(JSON.stringify(await told('token.')), String(token).slice(4, 20))
})

t.test('what is done to cameras is told, and not the passwords of their sources', async t => {
  const { ask, told } = await setUp(t)
  await ask('POST', '/api/cameras', { camera_id: 'rig-4', name: 'Rig 4 \udc00' })
  await ask('PATCH', '/api/cameras/rig-4', { enabled: false, source: 'rtsp://me:secret@192.0.2.1/live' })
  await ask('PATCH', '/api/cameras/rig-4', { enabled: false })
  const { key_id: keyId } = JSON.parse((await ask('POST', '/api/cameras/rig-4/keys')).body.toString())
  await ask('DELETE', `/api/cameras/rig-4/keys/${keyId}`)
  await ask('DELETE', '/api/cameras/rig-4')
  const entries = (await told('camera.')).filter(({ subject }) => subject === 'camera:rig-4')
  t.strictSame(entries.map(({ actor, action }) => [actor, action]), [
    ['user:admin', 'camera.added'], ['user:admin', 'camera.changed'], ['user:admin', 'camera.key_added'], ['user:admin', 'camera.key_removed'], ['user:admin', 'camera.removed']
  ])
  t.match(entries[0]?.payload, { camera: { name: 'Rig 4 \ufffd', enabled: true, source: null } })
  t.match(entries[1]?.payload, { changed: ['enabled', 'source'], camera: { enabled: false, source: 'rtsp://***@192.0.2.1/live' } })
  t.match(entries[2]?.payload, { key_id: keyId })
  t.strictSame(entries[4]?.payload, { archived: false })
  t.notMatch(JSON.stringify(entries), /secret|vsk_/)
})

t.test('a stream is stopped and started by a person or with the camera password, and only changes are told', async t => {
  const { ask, told, url } = await setUp(t)
  await ask('POST', '/api/stop_stream', {})
  for (let i = 0; i < 3; i += 1) t.equal((await control(url, 'start_stream', PASSWORD)).status, 200)
  const entries = (await told('camera.')).filter(({ action }) => action.startsWith('camera.stream_'))
  t.strictSame(entries.map(({ actor, action, subject }) => [actor, action, subject]), [
    ['user:admin', 'camera.stream_stopped', 'camera:default'], ['camera:default', 'camera.stream_started', 'camera:default']
  ])
})

t.test('a ledger that cannot be written is logged, and nobody is kept out', async t => {
  const { app, me, basic, log } = await setUp(t)
  Object.assign(app.sql, { ask: async () => await Promise.reject(new Error('no room')) })
  t.equal((await me(basic('admin', ADMIN_PASSWORD))).status, 200)
  await until(() => log.text().includes('the ledger could not be told'))
})

t.test('cameras without a person are the server\'s', async t => {
  const { app, told } = await setUp(t)
  await app.cameras.add(newSettings('rig-9'))
  t.match((await told('camera.added')).at(-1), { actor: 'server', subject: 'camera:rig-9' })
})
