import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { CameraRepository } from '../../src/store/camera-repository.js'
import { EventRepository } from '../../src/store/event-repository.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { newSettings, temporaryFolder } from '../helper.js'
import { newEvent } from './support.js'

const RIG = newSettings('rig-4', {
  name: 'Rig 4, north', site: 'Tampen', latitude: 61.2, longitude: -2.5, heading: 359.5, enabled: false, source: 'rtsp://user:secret@192.0.2.17/1', sourceFps: 0.5
})

async function setUp (t: Test, path = join(temporaryFolder(t), 'history.db')) {
  const thread = await SqlThread.open(path)
  t.teardown(async () => { await thread.close() })
  const reader = new Database(path)
  t.teardown(() => { reader.close() })
  return { path, thread, reader, repository: new CameraRepository(thread) }
}

/** A key of a camera; its hash is made of its id. */
const keyOf = (cameraId: string, keyId: string, createdAtMs = 1000) => ({ keyId, cameraId, hash: keyId.padEnd(64, '0'), createdAtMs })

/** Whether the stream of each camera was stopped. */
async function stoppedStreams (repository: CameraRepository): Promise<Record<string, boolean>> {
  const { cameras } = await repository.load()
  return Object.fromEntries(cameras.map(({ settings, isStreamStopped }) => [settings.cameraId, isStreamStopped]))
}

t.test('a stopped stream is remembered over a restart', async t => {
  const { path, repository, thread } = await setUp(t)
  await repository.insert(newSettings('another'), 1000)
  t.strictSame(await stoppedStreams(repository), { default: false, another: false })
  await repository.setStreamStopped('default', 1000)
  t.strictSame(await stoppedStreams(repository), { default: true, another: false })
  await thread.close()
  const again = await setUp(t, path)
  t.strictSame(await stoppedStreams(again.repository), { default: true, another: false })
  await again.repository.setStreamStopped('default', null)
  t.strictSame(await stoppedStreams(again.repository), { default: false, another: false })
})

t.test('the error of SQLite is named where the history is locked', async t => {
  const { path, repository } = await setUp(t)
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  await t.rejects(repository.setStreamStopped('default', 1), { code: 'HISTORY_UNAVAILABLE', message: /SQLITE_BUSY/ })
  other.close()
})

t.test('a new history has the default camera, of which nothing is known', async t => {
  const { repository } = await setUp(t)
  t.strictSame(await repository.load(), {
    cameras: [{ settings: newSettings('default', { name: 'Default camera' }), isStreamStopped: false, newestTakenAtMs: null, clockSkewMs: null, connection: null }], keys: []
  })
})

t.test('a camera is as it was after a restart', async t => {
  const { path, repository, thread } = await setUp(t)
  await repository.insert(RIG, 2000)
  await repository.insert(newSettings('rig-3'), 1000)
  await repository.update({ ...RIG, name: 'Rig 4', site: null, enabled: true })
  await repository.noteNewestFrames([{ cameraId: 'rig-4', takenAtMs: 5000, clockSkewMs: -70 }, { cameraId: 'unknown', takenAtMs: 5000, clockSkewMs: null }])
  await repository.noteConnections([
    { cameraId: 'rig-4', connection: 'online', atMs: 4000, lastFrameAtMs: 3900 }, { cameraId: 'rig-4', connection: 'offline', atMs: 9000, lastFrameAtMs: null }
  ])
  await thread.close()
  const { cameras } = await (await setUp(t, path)).repository.load()
  t.strictSame(cameras.map(({ settings }) => settings.cameraId), ['default', 'rig-3', 'rig-4'], 'in the order in which they were made')
  t.strictSame(cameras[2], {
    settings: { ...RIG, name: 'Rig 4', site: null, enabled: true }, isStreamStopped: false, newestTakenAtMs: 5000, clockSkewMs: -70, connection: { connection: 'offline', atMs: 9000 }
  })
})

t.test('an id is given once', async t => {
  const { repository } = await setUp(t)
  await t.rejects(repository.insert(newSettings('default'), 1000), { code: 'CAMERA_EXISTS', statusCode: 409 })
  await repository.insert(RIG, 1000)
  await t.rejects(repository.insert(RIG, 1000), { code: 'CAMERA_EXISTS' })
})

t.test('what cannot be is refused by the schema', async t => {
  const { reader } = await setUp(t)
  const update = (set: string): void => { reader.exec(`UPDATE cameras SET ${set}`) }
  for (const set of ['latitude = 90.1', 'latitude = -91', 'longitude = 181', 'longitude = -180.5', 'heading = -1', 'heading = 361', 'enabled = 2']) {
    t.throws(() => { update(set) }, { code: 'SQLITE_CONSTRAINT_CHECK' }, set)
  }
  t.throws(() => { update('name = NULL') }, { code: 'SQLITE_CONSTRAINT_NOTNULL' })
})

t.test('keys', async t => {
  const { repository, reader } = await setUp(t)
  await repository.insert(RIG, 1000)
  await repository.insertKey(keyOf('rig-4', 'b', 2000))
  await repository.insertKey(keyOf('rig-4', 'a', 1000))
  await repository.insertKey(keyOf('default', 'c', 3000))
  t.strictSame((await repository.load()).keys, [keyOf('rig-4', 'a', 1000), keyOf('rig-4', 'b', 2000), keyOf('default', 'c', 3000)], 'the oldest first')
  await repository.deleteKey('b')
  await repository.deleteKey('unknown')
  t.strictSame((await repository.load()).keys.map(({ keyId }) => keyId), ['a', 'c'])
  await t.rejects(repository.insertKey(keyOf('unknown', 'd')), { code: 'HISTORY_UNAVAILABLE', message: /FOREIGNKEY/ })
  t.strictSame(reader.prepare('SELECT name FROM pragma_table_info(\'camera_keys\')').pluck().all(), ['key_id', 'camera_id', 'key_sha256', 'created_at_ms'],
    'there is no room for the key itself')
})

t.test('a camera without a history is erased, and its id may be given again', async t => {
  const { repository, reader } = await setUp(t)
  await repository.insert(RIG, 1000)
  await repository.insertKey(keyOf('rig-4', 'a'))
  t.equal(await repository.remove('rig-4', 5000), false)
  t.equal(reader.prepare('SELECT count(*) FROM cameras').pluck().get(), 1)
  t.equal(reader.prepare('SELECT count(*) FROM camera_keys').pluck().get(), 0)
  await t.resolves(repository.insert(RIG, 6000))
})

t.test('a camera with events is archived: they stay, the open one ends, its keys and the password of its source go', async t => {
  const { repository, reader, thread } = await setUp(t)
  const events = await EventRepository.open(thread)
  await repository.insert(RIG, 1000)
  await repository.insertKey(keyOf('rig-4', 'a'))
  const event = await events.change(undefined, newEvent(1, { cameraId: 'rig-4' }))
  t.equal(await repository.remove('rig-4', 5000), true)
  t.strictSame((await repository.load()).cameras.map(({ settings }) => settings.cameraId), ['default'])
  t.strictSame((await repository.load()).keys, [])
  t.match(await events.find(1), { cameraId: 'rig-4', endedAtMs: event?.lastDetectedAtMs })
  t.strictSame(reader.prepare('SELECT archived_at_ms, source, name FROM cameras WHERE camera_id = \'rig-4\'').get(), { archived_at_ms: 5000, source: null, name: 'Rig 4, north' })
  await t.rejects(repository.insert(RIG, 6000), { code: 'CAMERA_EXISTS' }, 'its id is not given again')
})

t.test('a camera that was heard of is archived too', async t => {
  const { repository } = await setUp(t)
  await repository.insert(RIG, 1000)
  await repository.noteConnections([{ cameraId: 'rig-4', connection: 'online', atMs: 4000, lastFrameAtMs: 3900 }])
  t.equal(await repository.remove('rig-4', 5000), true)
})

t.test('when a camera fell silent and was heard again, newest first', async t => {
  const { repository } = await setUp(t)
  await repository.insert(RIG, 1000)
  const notes = Array.from({ length: 7 }, (_, i) => ({ cameraId: 'rig-4', connection: i % 2 === 0 ? 'online' as const : 'offline' as const, atMs: 1000 * i, lastFrameAtMs: i === 1 ? null : 900 * i }))
  await repository.noteConnections([...notes, { cameraId: 'default', connection: 'online', atMs: 1, lastFrameAtMs: 1 }])
  t.strictSame(await repository.connectionsOf('rig-4', 100), notes.toReversed())
  t.strictSame(await repository.connectionsOf('rig-4', 2), notes.toReversed().slice(0, 2))
  t.strictSame(await repository.connectionsOf('unknown', 2), [])
})

t.test('a note of a camera that was erased meanwhile keeps up no other', async t => {
  const { repository } = await setUp(t)
  const note = { connection: 'online' as const, atMs: 4000, lastFrameAtMs: 3900 }
  await repository.noteConnections([{ ...note, cameraId: 'erased' }, { ...note, cameraId: 'default' }])
  t.strictSame(await repository.connectionsOf('default', 10), [{ ...note, cameraId: 'default' }])
  t.strictSame(await repository.connectionsOf('erased', 10), [])
})

t.test('outages are the times between falling silent and being heard again', async t => {
  const { repository, reader } = await setUp(t)
  await repository.insert(RIG, 1000)
  const at = (text: string): number => Date.parse(`2026-03-01T${text}Z`)
  await repository.noteConnections([
    { cameraId: 'rig-4', connection: 'online', atMs: at('12:00:00'), lastFrameAtMs: at('11:59:59.500') },
    { cameraId: 'rig-4', connection: 'offline', atMs: at('12:00:10'), lastFrameAtMs: at('12:00:00') },
    { cameraId: 'default', connection: 'online', atMs: at('12:00:11'), lastFrameAtMs: at('12:00:11') },
    { cameraId: 'rig-4', connection: 'online', atMs: at('12:01:00'), lastFrameAtMs: at('12:00:59') },
    { cameraId: 'rig-4', connection: 'offline', atMs: at('13:00:00'), lastFrameAtMs: null }
  ])
  t.strictSame(reader.prepare('SELECT * FROM camera_outages').all(), [
    { camera_id: 'rig-4', silent_from: '2026-03-01 12:00:00.000', silent_until: '2026-03-01 12:01:00.000', duration_seconds: 60 },
    { camera_id: 'rig-4', silent_from: '2026-03-01 13:00:00.000', silent_until: null, duration_seconds: null }
  ])
})

t.test('cameras that cannot be read or written say so', async t => {
  const { repository, thread } = await setUp(t)
  await thread.close()
  const unavailable = { code: 'HISTORY_UNAVAILABLE', statusCode: 503, message: /SQL_THREAD_LOST/ }
  await t.rejects(repository.load(), unavailable)
  await t.rejects(repository.insert(RIG, 1), unavailable)
  await t.rejects(repository.update(RIG), unavailable)
  await t.rejects(repository.remove('rig-4', 1), unavailable)
  await t.rejects(repository.insertKey(keyOf('rig-4', 'a')), unavailable)
  await t.rejects(repository.deleteKey('a'), unavailable)
  await t.rejects(repository.setStreamStopped('rig-4', 1), unavailable)
  await t.rejects(repository.noteNewestFrames([]), unavailable)
  await t.rejects(repository.noteConnections([]), unavailable)
  await t.rejects(repository.connectionsOf('rig-4', 1), unavailable)
})
