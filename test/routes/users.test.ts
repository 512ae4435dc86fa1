import t, { type Test } from 'tap'
import { FakeClock, startServer, tokenOf } from '../helper.js'
import { keptLog, refused, send, type Answer } from '../http.js'

const JANE = { username: 'jane.doe', password: 'correct horse battery staple', role: 'operator' }

async function setUp (t: Test) {
  const log = keptLog()
  const server = await startServer(t, {}, { clock: new FakeClock(), logger: log.logger })
  const headers = { Authorization: `Bearer ${await tokenOf(server.app, 'admin')}`, 'Content-Type': 'application/json' }
  const ask = async (method: string, path: string, body?: unknown): Promise<Answer> =>
    await send(server.url, { method, path, headers: body === undefined ? { Authorization: headers.Authorization } : headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  const logIn = async (username: string, password: string): Promise<number> =>
    (await send(server.url, { path: '/api/me', headers: { Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` } })).status
  return { ...server, log, ask, logIn }
}

const json = (answer: Answer): unknown => JSON.parse(answer.body.toString())

t.test('a user is made, looked at, changed and removed', async t => {
  const { ask, logIn, log } = await setUp(t)
  const made = await ask('POST', '/api/users', JANE)
  t.equal(made.status, 201)
  t.equal(made.headers['location'], '/api/users/jane.doe')
  const jane = { username: 'jane.doe', role: 'operator', enabled: true, created_at: '2023-06-23T14:30:22.123000', password_changed_at: '2023-06-23T14:30:22.123000' }
  t.strictSame(json(made), jane)
  t.strictSame(json(await ask('GET', '/api/users/jane.doe')), jane)
  t.match(json(await ask('GET', '/api/users')), { users: [{ username: 'admin', role: 'admin' }, jane] })
  t.equal(await logIn('jane.doe', JANE.password), 200)

  t.strictSame(json(await ask('PATCH', '/api/users/jane.doe', { role: 'viewer' })), { ...jane, role: 'viewer' })
  t.equal((await ask('PATCH', '/api/users/jane.doe', { password: 'a password of another kind' })).status, 200)
  t.equal(await logIn('jane.doe', JANE.password), 401)
  t.equal(await logIn('jane.doe', 'a password of another kind'), 200)
  t.match(json(await ask('PATCH', '/api/users/jane.doe', { enabled: false })), { enabled: false })
  t.equal(await logIn('jane.doe', 'a password of another kind'), 401)

  const removed = await ask('DELETE', '/api/users/jane.doe')
  t.equal(removed.status, 204)
  t.equal(removed.body.length, 0)
  await refused(t, await ask('GET', '/api/users/jane.doe'), 404, 'USER_NOT_FOUND')
  for (const msg of ['a user was made', 'a user was changed', 'a user was removed']) t.match(log.lines.find(line => line.msg === msg), { username: 'jane.doe', by: 'admin' }, msg)
  t.notMatch(log.text(), 'horse')
})

t.test('names are given once', async t => {
  const { ask } = await setUp(t)
  await ask('POST', '/api/users', JANE)
  await refused(t, await ask('POST', '/api/users', { ...JANE, role: 'admin' }), 409, 'USER_EXISTS')
  const both = await Promise.all([ask('POST', '/api/users', { ...JANE, username: 'john' }), ask('POST', '/api/users', { ...JANE, username: 'john' })])
  t.strictSame(both.map(({ status }) => status).sort(), [201, 409], 'also at once')
})

t.test('the last enabled admin stays', async t => {
  const { ask } = await setUp(t)
  await refused(t, await ask('DELETE', '/api/users/admin'), 409, 'LAST_ADMIN')
  for (const change of [{ role: 'operator' }, { enabled: false }]) await refused(t, await ask('PATCH', '/api/users/admin', change), 409, 'LAST_ADMIN')
  await ask('POST', '/api/users', { ...JANE, role: 'admin' })
  t.equal((await ask('DELETE', '/api/users/admin')).status, 204)
})

t.test('what is no user is refused', async t => {
  const { ask } = await setUp(t)
  const bodies = [
    {}, { ...JANE, username: 'Jane' }, { ...JANE, username: '../x' }, { ...JANE, username: '' }, { ...JANE, username: 'x'.repeat(64) }, { ...JANE, role: 'root' }, { ...JANE, id: 7 },
    { ...JANE, enabled: 'yes' }, { username: 'x', role: 'viewer' }, [], null
  ]
  for (const body of bodies) await refused(t, await ask('POST', '/api/users', body), 400, 'REQUEST_INVALID')
  await refused(t, await ask('POST', '/api/users', { ...JANE, password: 'short' }), 422, 'PASSWORD_UNFIT')
  for (const body of [{}, { username: 'other' }, { role: 'root' }]) await refused(t, await ask('PATCH', '/api/users/admin', body), 400, 'REQUEST_INVALID')
  await refused(t, await ask('PATCH', '/api/users/nobody', { role: 'viewer' }), 404, 'USER_NOT_FOUND')
  await refused(t, await ask('GET', '/api/users/No%20Body'), 400, 'REQUEST_INVALID')
})
