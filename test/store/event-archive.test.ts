import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { DetectedFrame } from '../../src/core/event-recorder.js'
import { EventArchive } from '../../src/store/event-archive.js'
import { EventRepository } from '../../src/store/event-repository.js'
import { EvidenceStore } from '../../src/store/evidence-store.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { FakeClock, frame, jpeg, temporaryFolder, until, type FrameOptions } from '../helper.js'
import { endOf, fillDisk, smallDisk } from './support.js'

const PICTURE = jpeg()

async function setUp (t: Test, folder = temporaryFolder(t)) {
  const workers: Worker[] = []
  const note = (worker: Worker): void => { workers.push(worker) }
  process.on('worker', note)
  const thread = await SqlThread.open(join(folder, 'history.db'))
  const repository = await EventRepository.open(thread)
  const evidence = await EvidenceStore.open(folder)
  const failures: unknown[] = []
  t.teardown(async () => {
    process.off('worker', note)
    await thread.close()
  })
  return {
    folder,
    thread,
    repository,
    evidence,
    failures,
    workers,
    archive: new EventArchive(repository, evidence, error => { failures.push(error) }),
    frames: () => readdirSync(join(folder, 'oil_spill_frames'))
  }
}

/** A frame that reports a spill. */
function detected (cameraId = 'default', options: FrameOptions = {}): DetectedFrame {
  return { cameraId, frame: frame(new FakeClock(), { spill: true, jpeg: PICTURE, ...options }), clockSkewMs: null }
}

function spillOn (cameraId: string) {
  return { cameraId, opens: { ...detected(cameraId), clearBeforeMs: null } }
}

t.test('an event is stored with its evidence', async t => {
  const { archive, repository, evidence } = await setUp(t)
  const event = await archive.change(spillOn('default'))
  t.match(event, { id: 1, cameraId: 'default', startedAtMs: new FakeClock().nowMs(), evidence: { framePath: 'oil_spill_frames/oil_spill_20230623_143022.jpg', width: 16, height: 8 } })
  t.strictSame(await repository.find(1), event)
  if (event !== undefined) t.strictSame(await evidence.read(event.evidence), PICTURE)
  t.strictSame(archive.health, { ok: true, failures: 0, lastError: null })
})

t.test('the file is on disk before the row is', async t => {
  const { archive, repository, frames } = await setUp(t)
  const seen: string[][] = []
  const change = repository.change.bind(repository)
  repository.change = async (...args) => {
    seen.push(frames())
    return await change(...args)
  }
  await archive.change(spillOn('default'))
  t.strictSame(seen, [['oil_spill_20230623_143022.jpg']])
})

t.test('an end alone writes no file, and an end with an opening is one change', async t => {
  const { archive, repository, frames } = await setUp(t)
  const first = await archive.change(spillOn('default'))
  const second = await archive.change({ ...spillOn('default'), ends: endOf(1, 2e12) })
  t.equal((await repository.find(1))?.endedAtMs, 2e12)
  t.not(second?.evidence.framePath, first?.evidence.framePath)
  t.equal(await archive.change({ cameraId: 'default', ends: endOf(2, 2e12) }), undefined)
  t.equal((await repository.find(2))?.endedAtMs, 2e12)
  t.equal(frames().length, 2)
})

t.test('evidence that cannot be stored: nothing is, and the camera should send again', async t => {
  const { archive, repository, failures } = await setUp(t)
  const error = Object.assign(new Error('no room'), { code: 'ENOSPC' })
  await archive.change(spillOn('default'))
  const broken = new EventArchive(repository, { save: async () => { throw error } } as unknown as EvidenceStore, each => { failures.push(each) })
  await t.rejects(broken.change({ ...spillOn('default'), ends: endOf(1, 2e12) }), { code: 'STORAGE_FULL', statusCode: 507 })
  t.equal((await repository.find(1))?.endedAtMs, null, 'the end neither')
  t.strictSame(broken.health, { ok: false, failures: 1, lastError: 'ENOSPC' })
  t.strictSame(failures, [error])
})

t.test('a row that SQLite refused: its file goes again', async t => {
  const { archive, frames, failures } = await setUp(t)
  await t.rejects(archive.change(spillOn('unknown')), { code: 'STORAGE_UNAVAILABLE', statusCode: 503, message: /storage error SQLITE_CONSTRAINT_FOREIGNKEY/ })
  t.strictSame(frames(), [])
  t.match(failures, [{ code: 'SQLITE_CONSTRAINT_FOREIGNKEY' }])
})

t.test('a row of which nobody knows whether it was stored keeps its file', async t => {
  const { archive, folder, frames, workers } = await setUp(t)
  const other = new Database(join(folder, 'history.db'))
  t.teardown(() => { other.close() })
  other.exec('BEGIN IMMEDIATE')
  const change = archive.change(spillOn('default'))
  await until(() => frames().length === 1 && !frames()[0]?.endsWith('.part'), 'the file')
  await new Promise(resolve => setImmediate(resolve))
  void workers[0]?.terminate()
  other.exec('ROLLBACK')
  await t.rejects(change, { code: 'STORAGE_UNAVAILABLE', message: /SQL_THREAD_LOST/ })
  t.strictSame(frames(), ['oil_spill_20230623_143022.jpg'])
  t.equal((await archive.change(spillOn('default')))?.evidence.framePath, 'oil_spill_frames/oil_spill_20230623_143022_2.jpg')
})

t.test('health is bad from a failure until the next event is stored, and the failure is remembered', async t => {
  const { archive } = await setUp(t)
  await t.rejects(archive.change(spillOn('unknown')))
  await t.rejects(archive.change(spillOn('unknown')))
  t.strictSame(archive.health, { ok: false, failures: 2, lastError: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
  await archive.change(spillOn('default'))
  t.strictSame(archive.health, { ok: true, failures: 2, lastError: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
})

t.test('a detection without a name is kept in the background, within about a second, and one that is lost is told', async t => {
  const { archive, repository, thread, failures, folder } = await setUp(t)
  const event = await archive.change(spillOn('default'))
  const later = frame(new FakeClock(), { spill: true, jpeg: PICTURE })
  await archive.noteDetection(1, { ...detected(), frame: { ...later, receivedAtMs: 2e12 } })
  t.equal((await repository.find(1))?.lastDetectedAtMs, event?.lastDetectedAtMs, 'nobody waits')
  await until(async () => (await repository.find(1))?.lastDetectedAtMs === 2e12, 'the note')
  t.equal(event?.lastDetectedAtMs, new FakeClock().nowMs())
  await thread.close()
  await archive.noteDetection(1, { ...detected(), frame: { ...later, receivedAtMs: 2e12 + 1 } })
  await until(() => failures.length > 0, 'the failure')
  t.match(failures, [{ code: 'SQL_THREAD_LOST' }])
  t.strictSame(archive.health, { ok: false, failures: 1, lastError: 'SQL_THREAD_LOST' })
  const database = new Database(join(folder, 'history.db'), { readonly: true })
  t.strictSame(database.prepare('SELECT received_at_ms FROM detections ORDER BY id').pluck().all(), [new FakeClock().nowMs(), 2e12])
  database.close()
})

t.test('an end comes behind the detections that the event went on with, to the millisecond', async t => {
  const { archive, repository } = await setUp(t)
  await archive.change(spillOn('default'))
  const later = frame(new FakeClock(), { spill: true, jpeg: PICTURE })
  for (const atMs of [2e12, 2e12 + 1]) await archive.noteDetection(1, { ...detected(), frame: { ...later, receivedAtMs: atMs } })
  await archive.change({ cameraId: 'default', ends: endOf(1, 2e12 + 5) })
  t.match(await repository.find(1), { lastDetectedAtMs: 2e12 + 1, endedAtMs: 2e12 + 5 })
})

t.test('an orderly end of the server keeps the last detections to the millisecond', async t => {
  const { archive, repository } = await setUp(t)
  await archive.change(spillOn('default'))
  const later = frame(new FakeClock(), { spill: true, jpeg: PICTURE })
  await archive.noteDetection(1, { ...detected(), frame: { ...later, receivedAtMs: 2e12 } })
  await archive.close()
  t.equal((await repository.find(1))?.lastDetectedAtMs, 2e12)
})

t.test('on a full disk nothing is stored, nothing is left, and the next try after making room works', async t => {
  const disk = smallDisk(t, 1024)
  if ('problem' in disk) return t.pass('not run', { skip: disk.problem })
  const { archive, repository, frames } = await setUp(t, disk.path)
  for (let freeBlocks = 0; freeBlocks < 4; freeBlocks += 1) {
    const makeRoom = fillDisk(disk.path, freeBlocks)
    const before = repository.summaryOf().total
    // With a block free the file fits, and its row may not.
    const settled = await Promise.allSettled([archive.change(spillOn('default'))])
    if (settled[0]?.status === 'rejected') {
      t.match(settled[0].reason, { code: 'STORAGE_FULL', statusCode: 507 }, `${freeBlocks} free blocks`)
      t.match(archive.health, { ok: false })
    } else {
      t.not(freeBlocks, 0)
    }
    t.equal(frames().length, repository.summaryOf().total, 'a file for each row, and no other')
    makeRoom()
    await archive.change(spillOn('default'))
    t.ok(repository.summaryOf().total > before)
    t.equal(archive.health.ok, true)
  }
})
