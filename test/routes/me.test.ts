import t from 'tap'
import { FakeClock, PERSON_PASSWORD, startServer, tokenOf } from '../helper.js'
import { refused, send, type Answer } from '../http.js'

async function setUp (t: Parameters<typeof startServer>[0], environment: NodeJS.ProcessEnv = {}) {
  const server = await startServer(t, environment, { clock: new FakeClock() })
  const token = await tokenOf(server.app, 'viewer')
  const logIn = async (password: string): Promise<Answer> => await send(server.url, {
    method: 'POST', path: '/login', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ username: 'viewer', password })
  })
  const session = async (): Promise<Record<string, string>> => ({ Cookie: String((await logIn(PERSON_PASSWORD)).headers['set-cookie']).split(';')[0] ?? '' })
  const change = async (headers: Record<string, string>, body: unknown): Promise<Answer> =>
    await send(server.url, { method: 'PUT', path: '/api/me/password', headers: { 'Content-Type': 'application/json', ...headers }, body: JSON.stringify(body) })
  const me = async (headers: Record<string, string>): Promise<number> => (await send(server.url, { path: '/api/me', headers })).status
  return { ...server, token: { Authorization: `Bearer ${token}` }, logIn, session, change, me }
}

t.test('a new password ends all sessions but this one', async t => {
  const { session, change, me, token, logIn } = await setUp(t)
  const [mine, other] = [await session(), await session()]
  const answer = await change(mine, { current_password: PERSON_PASSWORD, new_password: 'another password' })
  t.equal(answer.status, 200)
  t.strictSame(JSON.parse(answer.body.toString()), { username: 'viewer', role: 'viewer' })
  t.strictSame([await me(mine), await me(other), await me(token)], [200, 401, 200])
  t.equal((await logIn(PERSON_PASSWORD)).status, 401)
  t.equal((await logIn('another password')).status, 200)
})

t.test('it needs the current one, which cannot be guessed here either', async t => {
  const { session, change, logIn } = await setUp(t, { AUTH_FAILURE_LIMIT: '2' })
  const mine = await session()
  for (let i = 0; i < 2; i += 1) await refused(t, await change(mine, { current_password: 'wrong', new_password: 'another password' }), 422, 'CURRENT_PASSWORD_WRONG')
  await refused(t, await change(mine, { current_password: PERSON_PASSWORD, new_password: 'another password' }), 429, 'TOO_MANY_FAILED_LOGINS')
  t.equal((await logIn(PERSON_PASSWORD)).status, 429)
})

t.test('a password that is no good is refused, and why', async t => {
  const { session, change, me } = await setUp(t)
  const mine = await session()
  const table: Array<[string, string]> = [['short', 'is shorter than 12'], ['x'.repeat(300), 'is longer than 256'], ['', 'is empty'], ['password1234', 'is one that everyone tries first']]
  for (const [password, why] of table) t.match(await refused(t, await change(mine, { current_password: PERSON_PASSWORD, new_password: password }), 422, 'PASSWORD_UNFIT'), why)
  for (const body of [{}, { current_password: PERSON_PASSWORD }, { current_password: 1, new_password: 2 }, { current_password: 'a', new_password: 'b', more: 1 }]) {
    await refused(t, await change(mine, body), 400, 'REQUEST_INVALID')
  }
  t.equal(await me(mine), 200)
})
