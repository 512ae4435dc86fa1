import t, { type Test } from 'tap'
import type { Overrides } from '../../src/app.js'
import { ADMIN_PASSWORD, FakeClock, PERSON_PASSWORD, startServer, tokenOf } from '../helper.js'
import { keptLog, refused, send, type Answer } from '../http.js'

const basic = (username: string, password: string, from?: string): Record<string, string> => ({
  Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`, ...(from !== undefined && { 'X-Forwarded-For': from })
})

async function setUp (t: Test, environment: NodeJS.ProcessEnv = {}, overrides: Overrides = {}) {
  const clock = new FakeClock()
  const server = await startServer(t, { AUTH_FAILURE_LIMIT: '3', TRUST_PROXY: 'loopback', ...environment }, { clock, ...overrides })
  const me = async (headers: Record<string, string>): Promise<Answer> => await send(server.url, { path: '/api/me', headers })
  return { ...server, clock, me }
}

t.test('after so many wrong passwords from one address all from there are refused, also the right one', async t => {
  const { me, clock, app } = await setUp(t)
  for (const name of ['admin', 'nobody', 'somebody']) await refused(t, await me(basic(name, 'wrong', '192.0.2.1')), 401, 'LOGIN_WRONG')
  for (const headers of [basic('admin', ADMIN_PASSWORD, '192.0.2.1'), basic('admin', 'wrong', '192.0.2.1')]) {
    const answer = await me(headers)
    await refused(t, answer, 429, 'TOO_MANY_FAILED_LOGINS')
    t.equal(answer.headers['retry-after'], '20')
  }
  t.equal((await me(basic('admin', ADMIN_PASSWORD, '192.0.2.2'))).status, 200, 'not from another address')
  t.equal(app.refusalCount('login'), 5)
  clock.advance(20_000)
  t.equal((await me(basic('admin', ADMIN_PASSWORD, '192.0.2.1'))).status, 200, 'as soon as Retry-After has passed')
})

t.test('and after so many for one name, from wherever, whether there is such a user or not', async t => {
  const { me } = await setUp(t)
  for (const name of ['admin', 'nobody']) {
    for (let i = 1; i <= 3; i += 1) await refused(t, await me(basic(name, 'wrong', `192.0.2.${i}`)), 401, 'LOGIN_WRONG')
    const answer = await me(basic(name, ADMIN_PASSWORD, '192.0.2.9'))
    await refused(t, answer, 429, 'TOO_MANY_FAILED_LOGINS')
    t.equal(answer.headers['retry-after'], '20')
  }
})

t.test('a name that is locked out ends no session, no token, and no program that sent the right password before', async t => {
  const { url, me, app } = await setUp(t)
  const token = await tokenOf(app, 'viewer')
  const login = await send(url, { method: 'POST', path: '/login', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ username: 'viewer', password: PERSON_PASSWORD }) })
  const cookie = String(login.headers['set-cookie']).split(';')[0] ?? ''
  t.equal((await me(basic('viewer', PERSON_PASSWORD, '192.0.2.50'))).status, 200)
  for (let i = 1; i <= 4; i += 1) await me(basic('viewer', 'wrong', `192.0.2.${i}`))
  t.equal((await me(basic('viewer', PERSON_PASSWORD, '192.0.2.60'))).status, 429)
  t.equal((await me(basic('viewer', PERSON_PASSWORD, '192.0.2.50'))).status, 200)
  t.equal((await me({ Authorization: `Bearer ${token}` })).status, 200)
  t.equal((await me({ Cookie: cookie })).status, 200)
})

t.test('many guesses at once are no more than the limit', async t => {
  const { me, app } = await setUp(t)
  const answers = await Promise.all(Array.from({ length: 12 }, async (_, i) => await me(basic(`name-${i}`, 'wrong'))))
  t.strictSame(answers.map(({ status }) => status).sort(), [401, 401, 401, ...Array(9).fill(429)])
  t.equal(app.refusalCount('login'), 12)
})

t.test('the right password costs nothing, however often and however many at once, and one hash for all', async t => {
  const { me, app } = await setUp(t)
  let hashes = 0
  const verify = app.passwords.verify.bind(app.passwords)
  app.passwords.verify = async (...args) => {
    hashes += 1
    return await verify(...args)
  }
  const answers = await Promise.all(Array.from({ length: 30 }, async () => await me(basic('admin', ADMIN_PASSWORD))))
  t.ok(answers.every(({ status }) => status === 200))
  for (let i = 0; i < 10; i += 1) t.equal((await me(basic('admin', ADMIN_PASSWORD))).status, 200)
  t.equal(hashes, 1)
  t.equal((await me(basic('admin', 'wrong'))).status, 401)
})

t.test('a name that does not exist, and a user who is disabled, cost a hash as well', async t => {
  const { me, app } = await setUp(t)
  await tokenOf(app, 'viewer')
  await app.people.change('viewer', { enabled: false })
  let hashes = 0
  const verify = app.passwords.verify.bind(app.passwords)
  app.passwords.verify = async (...args) => {
    hashes += 1
    return await verify(...args)
  }
  const bodies = []
  for (const headers of [basic('nobody', PERSON_PASSWORD), basic('viewer', PERSON_PASSWORD)]) bodies.push((await me(headers)).body.toString())
  t.equal(hashes, 2)
  t.equal(bodies[0], bodies[1], 'and are answered alike')
})

t.test('a remembered password holds no longer than the user is as it was', async t => {
  const { me, app } = await setUp(t)
  await tokenOf(app, 'viewer')
  t.equal((await me(basic('viewer', PERSON_PASSWORD))).status, 200)
  await app.people.change('viewer', { passwordHash: await app.passwords.hash('another password') })
  t.equal((await me(basic('viewer', PERSON_PASSWORD))).status, 401)
  t.equal((await me(basic('viewer', 'another password'))).status, 200)
  await app.people.change('viewer', { enabled: false })
  await refused(t, await me(basic('viewer', 'another password')), 401, 'LOGIN_WRONG')
})

t.test('names are read in any letter case', async t => {
  const { me } = await setUp(t)
  t.equal((await me(basic(' Admin ', ADMIN_PASSWORD))).status, 200)
})

t.test('too many at once are told to come back, and are no wrong passwords', async t => {
  const { me, app } = await setUp(t, { AUTH_FAILURE_LIMIT: '1000' }, { passwordCost: { logN: 13, blockSize: 8, parallelization: 1 } })
  const answers = await Promise.all(Array.from({ length: 40 }, async (_, i) => await me(basic(`name-${i}`, 'wrong'))))
  const busy = answers.filter(({ status }) => status === 503)
  t.ok(busy.length > 0)
  for (const answer of busy) {
    await refused(t, answer, 503, 'LOGINS_BUSY')
    t.equal(answer.headers['retry-after'], '1')
  }
  t.equal(app.refusalCount('login'), 40)
  t.equal((await me(basic('admin', ADMIN_PASSWORD))).status, 200)
})

t.test('refusals are logged once a burst with address and reason, with names of users only, and never with a password', async t => {
  const log = keptLog()
  const { me, url } = await setUp(t, {}, { logger: log.logger })
  await me(basic('admin', 'a-secret-guess', '192.0.2.1'))
  await me(basic('my-secret-typed-as-name', 'a-secret-guess', '192.0.2.2'))
  await me({ 'X-Forwarded-For': '192.0.2.3' })
  await me({ 'X-Forwarded-For': '192.0.2.3' })
  await me({ Authorization: 'Bearer vst_a-secret-token', 'X-Forwarded-For': '192.0.2.4' })
  await me({ Authorization: 'Digest a-secret', 'X-Forwarded-For': '192.0.2.5' })
  const refusals = log.lines.filter(({ msg }) => msg === 'a login was refused')
  t.match(refusals, [
    { level: 40, address: '192.0.2.1', reason: 'wrong name or password', username: 'admin' },
    { address: '192.0.2.2', reason: 'wrong name or password' },
    { address: '192.0.2.3', reason: 'no login' },
    { address: '192.0.2.4', reason: 'unknown token' },
    { address: '192.0.2.5', reason: 'unreadable header' }
  ])
  t.equal(refusals.length, 5)
  t.notMatch(log.text(), 'secret')
  t.match(JSON.parse((await send(url, { path: '/api/status' })).body.toString()), { unauthorized_attempts: 6 })
})
