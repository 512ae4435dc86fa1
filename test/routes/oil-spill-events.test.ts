import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { unlinkSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { control, FakeClock, jpeg, SocketViewer, startServer, until, upload, type TestServer } from '../helper.js'
import { keptLog, RawClient, refused, send } from '../http.js'

type Event = Record<string, unknown> & { id: number, timestamp: string }

const list = async (url: string): Promise<Event[]> => await (await fetch(`${url}/api/oil_spill_events`)).json() as Event[]

/** What nobody has said of an event. */
const UNSAID = { peak_confidence: null, latitude: null, longitude: null, verdict: null, acknowledged_at: null, held: false }

/** Writes a history straight into the database, newest first, as another program could. */
function insertHistory ({ config }: TestServer, count: number): void {
  const database = new Database(join(config.dataDir, 'videostream.db'))
  const insert = database.prepare(`INSERT INTO oil_spill_events (camera_id, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height,
    started_at_ms, last_detected_at_ms, ended_at_ms) VALUES ('default', ?, ?, 1, 1, 1, ?, ?, ?)`)
  database.transaction(() => {
    for (let i = count; i > 0; i -= 1) {
      const atMs = 1_600_000_000_000 + Math.floor(i / 3) * 1000
      insert.run(`oil_spill_frames/${i}.jpg`, '0'.repeat(64), atMs, atMs, atMs + 500)
    }
  })()
  database.close()
}

t.test('no history is an empty array', async t => {
  const { url } = await startServer(t)
  const answer = await send(url, { path: '/api/oil_spill_events' })
  t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
  t.equal(answer.body.toString(), '[]')
})

t.test('the history is a bare array, oldest first, with the seed\'s keys and the added ones', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  const [first, second] = [jpeg({ width: 32, height: 24 }), jpeg()]
  await upload(url, { jpeg: first, spill: true })
  clock.advance(1500)
  await upload(url)
  clock.advance(500)
  await upload(url, { jpeg: second, spill: true })
  t.strictSame(await list(url), [{
    timestamp: '20230623_143022',
    datetime: '2023-06-23T14:30:22.123000',
    frame_path: 'oil_spill_frames/oil_spill_20230623_143022.jpg',
    id: 1,
    camera_id: 'default',
    ended_at: '2023-06-23T14:30:23.623000',
    merged_into: null,
    sha256: createHash('sha256').update(first).digest('hex'),
    size_bytes: first.length,
    width: 32,
    height: 24,
    evidence_state: 'kept',
    frame_url: '/api/oil_spill_events/1/frame',
    clip_url: '/api/oil_spill_events/1/clip',
    thumbnail_url: '/api/oil_spill_events/1/thumbnail',
    ...UNSAID
  }, {
    timestamp: '20230623_143024',
    datetime: '2023-06-23T14:30:24.123000',
    frame_path: 'oil_spill_frames/oil_spill_20230623_143024.jpg',
    id: 2,
    camera_id: 'default',
    ended_at: null,
    merged_into: null,
    sha256: createHash('sha256').update(second).digest('hex'),
    size_bytes: second.length,
    width: 16,
    height: 8,
    evidence_state: 'kept',
    frame_url: '/api/oil_spill_events/2/frame',
    clip_url: '/api/oil_spill_events/2/clip',
    thumbnail_url: '/api/oil_spill_events/2/thumbnail',
    ...UNSAID
  }])
})

t.test('two events in one second have paths of their own', async t => {
  const { url } = await startServer(t, {}, { clock: new FakeClock() })
  for (const spill of [true, false, true, false, true]) await upload(url, { spill })
  t.strictSame((await list(url)).map(event => event['frame_path']), [
    'oil_spill_frames/oil_spill_20230623_143022.jpg',
    'oil_spill_frames/oil_spill_20230623_143022_2.jpg',
    'oil_spill_frames/oil_spill_20230623_143022_3.jpg'
  ])
})

t.test('one event', async t => {
  const { url } = await startServer(t)
  await upload(url, { spill: true })
  const response = await fetch(`${url}/api/oil_spill_events/1`)
  t.equal(response.status, 200)
  t.strictSame([await response.json()], await list(url))
})

t.test('its opening frame, byte for byte, as long as nothing has changed it', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  const padded = Buffer.concat([jpeg(), Buffer.from('padding')])
  await upload(url, { jpeg: padded, spill: true })
  await upload(url, { jpeg: jpeg({ color: [9, 9, 9] }), spill: true })
  const [event] = await list(url)
  const answer = await send(url, { path: String(event?.['frame_url']) })
  t.equal(answer.status, 200)
  t.ok(answer.body.equals(padded))
  t.match(answer.headers, {
    'content-type': 'image/jpeg',
    etag: `"${String(event?.['sha256'])}"`,
    'last-modified': 'Fri, 23 Jun 2023 14:30:22 GMT',
    'x-timestamp': '1687530622.123000',
    'cache-control': 'no-cache'
  })
  const again = await send(url, { path: '/api/oil_spill_events/1/frame', headers: { 'If-None-Match': String(answer.headers.etag) } })
  t.equal(again.status, 304)
  t.equal(again.body.length, 0)
})

t.test('a stop of the stream stops neither events nor evidence', async t => {
  const { url } = await startServer(t)
  await control(url, 'stop_stream')
  await upload(url, { spill: true })
  t.equal((await list(url)).length, 1)
  t.equal((await send(url, { path: '/api/oil_spill_events/1/frame' })).status, 200)
})

t.test('404 for an event that is not there', async t => {
  const { url } = await startServer(t)
  for (const path of ['/api/oil_spill_events/1', '/api/oil_spill_events/1/frame', `/api/oil_spill_events/${Number.MAX_SAFE_INTEGER}`]) {
    await refused(t, await send(url, { path }), 404, 'EVENT_NOT_FOUND')
  }
})

t.test('400 for an id that is none', async t => {
  const { url } = await startServer(t)
  await upload(url, { spill: true })
  for (const id of ['0', '-1', 'abc', '9007199254740992', '99999999999999999999', '1%20or%201', 'NaN', '%00', '1.9', '1e0', '0x1', '+1', '1%20', 'true']) {
    await refused(t, await send(url, { path: `/api/oil_spill_events/${id}` }), 400, 'REQUEST_INVALID')
    await refused(t, await send(url, { path: `/api/oil_spill_events/${id}/frame` }), 400, 'REQUEST_INVALID')
  }
})

t.test('altered or missing evidence is not shown, and the answer and the log say so', async t => {
  const log = keptLog()
  const { url, config } = await startServer(t, {}, { logger: log.logger })
  await upload(url, { spill: true })
  const [event] = await list(url)
  const path = join(config.dataDir, String(event?.['frame_path']))
  writeFileSync(path, jpeg({ color: [1, 1, 1] }))
  t.match(await refused(t, await send(url, { path: '/api/oil_spill_events/1/frame' }), 500, 'EVIDENCE_ALTERED'), String(event?.['frame_path']))
  unlinkSync(path)
  t.match(await refused(t, await send(url, { path: '/api/oil_spill_events/1/frame' }), 500, 'EVIDENCE_MISSING'), String(event?.['frame_path']))
  t.match(log.lines.filter(({ level }) => level === 50), [
    { msg: 'a request failed', err: { code: 'EVIDENCE_ALTERED' } },
    { msg: 'a request failed', err: { code: 'EVIDENCE_MISSING', stack: /ENOENT/ } }
  ])
  t.equal((await send(url, { path: '/api/oil_spill_events/1' })).status, 200, 'the event itself is still there')
})

t.test('evidence for clients that do not read it is bounded in memory', async t => {
  const { url, port, app } = await startServer(t)
  const large = Buffer.concat([jpeg(), Buffer.alloc(9 * 1024 * 1024)])
  await upload(url, { jpeg: large, spill: true })
  const stalled = Array.from({ length: 8 }, () => {
    const client = new RawClient(port)
    client.socket.pause()
    client.write('GET /api/oil_spill_events/1/frame HTTP/1.1\r\nHost: x\r\n\r\n')
    return client
  })
  await until(async () => (await send(url, { method: 'HEAD', path: '/api/oil_spill_events/1/frame' })).status === 503, 'the bound')
  t.match(await refused(t, await send(url, { path: '/api/oil_spill_events/1/frame' }), 503, 'READS_BUSY'), 'Retry-After')
  t.equal((await upload(url)).status, 200, 'cameras do not feel it')
  for (const { socket } of stalled) socket.destroy()
  await until(async () => (await send(url, { path: '/api/oil_spill_events/1/frame' })).body.equals(large), 'room again')
  t.equal(app.cameras.default.liveStream.viewerCount, 0)
})

t.test('a client that takes nothing of its answer is cut, and a quiet stream is not', async t => {
  const { app, url, port } = await startServer(t)
  app.server.timeout = 300
  const large = Buffer.concat([jpeg(), Buffer.alloc(9 * 1024 * 1024)])
  await upload(url, { jpeg: large, spill: true })
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  const stalled = new RawClient(port)
  stalled.socket.pause()
  const gone = once(app.server, 'connection').then(async ([socket]) => { await once(socket as Socket, 'close') })
  stalled.write('GET /api/oil_spill_events/1/frame HTTP/1.1\r\nHost: x\r\n\r\n')
  await gone
  t.equal(app.cameras.default.liveStream.viewerCount, 1)
  t.equal(viewer.ended, false)
  viewer.close()
  stalled.socket.destroy()
})

t.test('503 where the history cannot be read', async t => {
  const { url, app } = await startServer(t)
  await upload(url, { spill: true })
  await app.sql.close()
  for (const path of ['/api/oil_spill_events', '/api/oil_spill_events/1', '/api/oil_spill_events/1/frame']) {
    const answer = await send(url, { path })
    await refused(t, answer, 503, 'HISTORY_UNAVAILABLE')
    t.equal(answer.headers['retry-after'], '1')
  }
})

t.test('it is read while another program writes', async t => {
  const { url, config } = await startServer(t)
  await upload(url, { spill: true })
  const other = new Database(join(config.dataDir, 'videostream.db'))
  other.exec('BEGIN EXCLUSIVE')
  t.equal((await list(url)).length, 1)
  t.equal((await send(url, { path: '/api/oil_spill_events/1' })).status, 200)
  other.close()
})

t.test('a long history comes whole and in order', async t => {
  const server = await startServer(t)
  insertHistory(server, 3050)
  const events = await list(server.url)
  t.equal(events.length, 3050)
  t.ok(events.every((event, i) => {
    const before = events[i - 1]
    return before === undefined || before.timestamp < event.timestamp || (before.timestamp === event.timestamp && before.id < event.id)
  }))
  t.equal(new Set(events.map(({ id }) => id)).size, 3050)
})

t.test('HEAD of a long history has no body', async t => {
  const server = await startServer(t)
  insertHistory(server, 250)
  const answer = await send(server.url, { path: '/api/oil_spill_events', method: 'HEAD' })
  t.equal(answer.status, 200)
  t.equal(answer.body.length, 0)
})

t.test('a client that leaves in the middle of a long history ends the reading of it', async t => {
  const server = await startServer(t)
  const { app, port, url } = server
  insertHistory(server, 20_000)
  const pages = app.eventRepository.pages.bind(app.eventRepository)
  let read = 0
  let ended = 0
  app.eventRepository.pages = async function * () {
    try {
      for await (const page of pages()) {
        read += 1
        yield page
      }
    } finally {
      ended += 1
    }
  }
  for (const leave of ['destroy', 'resetAndDestroy'] as const) {
    ended = read = 0
    const client = RawClient.send(port, 'GET /api/oil_spill_events HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(() => client.text.includes('20200913'), 'the beginning')
    client.socket.pause()
    client.socket[leave]()
    await until(() => ended === 1, 'the end of the reading')
    t.ok(read < 200, 'before it was through')
  }
  t.equal((await send(url, { path: '/api/oil_spill_events/1' })).status, 200)
})

t.test('a failure in the middle of the history cuts the answer, so that no client takes part of it for all', async t => {
  const server = await startServer(t)
  const { app, url } = server
  insertHistory(server, 300)
  const pages = app.eventRepository.pages.bind(app.eventRepository)
  app.eventRepository.pages = async function * () {
    const first = await pages().next()
    if (first.done !== true) yield first.value
    throw new Error('the disk is gone')
  }
  await t.rejects(list(url))
  await t.rejects(send(url, { path: '/api/oil_spill_events' }), { code: 'ECONNRESET' })
})
