import t, { type Test } from 'tap'
import { FakeClock, startServer, tokenOf, until, upload, type TestServer } from '../helper.js'
import { refused, send } from '../http.js'
import { EventClient } from '../sse.js'

const PATH = '/api/oil_spill_events/live'

function connect (t: Test, url: string, options: ConstructorParameters<typeof EventClient>[1] = {}): EventClient {
  const client = new EventClient(url, options)
  t.teardown(() => { client.close() })
  return client
}

/** What came of events, in short, but for updates: when a camera is noticed and a clip is closed is not up to the test. */
const told = ({ events }: EventClient): typeof events => events.filter(({ event }) => !event.startsWith('camera_') && event !== 'updated')

/** Has the ledger tell of something, as what is done to an event does. */
async function tell ({ app }: Pick<TestServer, 'app'>, action: string, subject: string, payload = {}): Promise<void> {
  await app.sql.call('appendToLedger', { actor: 'user:ann', action, subject, payload })
}

t.test('an event opens, goes on and ends: each is told once, as the list shows it', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  const client = await connect(t, url).opened()
  t.match(client.headers, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no', connection: 'close' })
  await upload(url, { spill: true })
  await until(() => told(client).length === 1, 'the begin')
  const list = async (): Promise<unknown[]> => await (await fetch(`${url}/api/oil_spill_events`)).json() as unknown[]
  t.strictSame(told(client)[0]?.data, (await list())[0])
  clock.advance(1000)
  await upload(url, { spill: true, headers: { 'X-Frame-Sequence': '7', 'X-Detection-Confidence': '0.75' } })
  await until(() => client.events.some(({ event, data }) => event === 'updated' && data['peak_confidence'] === 0.75), 'that it goes on')
  await upload(url)
  await until(() => told(client).length === 2, 'the end')
  t.strictSame(told(client).map(({ event }) => event), ['opened', 'ended'])
  t.match((await list())[0], { ended_at: told(client)[1]?.data['ended_at'] as string })
  const ids = client.events.map(({ id }) => Number(id))
  t.strictSame(ids, [...new Set(ids)].sort((a, b) => a - b))
})

t.test('what people do is told without who did it, and what nobody is to be told is not', async t => {
  const server = await startServer(t)
  await upload(server.url, { spill: true })
  const client = await connect(t, server.url).opened()
  for (const action of ['login', 'user.added', 'token.issued', 'export']) await tell(server, action, 'user:ann', { address: '192.0.2.1' })
  for (const action of ['event.reviewed', 'event.acknowledged', 'event.held', 'event.released', 'evidence.deleted']) await tell(server, action, 'event:1', { notes: 'secret' })
  await until(() => told(client).length === 5, 'all of it')
  t.strictSame(told(client).map(({ event }) => event), ['reviewed', 'acknowledged', 'held', 'released', 'evidence_deleted'])
  for (const action of ['clip.closed', 'evidence.missing', 'event.merged', 'event.reopened', 'event.joined']) {
    const { id } = client.events.at(-1) ?? {}
    await tell(server, action, 'event:1', { notes: 'secret' })
    await until(() => client.events.some(each => each.event === 'updated' && Number(each.id) > Number(id)), action)
  }
  t.notMatch(client.text, /ann|secret|192\.0\.2/)
})

t.test('cameras that fall silent and come back', async t => {
  const server = await startServer(t)
  const client = await connect(t, server.url).opened()
  await server.app.cameraRepository.noteConnections([
    { cameraId: 'default', connection: 'offline', atMs: 1000, lastFrameAtMs: 500 }, { cameraId: 'default', connection: 'online', atMs: 2000, lastFrameAtMs: null }
  ])
  t.match(await client.got(2), [
    { event: 'camera_offline', data: { camera_id: 'default', connection: 'offline', at: '1970-01-01T00:00:01.000000', last_frame_at: '1970-01-01T00:00:00.500000' } },
    { event: 'camera_online', data: { camera_id: 'default', connection: 'online', at: '1970-01-01T00:00:02.000000', last_frame_at: null } }
  ])
})

t.test('a client that was away is told all that it missed, once and in order', async t => {
  const server = await startServer(t)
  await upload(server.url, { spill: true })
  const before = await connect(t, server.url).opened()
  const lastEventId = before.lastEventId
  before.close()
  // More than is read in one go, with much in between that it is not told of.
  for (let nth = 0; nth < 30; nth += 1) {
    await Promise.all(Array.from({ length: 20 }, async () => { await tell(server, 'login', 'user:ann') }))
    await tell(server, 'event.reviewed', 'event:1')
  }
  for (const client of [connect(t, server.url, { lastEventId }), connect(t, server.url, { query: `?last_event_id=${lastEventId}` }), connect(t, server.url, { lastEventId, query: '?last_event_id=0' })]) {
    await until(() => told(client).length >= 30, 'what it missed')
    await tell(server, 'event.held', 'event:1')
    await until(() => client.kinds.includes('held'), 'what happens now')
    t.strictSame(client.kinds.filter(kind => kind === 'reviewed').length, 30)
    t.equal(new Set(client.events.map(({ id }) => id)).size, client.events.length, 'nothing twice')
  }
  const all = connect(t, server.url, { query: '?last_event_id=0' })
  await until(() => told(all).length >= 31, 'all of it')
  t.equal(told(all)[0]?.event, 'opened')
})

t.test('many updates of one event that were missed are told as one', async t => {
  const server = await startServer(t)
  await upload(server.url, { spill: true })
  for (let nth = 0; nth < 50; nth += 1) await tell(server, 'event.continued', 'event:1')
  await tell(server, 'event.held', 'event:1')
  const client = connect(t, server.url, { query: '?last_event_id=0' })
  await until(() => client.kinds.includes('held'), 'the end')
  t.strictSame(client.kinds.filter(kind => !kind.startsWith('camera_')), ['opened', 'updated', 'held'])
})

t.test('an id that is ahead of the history, or none: the client is to begin anew', async t => {
  const server = await startServer(t)
  await upload(server.url, { spill: true })
  for (const lastEventId of ['999999', 'x', '-1', '1.5']) {
    const client = connect(t, server.url, { lastEventId })
    t.equal((await client.got(1))[0]?.event, 'reset', lastEventId)
    await tell(server, 'event.held', 'event:1')
    await until(() => told(client).length === 2, 'what happens now')
    t.strictSame(told(client).map(({ event }) => event), ['reset', 'held'])
    t.ok(Number(client.lastEventId) < 999999, 'and has an id of this history')
    client.close()
  }
  await refused(t, await send(server.url, { path: `${PATH}?last_event_id=x` }), 400, 'REQUEST_INVALID')
})

t.test('trouble with storing is told, and that it is over, also to who comes meanwhile', async t => {
  const server = await startServer(t)
  const client = await connect(t, server.url).opened()
  const health = { ok: false, failures: 1, lastError: 'ENOSPC' }
  Object.defineProperty(server.app.eventArchive, 'health', { get: () => health, configurable: true })
  t.match(await client.got(1), [{ id: undefined, event: 'storage', data: { ok: false, failures: 1, last_error: 'ENOSPC' } }])
  const late = connect(t, server.url)
  t.match(await late.got(1), [{ event: 'storage', data: { ok: false } }])
  Object.defineProperty(server.app.eventArchive, 'health', { get: () => ({ ...health, ok: true }) })
  t.match((await client.got(2))[1], { event: 'storage', data: { ok: true, failures: 1 } })
  const after = await connect(t, server.url).opened()
  await tell(server, 'camera.online', 'camera:default')
  t.strictSame((await after.got(1)).map(({ event }) => event), ['camera_online'])
})

t.test('a hundred clients are told the same, and the ledger is read once for all', async t => {
  const server = await startServer(t)
  await upload(server.url, { spill: true })
  const clients = await Promise.all(Array.from({ length: 100 }, async () => await connect(t, server.url).opened()))
  let reads = 0
  const call = server.app.sql.ask.bind(server.app.sql)
  server.app.sql.ask = async (name, ...args) => {
    if (name === 'liveEntries') reads += 1
    return await call(name, ...args)
  }
  for (let nth = 0; nth < 5; nth += 1) {
    await tell(server, 'event.reviewed', 'event:1')
    await until(() => clients.every(client => told(client).length === nth + 1), `event ${nth}`)
  }
  t.equal(new Set(clients.map(client => told(client).map(({ id }) => id).join())).size, 1)
  t.ok(reads < 20, `the ledger was read ${reads} times`)
  clients.forEach(client => { client.close() })
  await until(() => server.app.liveFeed.clients.size === 0, 'that all have left')
})

t.test('no more clients than may, and their places are free again', async t => {
  const { url, app } = await startServer(t, { MAX_VIEWERS: '1' })
  const first = await connect(t, url).opened()
  const answer = await send(url, { path: PATH })
  await refused(t, answer, 503, 'TOO_MANY_VIEWERS')
  t.equal(answer.headers['retry-after'], '10')
  first.close()
  await until(() => app.liveFeed.clients.size === 0, 'the free place')
  await connect(t, url).opened()
})

t.test('HEAD is no way in', async t => {
  const { url } = await startServer(t)
  t.equal((await send(url, { path: PATH, method: 'HEAD' })).status, 400, 'it is taken for the id of an event')
})

t.test('it ends with the right to it', async t => {
  const { url, app } = await startServer(t, { VIEWER_ACCESS: 'private' })
  const token = await tokenOf(app, 'viewer')
  const client = await connect(t, url, { headers: { Authorization: `Bearer ${token}` } }).opened()
  await app.people.change('viewer', { enabled: false })
  await until(() => client.ended, 'the end')
  t.equal((await send(url, { path: PATH })).status, 401)
})

t.test('it ends when the server closes, at once', async t => {
  const { url, app } = await startServer(t)
  const client = await connect(t, url).opened()
  const stopped = await connect(t, url).opened()
  stopped.response?.pause()
  await app.close()
  await until(() => client.ended, 'the end')
  stopped.response?.resume()
  await until(() => stopped.ended, 'the end of the one that took nothing')
})

t.test('a client comes back where the ledger could not be read', async t => {
  const server = await startServer(t)
  await upload(server.url, { spill: true })
  const client = await connect(t, server.url).opened()
  const ask = server.app.sql.ask.bind(server.app.sql)
  server.app.sql.ask = async () => { throw new Error('SQLITE_BUSY') }
  await tell(server, 'event.held', 'event:1')
  await until(() => client.ended, 'the end')
  server.app.sql.ask = ask
  const again = connect(t, server.url, { lastEventId: client.lastEventId })
  await until(() => told(again).length > 0, 'what it missed')
  t.strictSame(told(again).map(({ event }) => event), ['held'])
})
