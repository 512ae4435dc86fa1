import Fastify from 'fastify'
import fp from 'fastify-plugin'
import t, { type Test } from 'tap'
import access from '../../src/plugins/access.js'
import { ADMIN_PASSWORD, FakeClock, PASSWORD, PERSON_PASSWORD, SocketViewer, startServer, testConfig, tokenOf, until, upload } from '../helper.js'
import { keptLog, refused, send, type Answer } from '../http.js'

const BROWSER = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'Sec-Fetch-Mode': 'navigate', 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64)' }
const basic = (username: string, password: string): Record<string, string> => ({ Authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` })
const bearer = (token: string): Record<string, string> => ({ Authorization: `Bearer ${token}` })

async function cookieOf (url: string, username = 'admin', password = ADMIN_PASSWORD): Promise<Record<string, string>> {
  const answer = await send(url, { method: 'POST', path: '/login', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ username, password }) })
  return { Cookie: String(answer.headers['set-cookie']).split(';')[0] ?? '' }
}

const privately = async (t: Test) => await startServer(t, { VIEWER_ACCESS: 'private' }, { clock: new FakeClock() })

t.test('a route that does not say who may use it stops the start', async t => {
  const server = Fastify()
  for (const name of ['audit', 'login', 'people', 'rate-limits', 'refusals', 'sessions']) await server.register(fp(async () => {}, { name }))
  server.decorate('people', { onRevoked: () => {} } as never)
  await server.register(access, { config: testConfig(t) })
  server.get('/said', { config: { access: 'open' } }, async () => 'ok')
  server.get('/forgotten', async () => 'ok')
  await t.rejects(async () => { await server.ready() }, { name: 'StartupError', message: /^these routes do not say who may use them: GET \/forgotten, HEAD \/forgotten$/ })
})

t.test('programs are told how to log in; browsers are not made to open a dialog', async t => {
  const { url } = await privately(t)
  const challenges = async (headers: Record<string, string>): Promise<unknown> => (await send(url, { path: '/api/status', headers })).headers['www-authenticate']
  t.equal(await challenges({}), 'Basic realm="Videostream", charset="UTF-8", Bearer realm="Videostream"')
  t.match(await challenges(basic('admin', 'wrong')), /^Basic/)
  t.equal(await challenges({ 'Sec-Fetch-Mode': 'cors' }), 'Bearer realm="Videostream"')
  t.equal(await challenges({ 'User-Agent': BROWSER['User-Agent'] }), 'Bearer realm="Videostream"', 'over plain HTTP they do not say more')
})

t.test('a person who opens what is closed comes to the login, and from there on', async t => {
  const { url } = await privately(t)
  for (const headers of [BROWSER, { Accept: 'text/html' }]) {
    const answer = await send(url, { path: '/api/oil_spill_events?x=1&y=2', headers })
    t.equal(answer.status, 303)
    t.equal(answer.headers['location'], '/login?next=%2Fapi%2Foil_spill_events%3Fx%3D1%26y%3D2')
    t.equal(answer.headers['cache-control'], 'no-store')
  }
  await refused(t, await send(url, { path: '/api/status', headers: { ...BROWSER, 'Sec-Fetch-Mode': 'cors' } }), 401, 'LOGIN_MISSING')
  await refused(t, await send(url, { path: '/api/status', headers: { ...BROWSER, ...basic('admin', 'wrong') } }), 401, 'LOGIN_WRONG')
})

t.test('three ways in', async t => {
  const { url, app } = await privately(t)
  const token = await tokenOf(app, 'operator')
  const ways: Array<Record<string, string>> = [
    await cookieOf(url, 'operator', PERSON_PASSWORD), basic('operator', PERSON_PASSWORD), bearer(token), basic('operator', token), basic('', token)
  ]
  for (const headers of ways) {
    const answer = await send(url, { path: '/api/me', headers })
    t.strictSame(JSON.parse(answer.body.toString()), { username: 'operator', role: 'operator' })
    t.equal(answer.headers['cache-control'], 'no-store')
  }
})

t.test('what is no login is refused', async t => {
  const { url, app } = await privately(t)
  const session = (await cookieOf(url))['Cookie']?.split('=')[1] ?? ''
  const table: Array<[Record<string, string>, string]> = [
    [{}, 'LOGIN_MISSING'], [bearer('vst_unknown'), 'TOKEN_WRONG'], [basic('admin', 'vst_unknown'), 'TOKEN_WRONG'], [bearer(session), 'TOKEN_WRONG'],
    [basic('admin', session), 'LOGIN_WRONG'], [bearer(PASSWORD), 'TOKEN_WRONG'], [{ Authorization: 'Digest x' }, 'AUTHORIZATION_INVALID'], [{ Authorization: 'Basic ?' }, 'AUTHORIZATION_INVALID'],
    [{ Cookie: `videostream_session=${await tokenOf(app, 'viewer')}` }, 'LOGIN_MISSING'], [{ 'X-Camera-Auth': PASSWORD }, 'LOGIN_MISSING']
  ]
  for (const [headers, code] of table) await refused(t, await send(url, { path: '/api/status', headers }), 401, code)
})

t.test('where nobody has to log in, a proxy\'s own login is left alone', async t => {
  const { url, app } = await startServer(t, { AUTH_FAILURE_LIMIT: '1' }, { clock: new FakeClock() })
  for (let i = 0; i < 3; i += 1) t.equal((await send(url, { path: '/api/status', headers: basic('of-the-proxy', 'something') })).status, 200)
  t.equal(app.refusalCount('login'), 0)
  t.equal((await send(url, { path: '/api/me', headers: { ...basic('of-the-proxy', 'something'), ...await cookieOf(url) } })).status, 200, 'and a session comes first')
})

t.test('a page of another site changes nothing with a person\'s cookie or password', async t => {
  const { url, app } = await startServer(t)
  await tokenOf(app, 'viewer')
  const host = new URL(url).host
  const remove = async (headers: Record<string, string>): Promise<Answer> => await send(url, { method: 'DELETE', path: '/api/users/nobody', headers })
  const cookie = await cookieOf(url)
  const password = basic('admin', ADMIN_PASSWORD)
  const foreign: Array<Record<string, string>> = [
    { 'Sec-Fetch-Site': 'cross-site' }, { 'Sec-Fetch-Site': 'same-site' }, { Origin: 'https://evil.example' }, { Origin: 'null' }, { Origin: `http://${host}`, 'Sec-Fetch-Site': 'cross-site' }
  ]
  for (const from of foreign) {
    for (const login of [cookie, password]) await refused(t, await remove({ ...login, ...from }), 403, 'CROSS_SITE_REQUEST')
    await refused(t, await remove({ ...bearer(await tokenOf(app, 'admin')), ...from }), 404, 'USER_NOT_FOUND')
    t.equal((await send(url, { path: '/api/me', headers: { ...cookie, ...from } })).status, 200, 'reading changes nothing')
  }
  const own: Array<Record<string, string>> = [{}, { 'Sec-Fetch-Site': 'same-origin' }, { 'Sec-Fetch-Site': 'none' }, { Origin: `http://${host}` }]
  for (const from of own) for (const login of [cookie, password]) await refused(t, await remove({ ...login, ...from }), 404, 'USER_NOT_FOUND')
})

t.test('nor does it log anybody in or out', async t => {
  const { url } = await startServer(t)
  const body = JSON.stringify({ username: 'admin', password: ADMIN_PASSWORD })
  await refused(t, await send(url, { method: 'POST', path: '/login', headers: { 'Content-Type': 'application/json', 'Sec-Fetch-Site': 'cross-site' }, body }), 403, 'CROSS_SITE_REQUEST')
  await refused(t, await send(url, { method: 'POST', path: '/logout', headers: { Origin: 'https://evil.example' } }), 403, 'CROSS_SITE_REQUEST')
})

t.test('whoever has too few rights is told which are needed, and it is logged with the name', async t => {
  const log = keptLog()
  const { url, app } = await startServer(t, {}, { logger: log.logger })
  t.match(await refused(t, await send(url, { path: '/api/users', headers: bearer(await tokenOf(app, 'operator')) }), 403, 'ROLE_MISSING'), 'the role admin')
  t.match(log.lines.at(-1), { msg: 'a login was refused', reason: 'not admin', username: 'operator', address: '127.0.0.1' })
})

t.test('the limit of reads comes before the look at who it is', async t => {
  const { url } = await startServer(t, { READ_RATE_LIMIT: '1', VIEWER_ACCESS: 'private' }, { clock: new FakeClock() })
  const statuses = []
  for (let i = 0; i < 3; i += 1) statuses.push((await send(url, { path: '/api/status', headers: bearer('vst_unknown') })).status)
  t.strictSame(statuses, [401, 401, 429])
})

t.test('a body of whoever may not send it is not read', async t => {
  const { url } = await startServer(t)
  const answer = await send(url, { method: 'POST', path: '/api/users', headers: { 'Content-Type': 'application/json' }, body: Buffer.alloc(900_000, 32) })
  await refused(t, answer, 401, 'LOGIN_MISSING')
})

t.test('a live picture ends with the right to it, at once', async t => {
  const ends: Array<[string, (server: Awaited<ReturnType<typeof privately>>, headers: Record<string, string>) => Promise<unknown>]> = [
    ['a token that is revoked', async ({ app }) => {
      const user = app.people.find('viewer')
      const [token] = user === undefined ? [] : app.people.tokensOf(user).slice(-1)
      if (token !== undefined) await app.people.revoke(token)
    }],
    ['a logout', async ({ url }, headers) => await send(url, { method: 'POST', path: '/logout', headers })],
    ['a new password', async ({ app }) => await app.people.change('viewer', { passwordHash: 'x' })],
    ['a user who is disabled', async ({ app }) => await app.people.change('viewer', { enabled: false })],
    ['a user who is removed', async ({ app }) => { await app.people.remove('viewer') }]
  ]
  for (const [what, end] of ends) {
    const server = await privately(t)
    const token = await tokenOf(server.app, 'viewer')
    await upload(server.url)
    const headers = what === 'a token that is revoked'
      ? bearer(token)
      : what === 'a new password' ? basic('viewer', PERSON_PASSWORD) : await cookieOf(server.url, 'viewer', PERSON_PASSWORD)
    const viewer = new SocketViewer(server.port, '/stream', headers)
    const other = new SocketViewer(server.port, '/stream', await cookieOf(server.url))
    await viewer.received(1)
    await other.received(1)
    await end(server, headers)
    await viewer.closed()
    t.notOk(other.ended, `${what}, and nobody else's`)
    await until(() => server.app.cameras.default.liveStream.viewerCount === 1)
    t.equal((await send(server.url, { path: '/stream', headers })).status, 401)
    other.close()
    await server.app.close()
  }
})
