import { copyFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { OilSpillEvent } from '../../src/core/event.js'
import { StartupError } from '../../src/errors.js'
import { MIGRATIONS } from '../../src/store/migrations/index.js'
import { SqlError, SqlThread } from '../../src/store/sql-thread.js'
import { temporaryFolder } from '../helper.js'
import { commitsIn, endOf, newDetection, newEvent } from './support.js'

/** A thread over a new database, with another connection to it, and the worker threads that Node reports as they start. */
async function setUp (t: Test) {
  const workers: Worker[] = []
  const note = (worker: Worker): void => { workers.push(worker) }
  process.on('worker', note)
  const path = join(temporaryFolder(t), 'history.db')
  const thread = await SqlThread.open(path)
  const other = new Database(path, { timeout: 0 })
  t.teardown(async () => {
    process.off('worker', note)
    other.close()
    await thread.close()
  })
  return {
    path,
    thread,
    other,
    workers,
    /** The thread that is running. */
    worker: () => {
      const worker = workers.at(-1)
      if (worker === undefined) throw new Error('no worker was started')
      return worker
    },
    countEvents: () => other.prepare('SELECT count(*) FROM oil_spill_events').pluck().get()
  }
}

/** Lets calls that were just made reach the worker's queue. */
async function posted (): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
}

t.test('queries are answered from the database', async t => {
  const { thread } = await setUp(t)
  t.strictSame(await thread.call('summarizeEvents'), [])
  const event = await thread.call('changeEvent', undefined, newEvent(1))
  t.equal(event?.id, 1)
  t.strictSame(await thread.call('findEvent', 1), event)
  t.equal(await thread.call('findEvent', 2), undefined)
})

t.test('writes that arrive during a commit share the next one', async t => {
  const { thread, other, path, countEvents } = await setUp(t)
  await thread.call('setStreamStopped', 'default', null)
  const before = commitsIn(`${path}-wal`)
  // While another connection writes, the first transaction cannot begin.
  other.exec('BEGIN IMMEDIATE')
  const answers = [thread.call('changeEvent', undefined, newEvent(0))]
  for (let i = 1; i < 50; i += 1) answers.push(thread.call('changeEvent', undefined, newEvent(i)))
  await posted()
  other.exec('ROLLBACK')
  const events = await Promise.all(answers)
  t.strictSame(events.map(event => event?.id), Array.from({ length: 50 }, (_, i) => i + 1), 'in the order they were called')
  t.equal(countEvents(), 50)
  const commits = commitsIn(`${path}-wal`) - before
  t.ok(commits === 1 || commits === 2, `50 writes in ${commits} commits`)
})

t.test('a write has its own commit where there is none to share', async t => {
  const { thread, path } = await setUp(t)
  await thread.call('setStreamStopped', 'default', null)
  const before = commitsIn(`${path}-wal`)
  for (let i = 0; i < 3; i += 1) await thread.call('changeEvent', undefined, newEvent(i))
  t.equal(commitsIn(`${path}-wal`) - before, 3)
})

t.test('a read that comes with writes sees them', async t => {
  const { thread, other } = await setUp(t)
  other.exec('BEGIN IMMEDIATE')
  const writes = [thread.call('changeEvent', undefined, newEvent(1)), thread.call('changeEvent', undefined, newEvent(2))]
  const summary = thread.call('summarizeEvents')
  await posted()
  other.exec('ROLLBACK')
  await Promise.all(writes)
  t.match(await summary, [{ total: 2 }])
})

t.test('a write waits for no more than the read that is under way, and a read behind it sees it', async t => {
  const { thread } = await setUp(t)
  await thread.call('changeEvent', undefined, newEvent(1))
  await thread.call('addDetections', Array.from({ length: 2000 }, (_, nth) => ({ eventId: 1, detection: newDetection(nth + 2) })))
  const answered: string[] = []
  const note = async <T>(name: string, call: Promise<T>): Promise<T> => {
    const value = await call
    answered.push(name)
    return value
  }
  thread.onLedger(() => { answered.push('grown') })
  const add = async (nth: number) => await thread.call('addDetections', [{ eventId: 1, detection: newDetection(nth) }])
  // Long enough to get a word in between.
  const reads = Array.from({ length: 20 }, async () => await note('read', thread.call('pageOfDetections', 1, { takenAtMs: 0, id: 0 }, 2000)))
  await note('first', add(3001))
  const second = note('second', add(3002))
  const seen = thread.call('pageOfDetections', 1, { takenAtMs: newDetection(3001).takenAtMs, id: 0 }, 10)
  await second
  t.ok(answered.filter(name => name === 'read').length < reads.length, 'the second write was answered while reads waited')
  t.strictSame(answered.filter(name => name !== 'read'), ['grown', 'first', 'grown', 'second'], 'who has an answer is not ahead of those who are told')
  t.equal((await seen).length, 2)
  t.ok((await Promise.all(reads)).every(page => page.length === 2000))
})

t.test('one write that fails takes no other with it', async t => {
  const { thread, other, path, countEvents } = await setUp(t)
  await thread.call('setStreamStopped', 'default', null)
  const before = commitsIn(`${path}-wal`)
  other.exec('BEGIN IMMEDIATE')
  const answers = [1, 2, 3, 4].map(async i => await thread.call('changeEvent', undefined, newEvent(i, { cameraId: i === 3 ? 'unknown' : 'default' })))
  await posted()
  other.exec('ROLLBACK')
  const settled = await Promise.allSettled(answers)
  t.strictSame(settled.map(each => each.status), ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'])
  await t.rejects(Promise.resolve(answers[2]), new SqlError({ message: 'FOREIGN KEY constraint failed', code: 'SQLITE_CONSTRAINT_FOREIGNKEY' }))
  t.equal(countEvents(), 3)
  t.ok(commitsIn(`${path}-wal`) - before <= 2, 'and they do share a commit')
})

t.test('a write of two steps that fails in the second leaves nothing of the first', async t => {
  const { thread } = await setUp(t)
  const open = await thread.call('changeEvent', undefined, newEvent(1))
  await t.rejects(thread.call('changeEvent', endOf(1, 2e12), newEvent(1)), { code: 'SQLITE_CONSTRAINT_UNIQUE' })
  t.strictSame(await thread.call('findEvent', 1), open)
})

t.test('where SQLite gives up the whole transaction, as on a full disk, none of its writes counts as done', async t => {
  const { thread, other, countEvents } = await setUp(t)
  other.exec(`CREATE TRIGGER disk_full BEFORE INSERT ON oil_spill_events WHEN NEW.frame_width = 666
    BEGIN SELECT RAISE(ROLLBACK, 'database or disk is full'); END`)
  other.exec('BEGIN IMMEDIATE')
  const first = thread.call('setStreamStopped', 'default', 5)
  const large = { ...newEvent(2), evidence: { ...newEvent(2).evidence, width: 666 } }
  const answers = [newEvent(1), large, newEvent(3)].map(async event => await thread.call('changeEvent', undefined, event))
  await posted()
  other.exec('ROLLBACK')
  await Promise.allSettled([first])
  for (const answer of answers) await t.rejects(answer, { message: 'database or disk is full', code: 'SQLITE_CONSTRAINT_TRIGGER' })
  t.equal(countEvents(), 0)
  await t.resolves(thread.call('changeEvent', undefined, newEvent(4)), 'and the next one goes well')
})

t.test('a locked database refuses a write after a while, and reads go on', async t => {
  const { thread, other } = await setUp(t)
  other.exec('BEGIN IMMEDIATE')
  await t.rejects(thread.call('setStreamStopped', 'default', 1), { code: 'SQLITE_BUSY' })
  t.strictSame(await thread.call('summarizeEvents'), [])
  other.exec('ROLLBACK')
  await t.resolves(thread.call('setStreamStopped', 'default', 1))
})

t.test('a query that does not exist is refused', async t => {
  const { thread } = await setUp(t)
  await t.rejects(thread.call('dropEverything' as 'summarizeEvents'), { message: 'no query dropEverything', code: 'UNKNOWN' })
})

t.test('a database that cannot be used is refused with the line for it', async t => {
  const path = join(temporaryFolder(t), 'notes.db')
  writeFileSync(path, 'Remember to buy milk. '.repeat(100))
  await t.rejects(SqlThread.open(path), new StartupError(`${path} is damaged or not a database; nothing was changed: move it away, or restore it from a backup`))
})

t.test('a database that lacks a table of ours is refused in one line that names it', async t => {
  const { path, other } = await setUp(t)
  const copy = join(temporaryFolder(t), 'lacking.db')
  other.pragma('wal_checkpoint(TRUNCATE)')
  copyFileSync(path, copy)
  const lacking = new Database(copy)
  lacking.exec('DROP TABLE oil_spill_events')
  lacking.close()
  await t.rejects(SqlThread.open(copy), { name: 'StartupError', message: new RegExp(`^${copy} cannot be used: no such table: .*oil_spill_events \\(SQLITE_ERROR\\)$`) })
})

t.test('a thread that is lost', async t => {
  t.test('rejects what waits for an answer, and the next call starts another', async t => {
    const { thread, other, worker, workers } = await setUp(t)
    await thread.call('changeEvent', undefined, newEvent(1))
    other.exec('BEGIN IMMEDIATE')
    const waiting: Array<Promise<unknown>> = [thread.call('changeEvent', undefined, newEvent(2)), thread.call('addDetections', [{ eventId: 1, detection: newDetection(1) }])]
    await posted()
    const ended = worker().terminate()
    other.exec('ROLLBACK')
    for (const each of waiting) await t.rejects(each, { code: 'SQL_THREAD_LOST', message: 'the SQL thread ended before it answered' })
    await ended
    t.equal((await thread.call('changeEvent', undefined, newEvent(3)))?.evidence.framePath, 'oil_spill_frames/event 3.jpg')
    t.equal(workers.length, 2)
  })

  t.test('by an error of its own is no different', async t => {
    const { thread, worker, workers } = await setUp(t)
    const exited = new Promise(resolve => worker().once('exit', resolve))
    worker().postMessage(null) // What the thread cannot understand, as after a mistake in our code.
    const waiting = thread.call('summarizeEvents')
    await t.rejects(waiting, { code: 'SQL_THREAD_LOST' })
    await exited
    t.equal((await thread.call('summarizeEvents')).length, 0)
    t.equal(workers.length, 2)
  })

  t.test('between two calls is not noticed', async t => {
    const { thread, worker, workers } = await setUp(t)
    await worker().terminate()
    t.equal((await thread.call('summarizeEvents')).length, 0)
    t.equal(workers.length, 2)
  })

  t.test('at its start is an error, not a wait for ever', async t => {
    const { thread, worker } = await setUp(t)
    await worker().terminate()
    process.once('worker', (started: Worker) => { void started.terminate() })
    await t.rejects(thread.call('summarizeEvents'), { code: 'SQL_THREAD_LOST', message: 'the SQL thread did not start' })
    t.equal((await thread.call('summarizeEvents')).length, 0)
  })

  t.test('and cannot start again says why, and is tried again by the next call', async t => {
    const { thread, other, worker, workers } = await setUp(t)
    await worker().terminate()
    other.pragma('user_version = 99')
    await t.rejects(thread.call('summarizeEvents'), { name: 'StartupError', message: /newer version/ })
    other.pragma(`user_version = ${MIGRATIONS.length}`)
    t.equal((await thread.call('summarizeEvents')).length, 0)
    t.equal((await thread.call('summarizeEvents')).length, 0)
    t.equal(workers.length, 3, 'the first, the one that was refused, and one more')
  })
})

t.test('to close', async t => {
  t.test('answers what was asked before', async t => {
    const { thread, countEvents } = await setUp(t)
    const answers: Array<Promise<OilSpillEvent | undefined>> = []
    for (let i = 0; i < 20; i += 1) answers.push(thread.call('changeEvent', undefined, newEvent(i)))
    const summary = thread.call('summarizeEvents')
    const closed = thread.close()
    t.equal((await Promise.all(answers)).length, 20)
    t.match(await summary, [{ total: 20 }])
    await closed
    t.equal(countEvents(), 20)
  })

  t.test('ends the thread, and refuses what is asked later', async t => {
    const { thread, worker } = await setUp(t)
    const exited = once(worker(), 'exit')
    await thread.close()
    t.strictSame(await exited, [0])
    await t.rejects(thread.call('summarizeEvents'), { code: 'SQL_THREAD_LOST', message: 'the database is closed' })
    await thread.close()
  })

  t.test('leaves no log behind: everything is in the database file', async t => {
    const path = join(temporaryFolder(t), 'history.db')
    const thread = await SqlThread.open(path)
    await thread.call('changeEvent', undefined, newEvent(1))
    await thread.close()
    const copy = join(temporaryFolder(t), 'copy.db')
    copyFileSync(path, copy)
    const database = new Database(copy, { readonly: true })
    t.equal(database.prepare('SELECT count(*) FROM oil_spill_events').pluck().get(), 1)
    database.close()
  })

  t.test('is no wait for a thread that is gone', async t => {
    const { thread, worker } = await setUp(t)
    await worker().terminate()
    await t.resolves(thread.close())
  })
})
