import t, { type Test } from 'tap'
import { FakeClock, startServer, tokenOf, until, upload } from '../helper.js'
import { refused, send, type Answer } from '../http.js'

interface Entry { sequence: number, at: string, actor: string, action: string, subject: string, payload: Record<string, unknown>, hash: string }

async function setUp (t: Test) {
  const server = await startServer(t, {}, { clock: new FakeClock() })
  const { app, url } = server
  await upload(url, { spill: true })
  await upload(url)
  const token = await tokenOf(app, 'admin')
  const get = async (query = ''): Promise<Answer> => await send(url, { path: `/api/audit${query}`, headers: { Authorization: `Bearer ${token}` } })
  const list = async (query = ''): Promise<Entry[]> => JSON.parse((await get(query)).body.toString()) as Entry[]
  await list()
  await until(async () => (await list()).some(({ action }) => action === 'server.started') && (await list()).some(({ action }) => action === 'login'))
  return { ...server, get, list }
}

t.test('the whole ledger, newest first', async t => {
  const { list, get } = await setUp(t)
  const entries = await list()
  t.strictSame(entries.map(({ sequence }) => sequence), entries.map((_, at) => entries.length - at), 'without gaps')
  t.strictSame(entries.at(-1)?.action, 'key.made')
  const opened = entries.find(({ action }) => action === 'event.opened')
  t.match(opened, { actor: 'camera:default', subject: 'event:1', at: /^\d{4}-\d\d-\d\dT/, hash: /^[0-9a-f]{64}$/, payload: { event: { camera_id: 'default' }, detections: { count: 1 } } })
  t.equal((await get()).headers['content-type'], 'application/json; charset=utf-8')
})

t.test('it is filtered by action, by the begin of actions, by actor and by subject', async t => {
  const { list } = await setUp(t)
  t.strictSame((await list('?action=event.ended')).map(({ action }) => action), ['event.ended'])
  t.strictSame((await list('?action=event.')).map(({ action }) => action), ['event.ended', 'event.opened'])
  t.strictSame((await list('?action=event')).length, 0)
  t.strictSame((await list('?subject=event:1')).map(({ action }) => action), ['event.ended', 'event.opened'])
  t.strictSame((await list('?subject=event:1&action=event.opened')).map(({ action }) => action), ['event.opened'])
  t.strictSame((await list('?actor=camera:default')).map(({ action }) => action), ['event.ended', 'event.opened'])
  t.strictSame(await list('?subject=event:99'), [])
})

t.test('pages lead through all of it', async t => {
  const { list, get, url } = await setUp(t)
  const all = await list()
  for (const filter of ['', '&subject=event:1', '&action=event.']) {
    const found: Entry[] = []
    let query: string | undefined = `?limit=1${filter}`
    for (let page = 0; query !== undefined && page < 50; page += 1) {
      const answer: Answer = await get(query)
      found.push(...JSON.parse(answer.body.toString()) as Entry[])
      query = /^<(\?[^>]*)>; rel="next"$/.exec(String(answer.headers['link'] ?? ''))?.[1]
    }
    const whole = filter === '' ? all : await list(`?${filter.slice(1)}`)
    t.strictSame(found, whole, `${filter} at ${url}`)
  }
  t.equal((await get('?limit=1000')).headers['link'], undefined)
})

t.test('a long ledger is read in parts, and one rare entry far back is found', async t => {
  const { app, list } = await setUp(t)
  await Promise.all(Array.from({ length: 11_000 }, async (_, i) => { await app.audit.record({ actor: 'server', action: 'export', subject: 'server', payload: { i } }) }))
  t.strictSame((await list('?action=event.opened&limit=1')).length, 1)
  t.strictSame((await list('?action=key.made')).length, 1)
  const entries = await list()
  t.equal(entries.filter(({ action }) => action === 'export').length, 11_000)
  t.ok(entries.every(({ sequence }, at) => sequence === entries.length - at), 'without gaps')
})

t.test('what cannot be read is refused', async t => {
  const { get } = await setUp(t)
  for (const query of ['?limit=0', '?limit=1001', '?limit=x', '?action=', '?extra=1']) await refused(t, await get(query), 400, 'REQUEST_INVALID')
  for (const query of ['?cursor=x', '?cursor=', '?cursor=MA', '?cursor=LTE']) await refused(t, await get(query), 400, 'CURSOR_INVALID')
})

t.test('it is for administrators', async t => {
  const { app, url } = await setUp(t)
  for (const role of ['viewer', 'operator'] as const) {
    await refused(t, await send(url, { path: '/api/audit', headers: { Authorization: `Bearer ${await tokenOf(app, role)}` } }), 403, 'ROLE_MISSING')
  }
  await refused(t, await send(url, { path: '/api/audit' }), 401, 'LOGIN_MISSING')
})
