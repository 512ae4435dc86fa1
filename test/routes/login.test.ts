import { createHash } from 'node:crypto'
import t from 'tap'
import { ADMIN_PASSWORD, FakeClock, startServer } from '../helper.js'
import { refused, send, type Answer } from '../http.js'

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'text/html' }
const JSON_TYPE = { 'Content-Type': 'application/json' }

const post = async (url: string, body: Record<string, string> | string, headers: Record<string, string> = FORM): Promise<Answer> => await send(url, {
  method: 'POST', path: '/login', headers, body: typeof body === 'string' ? body : headers['Content-Type'] === FORM['Content-Type'] ? new URLSearchParams(body).toString() : JSON.stringify(body)
})
const cookieOf = (answer: Answer): string => String(answer.headers['set-cookie']).split(';')[0] ?? ''
const me = async (url: string, Cookie: string): Promise<Answer> => await send(url, { path: '/api/me', headers: { Cookie } })

t.test('the form logs in and goes on to where somebody wanted to be', async t => {
  const { url } = await startServer(t, { VIEWER_ACCESS: 'private' })
  const page = await send(url, { path: '/login?next=/api/status' })
  t.equal(page.status, 200)
  t.equal(page.headers['content-type'], 'text/html; charset=utf-8')
  t.equal(page.headers['cache-control'], 'no-store')
  t.match(page.body.toString(), 'name="next" value="/api/status"')
  const answer = await post(url, { username: 'admin', password: ADMIN_PASSWORD, next: '/api/status' })
  t.equal(answer.status, 303)
  t.equal(answer.headers['location'], '/api/status')
  t.equal((await send(url, { path: '/api/status', headers: { Cookie: cookieOf(answer) } })).status, 200)
})

t.test('only the page\'s own style may be shown, and no page of another site may frame it', async t => {
  const { url } = await startServer(t)
  const { headers, body } = await send(url, { path: '/login' })
  const style = /<style>([^]*?)<\/style>/.exec(body.toString())?.[1] ?? ''
  t.equal(headers['content-security-policy'], "default-src 'none'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
    `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`)
  t.equal(headers['x-content-type-options'], 'nosniff')
})

t.test('a login never leads to another site', async t => {
  const { url } = await startServer(t)
  for (const next of ['//evil.example', '/\\evil.example', 'https://evil.example/', 'javascript:alert(1)']) {
    t.match((await send(url, { path: `/login?next=${encodeURIComponent(next)}` })).body.toString(), 'name="next" value="/"')
    t.equal((await post(url, { username: 'admin', password: ADMIN_PASSWORD, next })).headers['location'], '/')
  }
})

t.test('a form with mistakes is shown again, with what was wrong', async t => {
  const { url } = await startServer(t, { AUTH_FAILURE_LIMIT: '1' }, { clock: new FakeClock() })
  const wrong = await post(url, { username: 'admin<', password: 'wrong', next: '/stream' })
  t.equal(wrong.status, 401)
  t.equal(wrong.headers['www-authenticate'], 'Bearer realm="Videostream"')
  t.equal(wrong.headers['set-cookie'], undefined)
  t.match(wrong.body.toString(), /role="alert">User name or password are not right/)
  t.match(wrong.body.toString(), 'value="admin&lt;"')
  t.match(wrong.body.toString(), 'name="next" value="/stream"')
  t.notMatch(wrong.body.toString(), 'value="wrong"')
  const locked = await post(url, { username: 'admin', password: ADMIN_PASSWORD })
  t.equal(locked.status, 429)
  t.equal(locked.headers['retry-after'], '60')
  t.match(locked.body.toString(), /role="alert">Too many logins failed/)
  const empty = await post(url, 'username=admin')
  t.equal(empty.status, 400)
  t.match(empty.body.toString(), /role="alert">Please fill in/)
})

t.test('programs log in with JSON', async t => {
  const { url } = await startServer(t)
  const answer = await post(url, { username: 'admin', password: ADMIN_PASSWORD }, JSON_TYPE)
  t.equal(answer.status, 200)
  t.strictSame(JSON.parse(answer.body.toString()), { username: 'admin', role: 'admin' })
  t.equal((await me(url, cookieOf(answer))).status, 200)
  await refused(t, await post(url, { username: 'admin', password: 'wrong' }, JSON_TYPE), 401, 'LOGIN_WRONG')
  for (const body of ['', '{', 'null', '[]', '{}', '{"username":"admin"}', '{"username":{},"password":[]}']) await refused(t, await post(url, body, JSON_TYPE), 400, 'REQUEST_INVALID')
  await refused(t, await post(url, { username: 'x'.repeat(40_000), password: '' }, JSON_TYPE), 413, 'BODY_TOO_LARGE')
  await refused(t, await post(url, 'x', { 'Content-Type': 'application/xml' }), 415, 'MEDIA_TYPE_UNSUPPORTED')
})

t.test('forms that try to be clever are no logins', async t => {
  const { url } = await startServer(t)
  for (const body of ['username=admin&username=admin&password=x', 'username[]=admin&password=x', '__proto__[x]=1&username=a', '%', `username=admin&password=${'x'.repeat(2000)}`]) {
    t.equal((await post(url, body)).status, 400, body.slice(0, 40))
  }
})

t.test('a logout ends this session, for good, and no other', async t => {
  const { url } = await startServer(t)
  const log = async (): Promise<string> => cookieOf(await post(url, { username: 'admin', password: ADMIN_PASSWORD }))
  const [mine, other] = [await log(), await log()]
  const form = await send(url, { method: 'POST', path: '/logout', headers: { ...FORM, Cookie: mine } })
  t.equal(form.status, 303)
  t.equal(form.headers['location'], '/')
  t.match(String(form.headers['set-cookie']), /^videostream_session=; Max-Age=0; Path=\//)
  t.equal((await me(url, mine)).status, 401)
  t.equal((await me(url, other)).status, 200)
  t.equal((await send(url, { method: 'POST', path: '/logout', headers: { Cookie: other } })).status, 204)
  t.equal((await me(url, other)).status, 401)
  t.equal((await send(url, { method: 'POST', path: '/logout' })).status, 204, 'nobody logs out')
})

t.test('the page says who is logged in, and where to log in', async t => {
  const { url } = await startServer(t)
  const page = async (headers: Record<string, string>): Promise<string> => (await send(url, { headers: { Accept: 'text/html', ...headers } })).body.toString()
  t.match(await page({}), '<a href="/login">Log in</a>')
  const Cookie = cookieOf(await post(url, { username: 'admin', password: ADMIN_PASSWORD }))
  t.match(await page({ Cookie }), '<form method="post" action="/logout">admin <button>Log out</button></form>')
  t.notMatch(await page({ Cookie }), '/login')
})
