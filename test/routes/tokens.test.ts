import t, { type Test } from 'tap'
import { FakeClock, startServer, tokenOf } from '../helper.js'
import { refused, send, type Answer } from '../http.js'

async function setUp (t: Test) {
  const clock = new FakeClock()
  const server = await startServer(t, {}, { clock })
  const tokens = { admin: await tokenOf(server.app, 'admin'), viewer: await tokenOf(server.app, 'viewer'), operator: await tokenOf(server.app, 'operator') }
  const ask = async (token: string, method: string, path: string, body?: unknown): Promise<Answer> => await send(server.url, {
    method, path, headers: { Authorization: `Bearer ${token}`, ...(body !== undefined && { 'Content-Type': 'application/json' }) }, ...(body !== undefined && { body: JSON.stringify(body) })
  })
  return { ...server, clock, tokens, ask }
}

const json = (answer: Answer) => JSON.parse(answer.body.toString()) as Record<string, unknown>

t.test('a token is shown once, listed without its secret, and holds until it is revoked', async t => {
  const { tokens, ask, clock } = await setUp(t)
  const made = await ask(tokens.viewer, 'POST', '/api/tokens', { name: 'recorder on the mast', expires_in_days: 30 })
  t.equal(made.status, 201)
  t.equal(made.headers['cache-control'], 'no-store')
  const { token, ...rest } = json(made)
  t.match(token, /^vst_[\w-]{43}$/)
  t.strictSame(rest, {
    token_id: rest['token_id'], name: 'recorder on the mast', username: 'viewer', created_at: '2023-06-23T14:30:22.123000', expires_at: '2023-07-23T14:30:22.123000', last_used_at: null
  })
  t.equal(made.headers['location'], `/api/tokens/${String(rest['token_id'])}`)
  clock.advance(1000)
  t.equal((await ask(String(token), 'GET', '/api/me')).status, 200)
  const list = await ask(tokens.viewer, 'GET', '/api/tokens')
  t.match(json(list), { tokens: [{ name: 'tests' }, { ...rest, last_used_at: '2023-06-23T14:30:23.123000' }] })
  t.notMatch(list.body.toString(), String(token))
  t.equal((await ask(tokens.viewer, 'DELETE', `/api/tokens/${String(rest['token_id'])}`)).status, 204)
  await refused(t, await ask(String(token), 'GET', '/api/me'), 401, 'TOKEN_WRONG')
  await refused(t, await ask(tokens.viewer, 'DELETE', `/api/tokens/${String(rest['token_id'])}`), 404, 'TOKEN_NOT_FOUND')
})

t.test('a token ends when it expires', async t => {
  const { tokens, ask, clock } = await setUp(t)
  const { token } = json(await ask(tokens.viewer, 'POST', '/api/tokens', { name: 'x', expires_in_days: 1 }))
  clock.advance(86_399_999)
  t.equal((await ask(String(token), 'GET', '/api/me')).status, 200)
  clock.advance(1)
  t.equal((await ask(String(token), 'GET', '/api/me')).status, 401)
})

t.test('people see and revoke their own; administrators everybody\'s', async t => {
  const { tokens, ask, app } = await setUp(t)
  const { token_id: id } = json(await ask(tokens.viewer, 'POST', '/api/tokens', { name: 'mine' }))
  for (const path of ['/api/tokens?username=viewer', '/api/tokens?username=nobody']) await refused(t, await ask(tokens.operator, 'GET', path), 403, 'ROLE_MISSING')
  t.equal(app.refusalCount('login'), 2, 'which is counted')
  await refused(t, await ask(tokens.operator, 'DELETE', `/api/tokens/${String(id)}`), 404, 'TOKEN_NOT_FOUND')
  t.match(json(await ask(tokens.viewer, 'GET', '/api/tokens?username=viewer')), { tokens: [{}, { name: 'mine' }] })
  t.match(json(await ask(tokens.admin, 'GET', '/api/tokens?username=viewer')), { tokens: [{}, { name: 'mine', username: 'viewer' }] })
  await refused(t, await ask(tokens.admin, 'GET', '/api/tokens?username=nobody'), 404, 'USER_NOT_FOUND')
  t.equal((await ask(tokens.admin, 'DELETE', `/api/tokens/${String(id)}`)).status, 204)
})

t.test('a session is no token', async t => {
  const { tokens, ask, app } = await setUp(t)
  const user = app.people.find('viewer')
  if (user === undefined) throw new Error('no user')
  const { credential } = await app.people.issue(user, 'session', '', null)
  await refused(t, await ask(tokens.viewer, 'DELETE', `/api/tokens/${credential.id}`), 404, 'TOKEN_NOT_FOUND')
})

t.test('a token has the rights of its owner as they are now', async t => {
  const { tokens, ask, app } = await setUp(t)
  t.equal((await ask(tokens.operator, 'GET', '/api/users')).status, 403)
  await app.people.change('operator', { role: 'admin' })
  t.equal((await ask(tokens.operator, 'GET', '/api/users')).status, 200)
})

t.test('what is no token is refused', async t => {
  const { tokens, ask } = await setUp(t)
  for (const body of [{}, { name: '' }, { name: 'x'.repeat(101) }, { name: 'x', expires_in_days: 0 }, { name: 'x', expires_in_days: 1.5 }, { name: 'x', role: 'admin' }]) {
    await refused(t, await ask(tokens.viewer, 'POST', '/api/tokens', body), 400, 'REQUEST_INVALID')
  }
  await refused(t, await ask(tokens.viewer, 'DELETE', '/api/tokens/x'), 400, 'REQUEST_INVALID')
})
