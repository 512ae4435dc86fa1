import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { openDatabase } from '../../../src/store/database.js'
import { events } from '../../../src/store/migrations/0001-events.js'
import { MIGRATIONS } from '../../../src/store/migrations/index.js'
import { startServer, temporaryFolder, upload } from '../../helper.js'
import { send } from '../../http.js'

/** A database as the first version made it, with three events of which one is open, and a stopped stream. */
function firstVersion (t: Test): { folder: string, path: string } {
  const folder = temporaryFolder(t)
  const path = join(folder, 'videostream.db')
  const database = new Database(path)
  database.pragma('journal_mode = WAL')
  database.exec(events)
  database.pragma('application_id = 0x56535452')
  database.pragma('user_version = 1')
  const insert = database.prepare(`INSERT INTO oil_spill_events (camera_id, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height,
    started_at_ms, last_detected_at_ms, ended_at_ms) VALUES ('default', ?, ?, ?, 640, 480, ?, ?, ?)`)
  insert.run('oil_spill_frames/a.jpg', 'a'.repeat(64), 1000, 10_000, 12_000, 13_000)
  insert.run('oil_spill_frames/b.jpg', 'b'.repeat(64), 2000, 20_000, 20_000, 20_000)
  insert.run('oil_spill_frames/c.jpg', 'c'.repeat(64), 3000, 30_000, 35_000, null)
  database.exec('UPDATE cameras SET stream_stopped_at_ms = 5000')
  database.close()
  return { folder, path }
}

t.test('a history of the first version is brought up to date, and nothing of it is lost', async t => {
  const { path } = firstVersion(t)
  const database = openDatabase(path)
  t.teardown(() => { database.close() })
  t.equal(database.pragma('user_version', { simple: true }), MIGRATIONS.length)
  t.equal(database.pragma('foreign_key_check', { simple: true }), undefined)
  t.equal(database.pragma('integrity_check', { simple: true }), 'ok')
  t.strictSame(database.prepare('SELECT id, camera_id, started_at_ms, last_detected_at_ms, ended_at_ms, frame_path, merged_into FROM oil_spill_events ORDER BY id').raw().all(), [
    [1, 'default', 10_000, 12_000, 13_000, 'oil_spill_frames/a.jpg', null],
    [2, 'default', 20_000, 20_000, 20_000, 'oil_spill_frames/b.jpg', null],
    [3, 'default', 30_000, 35_000, null, 'oil_spill_frames/c.jpg', null]
  ])
  t.strictSame(database.prepare('SELECT event_id, taken_at_ms, received_at_ms, captured_at_ms, frame_path, sha256, size_bytes FROM detections ORDER BY id').raw().all(), [
    [1, 10_000, 10_000, null, 'oil_spill_frames/a.jpg', 'a'.repeat(64), 1000],
    [2, 20_000, 20_000, null, 'oil_spill_frames/b.jpg', 'b'.repeat(64), 2000],
    [3, 30_000, 30_000, null, 'oil_spill_frames/c.jpg', 'c'.repeat(64), 3000]
  ], 'the opening frame of each event is its first detection')
  t.strictSame(database.prepare('SELECT id, state, detections FROM event_history').raw().all(), [[1, 'ended', 1], [2, 'ended', 1], [3, 'open', 1]])
  t.match(database.prepare('SELECT * FROM cameras').all(), [{
    camera_id: 'default', name: 'Default camera', site: null, enabled: 1, source: null, stream_stopped_at_ms: 5000, archived_at_ms: null, newest_taken_at_ms: null
  }])
})

t.test('its camera was heard of, so that its silence since the last event is no "no spill"', async t => {
  const database = openDatabase(firstVersion(t).path)
  t.strictSame(database.prepare('SELECT camera_id, connection, at_ms, last_frame_at_ms FROM camera_connections').raw().all(), [['default', 'offline', 35_000, 35_000]])
  database.close()
  const empty = openDatabase(join(temporaryFolder(t), 'new.db'))
  t.equal(empty.prepare('SELECT count(*) FROM camera_connections').pluck().get(), 0, 'of a new one nothing is known')
  empty.close()
})

t.test('the server goes on with it: the open event, the stopped stream and the count', async t => {
  const { folder } = firstVersion(t)
  const { url, app } = await startServer(t, { DATA_DIR: folder })
  t.match(await (await fetch(`${url}/api/status`)).json(), { oil_spill_events: 3, oil_spill_detected: true, open_event_id: 3, state: 'offline' })
  t.equal((await upload(url, { spill: true, headers: { 'X-Frame-Sequence': '1' } })).status, 200)
  t.equal(app.cameras.default.recorder.openEventId, 3, 'it goes on')
  t.equal((await upload(url)).status, 200)
  t.equal((await send(url, { path: '/stream' })).status, 503)
  t.match(await (await fetch(`${url}/api/oil_spill_events`)).json(), [{ id: 1 }, { id: 2 }, { id: 3, ended_at: String }])
  const detections = await (await fetch(`${url}/api/oil_spill_events/3/detections`)).json() as unknown[]
  t.equal(detections.length, 2)
})

t.test('a database that the migration cannot be applied to is left as it was', async t => {
  const { path } = firstVersion(t)
  const before = new Database(path)
  before.exec('CREATE TABLE detections (mine TEXT)')
  before.close()
  t.throws(() => openDatabase(path), { name: 'StartupError', message: /detections already exists/ })
  const after = new Database(path)
  t.equal(after.pragma('user_version', { simple: true }), 1)
  t.equal(after.prepare('SELECT count(*) FROM pragma_table_info(\'cameras\')').pluck().get(), 2, 'no part of it was done')
  after.close()
})
