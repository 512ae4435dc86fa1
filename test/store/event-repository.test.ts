import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { OilSpillEvent } from '../../src/core/event.js'
import { EventRepository } from '../../src/store/event-repository.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { temporaryFolder } from '../helper.js'
import { endOf, newDetection, newEvent } from './support.js'

async function setUp (t: Test, path = join(temporaryFolder(t), 'history.db')) {
  const thread = await SqlThread.open(path)
  const repository = await EventRepository.open(thread)
  t.teardown(async () => { await thread.close() })
  return { path, thread, repository }
}

async function opened (repository: EventRepository, nth: number, options: Parameters<typeof newEvent>[1] = {}): Promise<OilSpillEvent> {
  const event = await repository.change(undefined, newEvent(nth, options))
  if (event === undefined) throw new Error('no event was opened')
  return event
}

async function allEvents (repository: EventRepository): Promise<{ events: OilSpillEvent[], pages: number[] }> {
  const events: OilSpillEvent[] = []
  const pages: number[] = []
  for await (const page of repository.pages()) {
    events.push(...page)
    pages.push(page.length)
  }
  return { events, pages }
}

/** A detection that an event goes on with, at a time. */
const noted = async (repository: EventRepository, eventId: number, takenAtMs: number): Promise<void> => {
  await repository.addDetections([{ eventId, detection: newDetection(eventId, { takenAtMs }) }])
}

t.test('a new history is empty', async t => {
  const { repository } = await setUp(t)
  t.strictSame(repository.summaryOf(), { total: 0, newestStartedAtMs: undefined })
  t.strictSame(repository.summaryOf('default'), { total: 0, newestStartedAtMs: undefined })
  t.strictSame(await repository.openEvents(), [])
  t.equal(await repository.find(1), undefined)
  t.strictSame(await allEvents(repository), { events: [], pages: [] })
})

t.test('an event opens, goes on and ends', async t => {
  const { repository } = await setUp(t)
  const event = await opened(repository, 1)
  const { cameraId, startedAtMs, evidence } = newEvent(1)
  t.strictSame(event, { cameraId, startedAtMs, evidence, id: 1, lastDetectedAtMs: startedAtMs, endedAtMs: null, mergedInto: null })
  t.strictSame(await repository.openEvents(), [event])

  await noted(repository, 1, event.startedAtMs + 5000)
  await noted(repository, 1, event.startedAtMs + 3000)
  t.equal((await repository.find(1))?.lastDetectedAtMs, event.startedAtMs + 5000, 'a detection never moves back')

  t.equal(await repository.change(endOf(1, event.startedAtMs + 6000), undefined), undefined)
  t.strictSame(await repository.find(1), { ...event, lastDetectedAtMs: event.startedAtMs + 5000, endedAtMs: event.startedAtMs + 6000 })
  t.strictSame(await repository.openEvents(), [])
  t.equal(repository.summaryOf().total, 1)
})

t.test('one event ends and another opens in one change', async t => {
  const { repository } = await setUp(t)
  await opened(repository, 1)
  const second = await repository.change(endOf(1, newEvent(1).startedAtMs + 500), newEvent(2))
  t.equal(second?.id, 2)
  t.equal((await repository.find(1))?.endedAtMs, newEvent(1).startedAtMs + 500)
  t.strictSame(await repository.openEvents(), [second])
})

t.test('an end is stored once, and never before the start', async t => {
  const { repository } = await setUp(t)
  const { startedAtMs } = await opened(repository, 1)
  await repository.change(endOf(1, startedAtMs - 9000), undefined)
  t.equal((await repository.find(1))?.endedAtMs, startedAtMs)
  await repository.change(endOf(1, startedAtMs + 9000), undefined)
  t.equal((await repository.find(1))?.endedAtMs, startedAtMs)
})

t.test('an open event that nobody knows of does not stand in the way of a new one', async t => {
  const { repository } = await setUp(t)
  const stale = await opened(repository, 1)
  await noted(repository, stale.id, stale.startedAtMs + 700)
  const event = await opened(repository, 2)
  t.equal(event.id, 2)
  t.equal((await repository.find(1))?.endedAtMs, stale.startedAtMs + 700, 'it ended at its last detection')
})

t.test('an event that cannot be stored changes nothing, and says why with SQLite\'s code', async t => {
  const { repository } = await setUp(t)
  await opened(repository, 1)
  await t.rejects(repository.change(endOf(1, 2e12), newEvent(2, { cameraId: 'unknown' })), { code: 'SQLITE_CONSTRAINT_FOREIGNKEY' })
  t.equal((await repository.find(1))?.endedAtMs, null)
  t.strictSame(repository.summaryOf(), { total: 1, newestStartedAtMs: newEvent(1).startedAtMs })
})

t.test('the summary is kept in memory and over a restart', async t => {
  const { path, repository, thread } = await setUp(t)
  for (let i = 1; i <= 3; i += 1) await opened(repository, i)
  t.strictSame(repository.summaryOf(), { total: 3, newestStartedAtMs: newEvent(3).startedAtMs })
  await opened(repository, 0)
  t.strictSame(repository.summaryOf(), { total: 4, newestStartedAtMs: newEvent(3).startedAtMs }, 'newest is what started last, also where the clock was set back')
  await thread.close()

  const again = await setUp(t, path)
  t.strictSame(again.repository.summaryOf(), repository.summaryOf())
  t.strictSame((await again.repository.openEvents()).map(event => event.id), [4])
  t.equal((await opened(again.repository, 9)).id, 5)
})

t.test('the history comes a page at a time, oldest first', async t => {
  const { repository } = await setUp(t)
  // Stored in another order than they started, and three to a second.
  const order = Array.from({ length: 250 }, (_, i) => (i * 77) % 250)
  await Promise.all(order.map(async nth => await opened(repository, nth, { startedAtMs: Math.floor(nth / 3) * 1000 })))
  const { events, pages } = await allEvents(repository)
  t.strictSame(pages, [100, 100, 50])
  t.equal(new Set(events.map(event => event.id)).size, 250)
  const keys = events.map(event => event.startedAtMs * 1000 + event.id)
  t.strictSame(keys, keys.toSorted((a, b) => a - b), 'by start, then by id')
})

t.test('a page that ends with the history is not followed by an empty one', async t => {
  const { repository } = await setUp(t)
  await Promise.all(Array.from({ length: 100 }, async (_, nth) => await opened(repository, nth)))
  t.strictSame((await allEvents(repository)).pages, [100])
})

t.test('events that open while the history is read come at its end', async t => {
  const { repository } = await setUp(t)
  await opened(repository, 1)
  const ids: number[] = []
  for await (const page of repository.pages()) {
    ids.push(...page.map(event => event.id))
    if (ids.length === 1) await opened(repository, 2)
  }
  t.strictSame(ids, [1, 2])
})

t.test('evidence that no event has is found', async t => {
  const { repository } = await setUp(t)
  await opened(repository, 1)
  const { framePath } = newEvent(1).evidence
  t.strictSame(await repository.unclaimedPaths([framePath, 'oil_spill_frames/other.jpg']), ['oil_spill_frames/other.jpg'])
  t.strictSame(await repository.unclaimedPaths([]), [])
})

t.test('a history that cannot be read or written says so to who asked for it', async t => {
  const { repository, thread } = await setUp(t)
  await thread.close()
  const unavailable = { code: 'HISTORY_UNAVAILABLE', statusCode: 503, message: /SQL_THREAD_LOST/ }
  await t.rejects(repository.find(1), unavailable)
  await t.rejects(repository.openEvents(), unavailable)
  await t.rejects(repository.unclaimedPaths([]), unavailable)
  await t.rejects(allEvents(repository), unavailable)
  await t.rejects(repository.change(undefined, newEvent(1)), { code: 'SQL_THREAD_LOST' }, 'a detection is told in other words by the archive')
  await t.rejects(repository.addDetections([]), { code: 'SQL_THREAD_LOST' })
  await t.rejects(repository.join({ eventId: 1, mergedEventId: null, reopens: false, detection: newDetection(1), evidence: null }), { code: 'SQL_THREAD_LOST' })
  await t.rejects(repository.neighboursOf('default', 1), { code: 'SQL_THREAD_LOST' })
})
