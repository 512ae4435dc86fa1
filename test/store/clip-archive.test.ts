import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { DetectedFrame } from '../../src/core/event-recorder.js'
import { takenAtMs, type Frame } from '../../src/core/frame.js'
import { digestOf, type LedgerPayload } from '../../src/core/ledger.js'
import type { ClipArchiveOptions } from '../../src/store/clip-archive.js'
import { ClipRepository } from '../../src/store/clip-repository.js'
import { EventArchive } from '../../src/store/event-archive.js'
import { EventRepository } from '../../src/store/event-repository.js'
import { EvidenceStore, type EvidenceFiles } from '../../src/store/evidence-store.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { pictureOf, sha256 } from '../clip-support.js'
import { FakeClock, frame, temporaryFolder } from '../helper.js'
import { clipsOf, endOf } from './support.js'

const START_MS = new FakeClock().nowMs()
const STEM = 'oil_spill_frames/oil_spill_20230623_143022'
const ROOM = { isShort: false, within: async <T>(_bytes: number, write: () => Promise<T>) => await write() }

async function setUp (t: Test, options: Partial<ClipArchiveOptions> & { folder?: string, files?: EvidenceFiles } = {}) {
  const { folder = temporaryFolder(t), files, ...rest } = options
  const clock = new FakeClock()
  const thread = await SqlThread.open(join(folder, 'history.db'))
  const failures: unknown[] = []
  const clips = clipsOf(thread, folder, { clock, closeAfterMs: 5000, onFailure: error => { failures.push(error) }, ...rest, ...(files !== undefined && { files }) })
  const archive = new EventArchive(await EventRepository.open(thread), await EvidenceStore.open(folder, files), ROOM, clips, error => { failures.push(error) })
  const database = new Database(join(folder, 'history.db'), { readonly: true })
  t.teardown(async () => {
    database.close()
    await thread.close()
  })
  const query = <Row>(sql: string): Row[] => database.prepare<[], Row>(sql).all()
  return {
    folder,
    clock,
    thread,
    clips,
    archive,
    failures,
    query,
    index: new ClipRepository(thread),
    file: (path: string) => readFileSync(join(folder, path)),
    roles: () => query<{ told: string }>('SELECT path || \' \' || number || \' \' || role AS told FROM clips JOIN clip_frames USING (clip_id) ORDER BY clip_id, number').map(({ told }) => told.slice(STEM.length))
  }
}

/** The nth frame of a camera, a second behind the one before it. */
function shot (nth: number, confidence?: number): Frame {
  const clock = new FakeClock()
  clock.advance(nth * 1000)
  return frame(clock, { spill: true, jpeg: pictureOf(nth), details: confidence === undefined ? {} : { confidence } })
}

const detected = (nth: number, confidence?: number): DetectedFrame => ({ cameraId: 'default', frame: shot(nth, confidence), clockSkewMs: null })
const opening = (nth: number, before: number[] = [], confidence?: number) =>
  ({ cameraId: 'default', opens: { ...detected(nth, confidence), clearBeforeMs: null, before: before.map(each => shot(each)) } })
const pictures = (...nths: number[]): Buffer => Buffer.concat(nths.map(nth => pictureOf(nth)))

t.test('an event is stored with the first frames of its clip', async t => {
  const { archive, file, roles, query, failures } = await setUp(t)
  await archive.change(opening(2, [0, 1]))
  t.strictSame(file(`${STEM.replace('22', '22')}`.replace('143022', '143024') + '.mjpeg'), pictures(0, 1, 2))
  t.equal(roles().length, 3)
  t.match(query('SELECT * FROM clips'), [{ event_id: 1, size_bytes: pictures(0, 1, 2).length, truncated: 0, sha256: null }])
  t.strictSame(failures, [])
})

t.test('frames go on, and the surest of all is told apart', async t => {
  const { archive, file, roles } = await setUp(t)
  await archive.change(opening(0, [], 0.5))
  await archive.noteDetection(1, detected(1, 0.9), 'peak')
  await archive.noteDetection(1, detected(2), undefined)
  await archive.change({ cameraId: 'default', ends: endOf(1, START_MS + 3000) })
  t.strictSame(roles(), ['.mjpeg 1 opening', '.mjpeg 2 peak'])
  archive.keepFrame(1, 'default', { frame: shot(3), role: 'post' })
  await archive.close()
  t.strictSame(file(`${STEM}.mjpeg`), pictures(0, 1, 3))
  t.strictSame(roles(), ['.mjpeg 1 opening', '.mjpeg 2 peak', '.mjpeg 3 post'])
})

t.test('one that is surer takes its place', async t => {
  const { archive, roles } = await setUp(t)
  await archive.change(opening(0, [], 0.5))
  for (const [nth, confidence] of [[1, 0.8], [2, 0.9], [3, 0.7]] as const) {
    await archive.noteDetection(1, detected(nth, confidence), 'peak')
    await archive.close()
  }
  t.strictSame(roles(), ['.mjpeg 1 opening', '.mjpeg 2 during', '.mjpeg 3 peak', '.mjpeg 4 during'])
})

t.test('the ledger tells of each frame, and of the whole clip when it is closed', async t => {
  const { archive, clips, clock, query, file } = await setUp(t)
  await archive.change(opening(0))
  await archive.noteDetection(1, detected(1), 'during')
  await archive.change({ cameraId: 'default', ends: endOf(1, START_MS + 2000) })
  clock.advance(5000)
  await clips.closeFinished()
  const told = query<{ action: string, payload: string }>('SELECT action, payload FROM ledger WHERE subject = \'event:1\' ORDER BY sequence')
    .map(({ action, payload }) => ({ action, payload: JSON.parse(payload) as Record<string, Record<string, unknown>> }))
  t.strictSame(told.map(({ action }) => action), ['event.opened', 'event.continued', 'event.ended', 'clip.closed'])
  t.match(told[0]?.payload['frames'], { clip_id: 1, first_number: 1, last_number: 1, count: 1 })
  t.match(told[1]?.payload['frames'], { clip_id: 1, first_number: 2, last_number: 2, count: 1 })
  const columns = 'number, offset_bytes, size_bytes, sha256, taken_at_ms, captured_at_ms, received_at_ms, width, height, confidence, boxes'
  const rows = query<LedgerPayload>(`SELECT ${columns}, role FROM clip_frames ORDER BY number`)
  t.equal(told[1]?.payload['frames']?.['digest'], digestOf(rows.slice(1).map(({ role, ...row }) => row)))
  t.strictSame(told[3]?.payload['clip'], {
    clip_id: 1, path: `${STEM}.mjpeg`, size_bytes: pictures(0, 1).length, truncated: 0, sha256: sha256(file(`${STEM}.mjpeg`)), frames: 2, digest: digestOf(rows)
  })
  t.match(query('SELECT sha256, closed_at_ms FROM clips'), [{ sha256: sha256(pictures(0, 1)), closed_at_ms: clock.nowMs() }])
})

t.test('a clip is closed only when its event is over and nothing came for a while', async t => {
  const { archive, clips, clock, query } = await setUp(t)
  const isClosed = (): boolean => query('SELECT 1 FROM clips WHERE closed_at_ms IS NOT NULL').length > 0
  await archive.change(opening(0))
  clock.advance(60_000)
  await clips.closeFinished()
  t.equal(isClosed(), false, 'it goes on')
  await archive.change({ cameraId: 'default', ends: endOf(1, START_MS + 2000) })
  archive.keepFrame(1, 'default', { frame: shot(3), role: 'post' })
  await archive.close()
  clock.advance(4999)
  await clips.closeFinished()
  t.equal(isClosed(), false, 'more may come')
  clock.advance(1)
  await clips.closeFinished()
  t.equal(isClosed(), true)
})

t.test('roles are settled as the event is known in the end', async t => {
  const { archive, clips, clock, roles } = await setUp(t)
  await archive.change(opening(2, [0, 1]))
  archive.keepFrame(1, 'default', { frame: shot(3), role: 'during' })
  archive.keepFrame(1, 'default', { frame: shot(4), role: 'during' })
  await archive.change({ cameraId: 'default', ends: endOf(1, START_MS + 3000) }) // after a gap: its last detection was the opening one
  clock.advance(5000)
  await clips.closeFinished()
  t.strictSame(roles().map(told => told.split(' ')[2]), ['pre', 'pre', 'opening', 'post', 'post'])
})

t.test('a closed clip never grows: what comes later goes into another', async t => {
  const { archive, clips, clock, file } = await setUp(t)
  await archive.change(opening(0))
  await archive.change({ cameraId: 'default', ends: endOf(1, START_MS + 2000) })
  clock.advance(5000)
  await clips.closeFinished()
  const event = { id: 1, startedAtMs: START_MS, lastDetectedAtMs: START_MS, clearBeforeMs: null, clearAfterMs: null, lacksEvidence: false }
  t.equal(await archive.keepLate({ kind: 'joins', event }, detected(1), 'during'), true)
  t.strictSame(file(`${STEM}.mjpeg`), pictures(0))
  t.strictSame(file(`${STEM}-2.mjpeg`), pictures(1))
})

t.test('an event that is merged gives its clip to the other, and goes on with it', async t => {
  const { archive, query, roles } = await setUp(t)
  const place = { kind: 'opens', clearBeforeMs: null, clearAfterMs: null } as const
  await archive.keepLate(place, detected(0), 'opening')
  await archive.change(opening(5))
  const span = (id: number, nth: number) => ({ id, startedAtMs: START_MS + nth * 1000, lastDetectedAtMs: START_MS + nth * 1000, clearBeforeMs: null, clearAfterMs: null, lacksEvidence: false })
  await archive.keepLate({ kind: 'bridges', first: span(1, 0), second: span(2, 5) }, detected(3), 'during')
  await archive.noteDetection(1, detected(6), 'during')
  await archive.close()
  t.match(query('SELECT event_id, size_bytes FROM clips ORDER BY clip_id'), [{ event_id: 1, size_bytes: pictures(0).length }, { event_id: 1, size_bytes: pictures(5, 3, 6).length }])
  t.equal(roles().length, 4)
})

t.test('what two events went on with is stored before a late detection makes one of them', async t => {
  const { archive, query, failures } = await setUp(t)
  const place = { kind: 'opens', clearBeforeMs: null, clearAfterMs: null } as const
  await archive.keepLate(place, detected(0), 'opening')
  await archive.change(opening(5))
  await archive.noteDetection(2, detected(6), 'during') // waits for up to a second
  await archive.noteDetection(1, detected(1), 'during')
  const span = (id: number, nth: number) => ({ id, startedAtMs: START_MS + nth * 1000, lastDetectedAtMs: START_MS + nth * 1000, clearBeforeMs: null, clearAfterMs: null, lacksEvidence: false })
  await archive.keepLate({ kind: 'bridges', first: span(1, 0), second: span(2, 5) }, detected(3), 'during')
  await archive.noteDetection(1, detected(7), 'during')
  await archive.close()
  t.strictSame(failures, [])
  t.equal(query('SELECT 1 FROM detections WHERE event_id = 1').length, 6)
  t.equal(query('SELECT 1 FROM clip_frames').length, 6)
})

t.test('frames of one clip that come at once are left out rather than written over each other', async t => {
  const { archive, clips, query, failures } = await setUp(t)
  await archive.change(opening(0))
  const frames = (nth: number) => ({ eventId: 1, cameraId: 'default', frames: [{ frame: shot(nth), role: 'during' as const }] })
  const [first, second] = await Promise.all([clips.append(frames(1)), clips.append(frames(2))])
  t.equal(first?.frames.length, 1)
  t.equal(second, undefined)
  if (first !== undefined) clips.unstored(1, first)
  await archive.noteDetection(1, detected(3), 'during')
  await archive.close()
  t.match(query('SELECT size_bytes, truncated FROM clips'), [{ size_bytes: pictures(0, 3).length, truncated: 1 }])
  t.strictSame(failures, [])
})

t.test('a clip of which nothing could be stored is forgotten', async t => {
  const state = { isBroken: true }
  const { archive, clips, clock, query, thread } = await setUp(t, { files: brokenFiles(state) })
  await archive.change(opening(0))
  t.equal(await thread.ask('clipIsOver', `${STEM}.mjpeg`), true)
  clock.advance(10_000)
  await clips.closeFinished()
  t.strictSame(query('SELECT 1 FROM clips'), [])
})

t.test('a clip that is full leaves frames out and says so; detections are kept', async t => {
  const bytes = pictures(0).length
  const { archive, query, failures } = await setUp(t, { maxBytes: bytes * 8 })
  await archive.change(opening(0, [], 0.1))
  for (let nth = 1; nth < 20; nth += 1) await archive.noteDetection(1, detected(nth), 'during')
  await archive.noteDetection(1, detected(20, 0.9), 'peak')
  await archive.close()
  const [clip] = query<{ size_bytes: number, truncated: number }>('SELECT size_bytes, truncated FROM clips')
  t.ok((clip?.size_bytes ?? 0) <= bytes * 8)
  t.equal(clip?.truncated, 1)
  t.equal(query('SELECT 1 FROM clip_frames WHERE role = \'peak\' AND taken_at_ms = ' + String(takenAtMs(shot(20)))).length, 1, 'there was a place for the surest')
  t.equal(query('SELECT 1 FROM detections').length, 21)
  t.strictSame(failures, [])
})

/** The machine's own files, whose clips cannot be written while it is so. */
function brokenFiles (state: { isBroken: boolean }): EvidenceFiles {
  return {
    ...fs,
    open: async (path, flags, mode) => {
      if (state.isBroken && flags === 'a') throw Object.assign(new Error('input/output error'), { code: 'EIO' })
      return await fs.open(path, flags, mode)
    }
  }
}

t.test('a clip that cannot be written loses neither event nor detections', async t => {
  const state = { isBroken: true }
  const { archive, query, failures, file } = await setUp(t, { files: brokenFiles(state) })
  t.match(await archive.change(opening(0)), { id: 1 })
  await archive.noteDetection(1, detected(1), 'during')
  await archive.close()
  t.strictSame(query('SELECT 1 FROM clips'), [], 'no row without a file')
  t.equal(query('SELECT 1 FROM detections').length, 2)
  t.match(failures, [{ code: 'EIO' }, { code: 'EIO' }])
  state.isBroken = false
  await archive.noteDetection(1, detected(2), 'during')
  await archive.close()
  t.strictSame(file(`${STEM}.mjpeg`), pictures(2), 'and it goes on when it can')
  t.match(query('SELECT truncated FROM clips'), [{ truncated: 1 }], 'saying that something is missing')
})

t.test('frames whose index could not be stored are stored with the next, and none twice', async t => {
  const { archive, folder, file, query } = await setUp(t)
  await archive.change(opening(0))
  const other = new Database(join(folder, 'history.db'))
  other.exec('BEGIN IMMEDIATE')
  await archive.noteDetection(1, detected(1), 'during')
  await archive.close() // waits for the lock in vain
  other.exec('ROLLBACK')
  other.close()
  await archive.noteDetection(1, detected(2), 'during')
  await archive.close()
  t.strictSame(file(`${STEM}.mjpeg`), pictures(0, 1, 2))
  t.match(query('SELECT number, sha256 FROM clip_frames ORDER BY number'), [0, 1, 2].map((nth, at) => ({ number: at + 1, sha256: sha256(pictureOf(nth)) })))
})

t.test('an event that could not be stored leaves no clip', async t => {
  const { archive, folder } = await setUp(t)
  await t.rejects(archive.change({ cameraId: 'unknown', opens: { ...detected(0), cameraId: 'unknown', clearBeforeMs: null } }))
  t.strictSame(readdirSync(join(folder, 'oil_spill_frames')), [])
})

t.test('after a crash clips go on where the index ends, and those that are over are closed', async t => {
  const folder = temporaryFolder(t)
  const first = await setUp(t, { folder })
  await first.archive.change(opening(0))
  await first.archive.change({ cameraId: 'default', ends: endOf(1, START_MS + 1000) })
  await first.thread.close()
  await fs.appendFile(join(folder, `${STEM}.mjpeg`), pictures(1))
  const again = await setUp(t, { folder })
  t.equal(await again.clips.takeUp(), pictures(1).length)
  again.clock.advance(5000)
  await again.clips.closeFinished()
  t.match(again.query('SELECT sha256 FROM clips'), [{ sha256: sha256(pictures(0)) }])
  t.strictSame(readFileSync(join(folder, 'unclaimed_frames', 'oil_spill_20230623_143022.tail')), pictures(1))
})

t.test('a clip whose file is gone stops nothing', async t => {
  const { archive, clips, clock, folder, failures, query } = await setUp(t)
  await archive.change(opening(0))
  rmSync(join(folder, `${STEM}.mjpeg`))
  await archive.noteDetection(1, detected(1), 'during')
  await archive.change({ cameraId: 'default', ends: endOf(1, START_MS + 2000) })
  clock.advance(5000)
  await clips.closeFinished()
  t.match(failures, [{ code: 'CLIP_TOO_SHORT' }, {}])
  clock.advance(60_000)
  await clips.closeFinished()
  t.equal(failures.length, 2, 'that is told once')
  t.equal(query('SELECT 1 FROM detections').length, 2)
  t.notOk(existsSync(join(folder, 'unclaimed_frames')))
})

t.test('what a failed write has left behind a clip is set aside before the clip is closed', async t => {
  const { archive, clips, clock, file, folder, query } = await setUp(t)
  await archive.change(opening(0))
  await archive.change({ cameraId: 'default', ends: endOf(1, START_MS + 1000) })
  appendFileSync(join(folder, `${STEM}.mjpeg`), pictures(1))
  clock.advance(10_000)
  await clips.closeFinished()
  t.strictSame(file(`${STEM}.mjpeg`), pictures(0))
  t.match(query('SELECT sha256 FROM clips'), [{ sha256: sha256(pictures(0)) }])
  t.strictSame(readdirSync(join(folder, 'unclaimed_frames')), [`${STEM.slice(STEM.indexOf('/') + 1)}.tail`])
})
