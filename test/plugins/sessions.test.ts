import t, { type Test } from 'tap'
import { ADMIN_PASSWORD, FakeClock, startServer } from '../helper.js'
import { send, type Answer } from '../http.js'

async function setUp (t: Test, environment: NodeJS.ProcessEnv = {}) {
  const clock = new FakeClock()
  const server = await startServer(t, { TRUST_PROXY: 'loopback', ...environment }, { clock })
  const logIn = async (headers: Record<string, string> = {}): Promise<Answer> => await send(server.url, {
    method: 'POST', path: '/login', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify({ username: 'admin', password: ADMIN_PASSWORD })
  })
  const me = async (headers: Record<string, string>): Promise<number> => (await send(server.url, { path: '/api/me', headers })).status
  return { ...server, clock, logIn, me }
}

const cookieOf = (answer: Answer): string => String(answer.headers['set-cookie']).split(';')[0] ?? ''

t.test('the cookie cannot be read by scripts, and other sites\' requests do not bring it along', async t => {
  const { logIn, me } = await setUp(t)
  const answer = await logIn()
  t.match(String(answer.headers['set-cookie']), /^videostream_session=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/)
  t.equal(answer.headers['cache-control'], 'no-store')
  t.equal(await me({ Cookie: cookieOf(answer) }), 200)
  t.equal(await me({ Cookie: `theme=dark; ${cookieOf(answer)}; other=1` }), 200)
  for (const cookie of ['', 'videostream_session=', 'videostream_session=guess', `__Host-${cookieOf(answer)}`, `${cookieOf(answer)}x`]) t.equal(await me({ Cookie: cookie }), 401, cookie)
})

t.test('behind TLS it is secure, and bound to this very host', async t => {
  const { logIn, me } = await setUp(t)
  const tls = { 'X-Forwarded-Proto': 'https' }
  const answer = await logIn(tls)
  t.match(String(answer.headers['set-cookie']), /^__Host-videostream_session=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  t.equal(await me({ ...tls, Cookie: cookieOf(answer) }), 200)
  t.equal(await me({ ...tls, Cookie: cookieOf(answer).replace('__Host-', '') }), 401, 'a page of another host of the domain could have set that')
})

t.test('what a client says of TLS counts only from a proxy', async t => {
  const { logIn } = await setUp(t, { TRUST_PROXY: '' })
  t.notMatch(String((await logIn({ 'X-Forwarded-Proto': 'https' })).headers['set-cookie']), /Secure/)
})

t.test('a session ends when it is not used for 12 hours', async t => {
  const { logIn, me, clock } = await setUp(t)
  const Cookie = cookieOf(await logIn())
  clock.advance(11 * 3_600_000)
  t.equal(await me({ Cookie }), 200)
  clock.advance(11 * 3_600_000)
  t.equal(await me({ Cookie }), 200)
  clock.advance(12 * 3_600_000)
  t.equal(await me({ Cookie }), 401)
})

t.test('a session lasts over a restart', async t => {
  const first = await setUp(t)
  const Cookie = cookieOf(await first.logIn())
  await first.app.close()
  const second = await setUp(t, { DATA_DIR: first.config.dataDir })
  t.equal(await second.me({ Cookie }), 200)
})
