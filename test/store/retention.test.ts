import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { Deletion, RetentionPolicy } from '../../src/core/retention.js'
import { DiskRoom } from '../../src/store/disk-room.js'
import type { EvidenceFiles } from '../../src/store/evidence-store.js'
import { EventRepository } from '../../src/store/event-repository.js'
import { Garbage } from '../../src/store/garbage.js'
import { Retention } from '../../src/store/retention.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { FakeClock, temporaryFolder } from '../helper.js'
import { newDetection } from './support.js'

const DAY_MS = 86_400_000
const OFF: RetentionPolicy = { retainMs: undefined, maxBytes: undefined, minFreeBytes: 0, unreviewed: 'keep' }

interface Options { readonly policy?: Partial<RetentionPolicy>, readonly files?: Partial<EvidenceFiles>, readonly folder?: string }

async function setUp (t: Test, { policy = {}, files = {}, folder = temporaryFolder(t) }: Options = {}) {
  mkdirSync(join(folder, 'oil_spill_frames'), { recursive: true })
  const path = join(folder, 'history.db')
  const sql = await SqlThread.open(path)
  const repository = await EventRepository.open(sql)
  const clock = new FakeClock()
  const allFiles: EvidenceFiles = { ...fs, ...files }
  const room = new DiskRoom({ dataFolder: folder, files: allFiles, clock, minFreeBytes: policy.minFreeBytes ?? 0 })
  const garbage = new Garbage(sql, folder, allFiles)
  const undeleted: unknown[] = []
  const database = new Database(path)
  t.teardown(async () => {
    database.close()
    await sql.close()
  })
  const names = () => readdirSync(join(folder, 'oil_spill_frames')).sort()
  /** An event of so many bytes that ended so many days ago; reviewed, unless it is said otherwise. */
  const add = async (nth: number, { daysAgo = 10 - nth, bytes = 1000, set = 'verdict = \'confirmed\'', open = false } = {}): Promise<void> => {
    const startedAtMs = clock.nowMs() - daysAgo * DAY_MS
    const framePath = `oil_spill_frames/event_${nth}.jpg`
    const content = Buffer.alloc(bytes, nth)
    const sha256 = createHash('sha256').update(content).digest('hex')
    writeFileSync(join(folder, framePath), content)
    const detection = newDetection(nth, { takenAtMs: startedAtMs, sizeBytes: bytes, sha256 })
    await repository.change(undefined, {
      cameraId: 'default',
      startedAtMs,
      endedAtMs: open ? null : startedAtMs,
      clearBeforeMs: null,
      clearAfterMs: null,
      evidence: { framePath, sha256, sizeBytes: bytes, width: 16, height: 8 },
      evidenceState: 'kept',
      detection
    })
    if (set !== '') database.exec(`UPDATE oil_spill_events SET ${set} WHERE id = (SELECT max(id) FROM oil_spill_events)`)
  }
  return {
    folder,
    sql,
    repository,
    clock,
    room,
    garbage,
    undeleted,
    database,
    names,
    add,
    retention: new Retention({ sql, garbage, room, clock, policy: { ...OFF, ...policy }, onUndeleted: error => { undeleted.push(error) } }),
    states: () => database.prepare('SELECT evidence_state FROM oil_spill_events ORDER BY id').pluck().all(),
    total: () => database.prepare('SELECT sum(size_bytes) FROM evidence_totals').pluck().get(),
    counted: () => database.prepare('SELECT coalesce(sum(size_bytes), 0) FROM kept_files').pluck().get()
  }
}

async function planned ({ retention }: { retention: Retention }): Promise<Array<[eventId: number, reason: string]>> {
  const { deletions } = await retention.plan()
  const all: Deletion[] = []
  for await (const each of deletions) all.push(each)
  return all.map(({ eventId, reason }) => [eventId, reason])
}

t.test('nothing is deleted unless it is said so', async t => {
  const { add, retention, names } = await setUp(t)
  await add(1, { daysAgo: 10_000 })
  t.equal(retention.isOn, false)
  t.strictSame(await retention.run(), { events: 0, bytes: 0, limitExceeded: undefined })
  t.equal(await retention.makeRoom(1), 0)
  t.strictSame(names(), ['event_1.jpg'])
})

t.test('what is old goes: the file, and not the event; the ledger tells of it', async t => {
  const server = await setUp(t, { policy: { retainMs: 7 * DAY_MS } })
  const { add, retention, names, states, repository, database, total, counted } = server
  for (let nth = 1; nth <= 5; nth += 1) await add(nth)
  t.strictSame(await planned(server), [[1, 'age'], [2, 'age'], [3, 'age']])
  t.equal(names().length, 5, 'a plan deletes nothing')
  t.strictSame(await retention.run('user:ann'), { events: 3, bytes: 3000, limitExceeded: undefined })
  t.strictSame(names(), ['event_4.jpg', 'event_5.jpg'])
  t.strictSame(states(), ['deleted', 'deleted', 'deleted', 'kept', 'kept'])
  t.equal(total(), 2000)
  t.equal(counted(), 2000)
  const [told] = database.prepare<[], { actor: string, payload: string }>('SELECT actor, payload FROM ledger WHERE action = \'evidence.deleted\'').all()
  t.equal(told?.actor, 'user:ann')
  t.match(JSON.parse(told?.payload ?? ''), {
    reason: 'age',
    event: { evidence_state: 'deleted' },
    files: [{ path: 'oil_spill_frames/event_1.jpg', sha256: createHash('sha256').update(Buffer.alloc(1000, 1)).digest('hex'), size_bytes: 1000 }]
  })
  t.match(await repository.deletionOf(1), { reason: 'age' })
  t.equal(await repository.deletionOf(4), undefined)
  t.equal(database.prepare('SELECT count(*) FROM garbage').pluck().get(), 0)
  t.strictSame(await retention.run(), { events: 0, bytes: 0, limitExceeded: undefined }, 'once')
  t.equal((await repository.isPathKnown('oil_spill_frames/event_1.jpg')), true, 'no other event takes its path')
  t.strictSame(await repository.unclaimedPaths(['oil_spill_frames/event_1.jpg']), ['oil_spill_frames/event_1.jpg'])
})

t.test('an event that is open, held or not reviewed is spared, whatever its age', async t => {
  const server = await setUp(t, { policy: { retainMs: DAY_MS, maxBytes: 1 } })
  const { add, retention, names } = server
  await add(1, { set: '' })
  await add(2, { set: 'verdict = \'confirmed\', held = 1' })
  await add(3)
  await add(4, { open: true })
  t.strictSame(await planned(server), [[3, 'age']])
  t.strictSame(await retention.run(), { events: 1, bytes: 1000, limitExceeded: 'total_bytes' }, 'and it is told that nothing more may go')
  t.strictSame(names(), ['event_1.jpg', 'event_2.jpg', 'event_4.jpg'])
})

t.test('evidence that nobody has reviewed goes where it is said so', async t => {
  const server = await setUp(t, { policy: { retainMs: DAY_MS, unreviewed: 'delete' } })
  const { add, retention, names } = server
  await add(1, { set: '' })
  await add(2, { set: 'held = 1' })
  await add(3, { open: true, set: '' })
  await retention.run()
  t.strictSame(names(), ['event_2.jpg', 'event_3.jpg'])
})

t.test('what somebody holds between the choice and the deletion stays', async t => {
  const { add, sql, database, names } = await setUp(t)
  await add(1)
  await add(2)
  database.exec('UPDATE oil_spill_events SET held = 1 WHERE id = 1')
  t.strictSame(await sql.call('orderDeletions', [{ eventId: 1, reason: 'age' }, { eventId: 2, reason: 'age' }], 'keep', 'server'), [{ eventId: 2, sizeBytes: 1000 }])
  t.equal(names().length, 2)
  t.strictSame(database.prepare('SELECT path FROM garbage').pluck().all(), ['oil_spill_frames/event_2.jpg'])
})

t.test('the oldest goes for the limit of bytes, many in small steps', async t => {
  const server = await setUp(t, { policy: { maxBytes: 5500 } })
  const { add, retention, names } = server
  for (let nth = 1; nth <= 40; nth += 1) await add(nth, { daysAgo: 100 - nth })
  const plan = await planned(server)
  t.equal(plan.length, 35)
  t.match(await retention.run(), { events: 35, bytes: 35_000, limitExceeded: undefined })
  t.strictSame(names(), [36, 37, 38, 39, 40].map(nth => `event_${nth}.jpg`))
})

t.test('the oldest goes for the free disk, as much as is needed', async t => {
  let free = 4500
  const statfs = async () => ({ bavail: free, bsize: 1 }) as Awaited<ReturnType<EvidenceFiles['statfs']>>
  const unlink: EvidenceFiles['unlink'] = async path => {
    await fs.unlink(path)
    free += 1000
  }
  const server = await setUp(t, { policy: { minFreeBytes: 6000 }, files: { statfs: statfs as unknown as EvidenceFiles['statfs'], unlink } })
  const { add, retention, names, room } = server
  for (let nth = 1; nth <= 5; nth += 1) await add(nth)
  t.strictSame(await planned(server), [[1, 'free_disk'], [2, 'free_disk']])
  t.match(await retention.run(), { events: 2, limitExceeded: undefined })
  t.equal(room.isShort, true, 'as it was looked at before')
  room.onShort(async bytes => await retention.makeRoom(bytes))
  t.equal(await room.within(1200, async () => 'written'), 'written')
  t.strictSame(names(), ['event_4.jpg', 'event_5.jpg'], 'one more goes before a write fails')
  t.equal(room.isShort, false)
  await t.rejects(room.within(100_000, async () => 'written'), { code: 'ENOSPC' })
  t.strictSame(names(), [], 'all that may go has gone')
  t.equal(room.isShort, true)
})

t.test('with an event goes all evidence of it: clips, frames that opened it before, and merged events', async t => {
  const { add, retention, database, names, folder, states, total, counted, repository, clock } = await setUp(t, { policy: { retainMs: DAY_MS } })
  await add(1, { daysAgo: 9 })
  await add(2, { daysAgo: 8, set: '' })
  const takenAtMs = clock.nowMs() - 9 * DAY_MS - 1000
  writeFileSync(join(folder, 'oil_spill_frames/earlier.jpg'), 'earlier')
  const evidence = { framePath: 'oil_spill_frames/earlier.jpg', sha256: 'e'.repeat(64), sizeBytes: 7, width: 16, height: 8 }
  await repository.join({ eventId: 1, mergedEventId: 2, reopens: false, detection: newDetection(9, { takenAtMs, sizeBytes: 7, sha256: 'e'.repeat(64) }), evidence })
  database.exec('UPDATE oil_spill_events SET verdict = \'confirmed\' WHERE id = 1') // a merged event is to be reviewed again
  writeFileSync(join(folder, 'oil_spill_frames/event_1.mjpeg'), 'clip')
  database.exec(`INSERT INTO clips (event_id, path, size_bytes, sha256) VALUES (1, 'oil_spill_frames/event_1.mjpeg', 4, '${'c'.repeat(64)}')`)
  t.equal(total(), 2011)
  t.equal(counted(), 2011)
  t.strictSame(await retention.run(), { events: 0, bytes: 0, limitExceeded: undefined }, 'not while its clip is written')
  database.exec('UPDATE clips SET closed_at_ms = 1')
  t.match(await retention.run(), { events: 1, bytes: 2011 })
  t.strictSame(names(), [])
  t.strictSame(states(), ['deleted', 'deleted'])
  t.equal(total(), 0)
  t.equal(counted(), 0)
  const payloads = database.prepare<[], string>('SELECT payload FROM ledger WHERE action = \'evidence.deleted\'').pluck().all().map(each => JSON.parse(each) as { files?: Array<{ path: string }>, with_event?: number })
  t.strictSame(payloads.map(({ files, with_event: withEvent }) => files?.map(({ path }) => path).sort() ?? withEvent), [
    ['oil_spill_frames/earlier.jpg', 'oil_spill_frames/event_1.jpg', 'oil_spill_frames/event_1.mjpeg', 'oil_spill_frames/event_2.jpg'], 1])
  t.equal(database.prepare('SELECT count(*) FROM clips').pluck().get(), 1, 'the index stays')
})

t.test('a hold of a merged event holds all', async t => {
  const { add, retention, repository, database, clock } = await setUp(t, { policy: { retainMs: DAY_MS } })
  await add(1, { daysAgo: 9 })
  await add(2, { daysAgo: 8 })
  await repository.join({ eventId: 1, mergedEventId: 2, reopens: false, detection: newDetection(9, { takenAtMs: clock.nowMs() - 9 * DAY_MS + 5 }), evidence: null })
  database.exec('UPDATE oil_spill_events SET verdict = \'confirmed\', held = 0 WHERE id = 1; UPDATE oil_spill_events SET held = 1 WHERE id = 2')
  t.match(await retention.run(), { events: 0 })
  database.exec('UPDATE oil_spill_events SET held = 0 WHERE id = 2')
  t.match(await retention.run(), { events: 1 })
})

t.test('a clock that is set ahead makes no evidence old', async t => {
  const { add, retention, clock } = await setUp(t, { policy: { retainMs: 20 * DAY_MS } })
  await add(1)
  clock.setWallClock(clock.nowMs() + 1000 * DAY_MS)
  t.match(await retention.run(), { events: 0 })
  clock.advance(30 * DAY_MS)
  t.match(await retention.run(), { events: 1 })
})

t.test('with a frame goes its thumbnail', async t => {
  const { add, retention, folder } = await setUp(t, { policy: { retainMs: DAY_MS } })
  await add(1)
  mkdirSync(join(folder, 'thumbnails'))
  writeFileSync(join(folder, 'thumbnails/event_1.jpg'), 'small')
  writeFileSync(join(folder, 'thumbnails/event_2.jpg'), 'small')
  await retention.run()
  t.strictSame(readdirSync(join(folder, 'thumbnails')), ['event_2.jpg'])
})

t.test('a file that cannot be deleted is told, tried again, and holds up no other', async t => {
  let isBroken = true
  const unlink: EvidenceFiles['unlink'] = async path => {
    if (isBroken && String(path).endsWith('event_1.jpg')) throw Object.assign(new Error('input/output error'), { code: 'EIO' })
    await fs.unlink(path)
  }
  const { add, retention, garbage, names, undeleted, states } = await setUp(t, { policy: { retainMs: DAY_MS }, files: { unlink } })
  for (let nth = 1; nth <= 3; nth += 1) await add(nth)
  await retention.run()
  t.match(undeleted, [{ code: 'EIO' }])
  t.strictSame(names(), ['event_1.jpg'])
  t.strictSame(states(), ['deleted', 'deleted', 'deleted'])
  isBroken = false
  t.strictSame(await garbage.collect(), { files: 1, failed: 0, error: undefined })
  t.strictSame(names(), [])
})

t.test('what breaks a deletion off, between any two steps, is finished by the next start', async t => {
  /** Ends all work on the disk at the nth step, as a crash does. */
  const steps = ['ordered', 'thumbnail 1', 'unlink event_1.jpg', 'thumbnail 2', 'unlink event_2.jpg', 'flushed', 'dropped']
  for (const [at, what] of steps.entries()) {
    const folder = temporaryFolder(t)
    let step = 0
    const crash = (): void => { if (step++ >= at) throw Object.assign(new Error('the power is gone'), { code: 'GONE' }) }
    const first = await setUp(t, {
      folder,
      policy: { retainMs: DAY_MS },
      files: {
        unlink: async path => { crash(); await fs.unlink(path) },
        open: async (...args) => { crash(); return await fs.open(...args) }
      }
    })
    await first.add(1)
    await first.add(2)
    await first.add(3, { set: '' })
    const call = first.sql.call.bind(first.sql)
    first.sql.call = async (name, ...args) => {
      if (name === 'dropGarbage') crash()
      return await call(name, ...args)
    }
    await first.retention.run().catch(() => {})
    await first.sql.close()
    const second = await setUp(t, { folder })
    const before = second.names()
    t.strictSame(await second.repository.unclaimedPaths(before.map(name => `oil_spill_frames/${name}`)), [], `${what}: nothing of it counts as unclaimed`)
    await second.garbage.collect()
    t.strictSame(second.names(), ['event_3.jpg'], what)
    t.equal(second.database.prepare('SELECT count(*) FROM garbage').pluck().get(), 0, what)
    t.strictSame(second.states(), ['deleted', 'deleted', 'kept'], what)
    t.ok(existsSync(join(folder, 'history.db')))
  }
})

t.test('the total of evidence is that of its files after whatever happens', async t => {
  const { add, repository, total, counted, database, clock } = await setUp(t)
  await add(1)
  await repository.change(undefined, {
    cameraId: 'default',
    startedAtMs: clock.nowMs(),
    endedAtMs: null,
    clearBeforeMs: null,
    clearAfterMs: null,
    evidence: { framePath: 'oil_spill_frames/missing.jpg', sha256: 'a'.repeat(64), sizeBytes: 50, width: 1, height: 1 },
    evidenceState: 'missing',
    detection: newDetection(2, { takenAtMs: clock.nowMs() })
  })
  t.equal(total(), 1000)
  await repository.keepEvidence(2, newDetection(3, { takenAtMs: clock.nowMs() + 1 }), { framePath: 'oil_spill_frames/missing.jpg', sha256: 'b'.repeat(64), sizeBytes: 60, width: 1, height: 1 }, true)
  t.equal(total(), 1060)
  t.equal(counted(), 1060)
  database.exec('INSERT INTO clips (event_id, path, size_bytes) VALUES (2, \'c.mjpeg\', 0); UPDATE clips SET size_bytes = 70')
  t.equal(total(), 1130)
  t.equal(counted(), 1130)
  database.exec('UPDATE oil_spill_events SET evidence_state = \'missing\' WHERE id = 2; DELETE FROM clips')
  t.equal(total(), 1000)
})
