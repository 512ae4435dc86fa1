import { readdirSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { DuplicateDetection, type DetectedFrame } from '../../src/core/event-recorder.js'
import type { EventSpan } from '../../src/core/late-detection.js'
import { DiskRoom } from '../../src/store/disk-room.js'
import { EventArchive } from '../../src/store/event-archive.js'
import { EventRepository } from '../../src/store/event-repository.js'
import { EvidenceStore, type EvidenceFiles } from '../../src/store/evidence-store.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { FakeClock, frame, jpeg, temporaryFolder, until, type FrameOptions } from '../helper.js'
import { clipsOf, endOf, fillDisk, newEvent, smallDisk } from './support.js'

const PICTURE = jpeg()
const START_MS = new FakeClock().nowMs()
const OPENS = { kind: 'opens', clearBeforeMs: null, clearAfterMs: null, lacksEvidence: false } as const

async function setUp (t: Test, folder = temporaryFolder(t), files: EvidenceFiles = fs) {
  const workers: Worker[] = []
  const note = (worker: Worker): void => { workers.push(worker) }
  process.on('worker', note)
  const thread = await SqlThread.open(join(folder, 'history.db'))
  const repository = await EventRepository.open(thread)
  const evidence = await EvidenceStore.open(folder, files, async path => await repository.isPathKnown(path))
  const clock = new FakeClock()
  const room = new DiskRoom({ dataFolder: folder, files, clock, minFreeBytes: 0 })
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
    room,
    clock,
    workers,
    archive: new EventArchive(repository, evidence, room, clipsOf(thread, folder), error => { failures.push(error) }),
    frames: () => readdirSync(join(folder, 'oil_spill_frames')).filter(name => !name.endsWith('.mjpeg')),
    clips: () => readdirSync(join(folder, 'oil_spill_frames')).filter(name => name.endsWith('.mjpeg'))
  }
}

/** A frame that reports a spill. */
function detected (cameraId = 'default', options: FrameOptions = {}): DetectedFrame {
  return { cameraId, frame: frame(new FakeClock(), { spill: true, jpeg: PICTURE, ...options }), clockSkewMs: null }
}

/** A frame that reports a spill and was taken this long after the first. */
function later (afterMs: number, options: FrameOptions = {}): DetectedFrame {
  const clock = new FakeClock()
  clock.advance(afterMs)
  return { cameraId: 'default', frame: frame(clock, { spill: true, jpeg: PICTURE, ...options }), clockSkewMs: null }
}

/** An event of which nothing is known on its sides. */
function spanOf (id: number, startedAfterMs: number, lastAfterMs: number): EventSpan {
  return { id, startedAtMs: START_MS + startedAfterMs, lastDetectedAtMs: START_MS + lastAfterMs, clearBeforeMs: null, clearAfterMs: null, lacksEvidence: false }
}

/** When the frames of an event's detections were taken, after the first. */
async function takenOf (repository: EventRepository, eventId: number): Promise<number[]> {
  const all: number[] = []
  for await (const page of repository.detectionPages(eventId)) all.push(...page.map(({ takenAtMs }) => takenAtMs - START_MS))
  return all
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
  const { archive, repository, failures, room, thread, folder } = await setUp(t)
  const error = Object.assign(new Error('input/output error'), { code: 'EIO' })
  await archive.change(spillOn('default'))
  const broken = new EventArchive(repository, { save: async () => { throw error } } as unknown as EvidenceStore, room, clipsOf(thread, folder), each => { failures.push(each) })
  await t.rejects(broken.change({ ...spillOn('default'), ends: endOf(1, 2e12) }), { code: 'STORAGE_UNAVAILABLE', statusCode: 503 })
  t.equal((await repository.find(1))?.endedAtMs, null, 'the end neither')
  t.strictSame(broken.health, { ok: false, failures: 1, lastError: 'EIO' })
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

t.test('a row that a crash may bring back keeps its file until another one was stored', async t => {
  const { archive, repository, frames } = await setUp(t)
  const change = repository.change.bind(repository)
  repository.change = async () => { throw Object.assign(new Error('disk I/O error'), { code: 'SQLITE_IOERR_FSYNC' }) }
  await t.rejects(archive.change(spillOn('default')), { code: 'STORAGE_UNAVAILABLE' })
  t.strictSame(frames(), ['oil_spill_20230623_143022.jpg'])
  repository.change = change
  await archive.change(spillOn('default'))
  await until(() => frames().length === 1, 'the first file is removed')
  t.strictSame(frames(), ['oil_spill_20230623_143022_2.jpg'])
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

t.test('a detection that its camera named is on disk when that is answered', async t => {
  const { archive, repository } = await setUp(t)
  await archive.change(spillOn('default'))
  await archive.noteDetection(1, later(1000, { key: 'a' }))
  t.equal((await repository.find(1))?.lastDetectedAtMs, START_MS + 1000)
  await archive.noteDetection(1, later(1000, { key: 'a' }))
  t.strictSame(await takenOf(repository, 1), [0, 1000], 'and is kept once')
})

t.test('a frame that is known, or whose key is, is no failure of the disk', async t => {
  const { archive, frames, failures } = await setUp(t)
  const opening = detected('default', { key: 'a' })
  await archive.change({ cameraId: 'default', opens: { ...opening, clearBeforeMs: null } })
  const known: unknown = await archive.change({ cameraId: 'default', ends: endOf(1, 2e12), opens: { ...opening, clearBeforeMs: null } }).catch((error: unknown) => error)
  t.ok(known instanceof DuplicateDetection)
  const reused = { code: 'IDEMPOTENCY_KEY_REUSED', statusCode: 409 }
  const other = later(1000, { key: 'a', jpeg: jpeg({ color: [1, 1, 1] }) })
  await t.rejects(archive.noteDetection(1, other), reused)
  await t.rejects(archive.change({ cameraId: 'default', opens: { ...other, clearBeforeMs: null } }), reused)
  await t.rejects(archive.keepLate(OPENS, other), reused)
  await t.rejects(archive.keepLate({ kind: 'joins', event: spanOf(1, 5000, 5000) }, other), reused)
  await t.rejects(archive.reopen(spanOf(1, 5000, 5000), other), reused)
  t.strictSame(frames(), ['oil_spill_20230623_143022.jpg'], 'and leaves no file')
  t.strictSame(failures, [])
  t.strictSame(archive.health, { ok: true, failures: 0, lastError: null })
})

t.test('a detection that came late', async t => {
  t.test('opens an event with its evidence, which is over', async t => {
    const { archive, repository, evidence, frames } = await setUp(t)
    const place = { kind: 'opens', clearBeforeMs: START_MS - 500, clearAfterMs: START_MS + 700 } as const
    t.equal(await archive.keepLate(place, detected('default', { key: 'a' })), true)
    const event = await repository.find(1)
    t.match(event, { startedAtMs: START_MS, lastDetectedAtMs: START_MS, endedAtMs: START_MS + 700 })
    if (event !== undefined) t.strictSame(await evidence.read(event.evidence), PICTURE)
    const { before } = await archive.neighbours('default', START_MS)
    t.match(before, { id: 1, clearBeforeMs: START_MS - 500, clearAfterMs: START_MS + 700 })
    t.equal(await archive.keepLate(place, detected('default', { key: 'a' })), false, 'once')
    t.equal(repository.summaryOf().total, 1)
    t.equal(frames().length, 1)
  })

  t.test('joins an event: its frame is kept where it becomes the opening one', async t => {
    const { archive, repository, evidence, frames } = await setUp(t)
    await archive.keepLate(OPENS, later(5000))
    t.equal(await archive.keepLate({ kind: 'joins', event: spanOf(1, 5000, 5000) }, later(6000, { sequence: 1 })), true)
    t.equal(frames().length, 1)
    const earlier = later(1000, { sequence: 2, jpeg: jpeg({ color: [1, 1, 1] }) })
    t.equal(await archive.keepLate({ kind: 'joins', event: spanOf(1, 5000, 6000) }, earlier), true)
    const event = await repository.find(1)
    t.match(event, { startedAtMs: START_MS + 1000, lastDetectedAtMs: START_MS + 6000, endedAtMs: START_MS + 6000 })
    if (event !== undefined) t.strictSame(await evidence.read(event.evidence), jpeg({ color: [1, 1, 1] }))
    t.equal(frames().length, 2, 'and the frame that opened it before stays')
    t.strictSame(await repository.unclaimedPaths(frames().map(name => `oil_spill_frames/${name}`)), [])
    t.equal(await archive.keepLate({ kind: 'joins', event: spanOf(1, 5000, 6000) }, earlier), false)
    t.equal(frames().length, 2, 'once')
    t.strictSame(await takenOf(repository, 1), [1000, 5000, 6000])
  })

  t.test('makes one event of two', async t => {
    const { archive, repository } = await setUp(t)
    await archive.keepLate(OPENS, later(1000))
    await archive.keepLate(OPENS, later(5000))
    await archive.keepLate({ kind: 'bridges', first: spanOf(1, 1000, 1000), second: spanOf(2, 5000, 5000) }, later(3000))
    t.match(await repository.find(1), { startedAtMs: START_MS + 1000, lastDetectedAtMs: START_MS + 5000, mergedInto: null })
    t.match(await repository.find(2), { mergedInto: 1 })
  })

  t.test('opens an event again that had ended', async t => {
    const { archive, repository } = await setUp(t)
    await archive.keepLate(OPENS, later(1000))
    t.equal(await archive.reopen(spanOf(1, 1000, 1000), later(3000)), true)
    t.match(await repository.find(1), { lastDetectedAtMs: START_MS + 3000, endedAtMs: null })
  })

  t.test('and cannot be kept leaves nothing, is told and counted, and should be sent again', async t => {
    const { archive, frames, failures, repository } = await setUp(t)
    repository.join = async () => { throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' }) }
    const change = repository.change.bind(repository)
    await change(undefined, { ...newEvent(1), endedAtMs: 2e12 })
    const unavailable = { code: 'STORAGE_UNAVAILABLE', statusCode: 503 }
    await t.rejects(archive.keepLate(OPENS, detected('unknown')), unavailable)
    await t.rejects(archive.keepLate({ kind: 'joins', event: spanOf(1, 5000, 5000) }, detected()), unavailable)
    await t.rejects(archive.reopen(spanOf(1, 0, 0), later(1000)), unavailable)
    t.strictSame(frames(), [])
    t.match(failures, [{ code: 'SQLITE_CONSTRAINT_FOREIGNKEY' }, { code: 'SQLITE_BUSY' }, { code: 'SQLITE_BUSY' }])
    t.strictSame(archive.health, { ok: false, failures: 3, lastError: 'SQLITE_BUSY' })
  })
})

t.test('what is next to a time cannot be told without the database', async t => {
  const { archive, thread, failures } = await setUp(t)
  await thread.close()
  await t.rejects(archive.neighbours('default', 1), { code: 'STORAGE_UNAVAILABLE', statusCode: 503 })
  t.match(failures, [{ code: 'SQL_THREAD_LOST' }])
})

/** The machine's own file system, on which writes of frames fail with a code as long as there is one. */
function fullFiles (): { files: EvidenceFiles, failing: { code: string | undefined } } {
  const failing: { code: string | undefined } = { code: undefined }
  const open: EvidenceFiles['open'] = async (path, flags, mode) => {
    if (failing.code !== undefined && String(path).endsWith('.part')) throw Object.assign(new Error('no room'), { code: failing.code })
    return await fs.open(path, flags, mode)
  }
  return { files: { ...fs, open }, failing }
}

/** What the ledger says of events, oldest first. */
function toldOf (folder: string): string[] {
  const database = new Database(join(folder, 'history.db'), { readonly: true })
  const actions = database.prepare<[], string>('SELECT action FROM ledger WHERE subject LIKE \'event:%\' ORDER BY sequence').pluck().all()
  database.close()
  return actions
}

t.test('without room for its frame', async t => {
  for (const code of ['ENOSPC', 'EDQUOT']) {
    t.test(`an event is stored with what is known of it, and takes the next frame that can be kept: ${code}`, async t => {
      const { files, failing } = fullFiles()
      const { archive, repository, evidence, frames, folder, failures } = await setUp(t, undefined, files)
      failing.code = code
      const event = await archive.change(spillOn('default'))
      t.match(event, { id: 1, evidenceState: 'missing', evidence: { framePath: 'oil_spill_frames/oil_spill_20230623_143022.jpg', sizeBytes: PICTURE.length } })
      t.strictSame(await repository.find(1), event)
      t.equal(event?.evidence.sha256, await detected().frame.memory.sha256())
      t.strictSame(await takenOf(repository, 1), [0])
      t.strictSame(frames(), [])
      t.strictSame(archive.health, { ok: false, failures: 1, lastError: code })
      t.match(failures, [{ code }])

      t.equal(await archive.keepEvidence(1, later(1000, { key: 'a' }), true), false)
      t.strictSame(await takenOf(repository, 1), [0, 1000], 'the detection is kept all the same')
      t.equal(archive.health.ok, false)
      failing.code = undefined
      t.equal(await archive.keepEvidence(1, later(1000, { key: 'a' }), true), true, 'also the same one again')
      t.match(await repository.find(1), { evidenceState: 'kept', evidence: { framePath: event?.evidence.framePath } })
      t.strictSame(await takenOf(repository, 1), [0, 1000])
      const kept = await repository.find(1)
      if (kept !== undefined) t.strictSame(await evidence.read(kept.evidence), PICTURE)
      t.strictSame(await repository.unclaimedPaths(frames().map(name => `oil_spill_frames/${name}`)), [])
      t.equal(archive.health.ok, true)
      t.strictSame(toldOf(folder), ['event.opened', 'evidence.missing', 'event.continued', 'evidence.kept'])
    })
  }

  t.test('a path that an event has stays its own', async t => {
    const { files, failing } = fullFiles()
    const { archive, frames, repository } = await setUp(t, undefined, files)
    failing.code = 'ENOSPC'
    await archive.change(spillOn('default'))
    failing.code = undefined
    await archive.change({ ...spillOn('default'), ends: endOf(1, 2e12) })
    t.strictSame(frames(), ['oil_spill_20230623_143022_2.jpg'])
    t.match(await repository.find(1), { evidenceState: 'missing', endedAtMs: 2e12 }, 'for ever')
  })

  t.test('the frame that opened an event may come again when that has ended', async t => {
    const { files, failing } = fullFiles()
    const { archive, frames, repository } = await setUp(t, undefined, files)
    const opens = { ...detected('default', { key: 'a' }), clearBeforeMs: null }
    failing.code = 'ENOSPC'
    await archive.change({ cameraId: 'default', opens })
    await archive.change({ cameraId: 'default', ends: endOf(1, 2e12) })
    await t.rejects(archive.change({ cameraId: 'default', opens }), { code: 'STORAGE_FULL', statusCode: 507 })
    t.match(await repository.find(1), { evidenceState: 'missing' })
    failing.code = undefined
    const again = async (): Promise<unknown> => await archive.change({ cameraId: 'default', opens }).catch((error: unknown) => error)
    t.ok(await again() instanceof DuplicateDetection)
    t.match(await repository.find(1), { evidenceState: 'kept', endedAtMs: 2e12 })
    t.strictSame(frames(), ['oil_spill_20230623_143022.jpg'])
    t.equal(repository.summaryOf().total, 1)
    t.ok(await again() instanceof DuplicateDetection)
    t.equal(frames().length, 1, 'once')
  })

  t.test('a detection that came late opens its event, and is to be sent again', async t => {
    const { files, failing } = fullFiles()
    const { archive, repository } = await setUp(t, undefined, files)
    failing.code = 'ENOSPC'
    await t.rejects(archive.keepLate(OPENS, detected('default', { key: 'a' })), { code: 'STORAGE_FULL', statusCode: 507 })
    t.match(await repository.find(1), { evidenceState: 'missing', endedAtMs: START_MS })
    t.match(await archive.neighbours('default', START_MS), { before: { id: 1, lacksEvidence: true } })
    t.equal(archive.health.failures, 1)
    failing.code = undefined
    t.equal(await archive.keepLate({ kind: 'joins', event: { ...spanOf(1, 0, 0), lacksEvidence: true } }, detected('default', { key: 'a' })), false)
    t.equal(await archive.keepEvidence(1, detected('default', { key: 'a' }), false), true)
    t.match(await repository.find(1), { evidenceState: 'kept' })
    t.strictSame(await takenOf(repository, 1), [0])
  })

  t.test('a picture that was kept late is not forgotten for an earlier one', async t => {
    const { files, failing } = fullFiles()
    const { archive, folder, frames, repository } = await setUp(t, undefined, files)
    failing.code = 'ENOSPC'
    await archive.change({ cameraId: 'default', opens: { ...detected('default', { key: 'a' }), clearBeforeMs: null } })
    failing.code = undefined
    t.equal(await archive.keepEvidence(1, detected('default', { key: 'a' }), false), true)
    t.equal(await archive.keepLate({ kind: 'joins', event: spanOf(1, 0, 0) }, later(-1000, { key: 'b', jpeg: jpeg({ color: [1, 2, 3] }) })), true)
    t.strictSame(frames().length, 2)
    t.strictSame(await repository.unclaimedPaths(frames().map(name => `oil_spill_frames/${name}`)), [])
    const database = new Database(join(folder, 'history.db'), { readonly: true })
    t.teardown(() => { database.close() })
    t.equal(database.prepare('SELECT sum(size_bytes) FROM kept_files').pluck().get(), database.prepare('SELECT size_bytes FROM evidence_totals').pluck().get())
  })

  t.test('older evidence goes first, where some may', async t => {
    const { files, failing } = fullFiles()
    const { archive, room } = await setUp(t, undefined, files)
    failing.code = 'ENOSPC'
    const asked: number[] = []
    room.onShort(async bytes => {
      asked.push(bytes)
      failing.code = undefined
      return bytes
    })
    t.match(await archive.change(spillOn('default')), { evidenceState: 'kept' })
    t.strictSame(asked, [PICTURE.length])
    t.equal(archive.health.ok, true)
  })
})

t.test('on a full disk nothing is left, and the next try after making room works', async t => {
  const disk = smallDisk(t, 1024)
  if ('problem' in disk) return t.pass('not run', { skip: disk.problem })
  const { archive, repository, frames } = await setUp(t, disk.path)
  let kept = 0
  for (let freeBlocks = 0; freeBlocks < 4; freeBlocks += 1) {
    const makeRoom = fillDisk(disk.path, freeBlocks)
    const before = repository.summaryOf().total
    // With a block free the file fits, and its row may not.
    const settled = await Promise.allSettled([archive.change(spillOn('default'))])
    if (settled[0]?.status === 'rejected') {
      t.match(settled[0].reason, { code: 'STORAGE_FULL', statusCode: 507 }, `${freeBlocks} free blocks`)
      t.match(archive.health, { ok: false })
    } else if (settled[0]?.value?.evidenceState === 'kept') {
      t.not(freeBlocks, 0)
      kept += 1
    } else {
      t.match(archive.health, { ok: false })
    }
    t.equal(frames().length, kept, 'a file for each row that has one, and no other')
    makeRoom()
    t.match(await archive.change(spillOn('default')), { evidenceState: 'kept' })
    kept += 1
    t.ok(repository.summaryOf().total > before)
    t.equal(archive.health.ok, true)
  }
})
