import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Detection, OilSpillEvent } from '../../src/core/event.js'
import { CameraRepository } from '../../src/store/camera-repository.js'
import type { LateJoin } from '../../src/store/event-queries.js'
import { EventRepository } from '../../src/store/event-repository.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { newSettings, temporaryFolder } from '../helper.js'
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
  t.strictSame(event, { cameraId, startedAtMs, evidence, evidenceState: 'kept', id: 1, lastDetectedAtMs: startedAtMs, endedAtMs: null, mergedInto: null })
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
  t.strictSame(pages, Array.from({ length: 10 }, () => 25))
  t.equal(new Set(events.map(event => event.id)).size, 250)
  const keys = events.map(event => event.startedAtMs * 1000 + event.id)
  t.strictSame(keys, keys.toSorted((a, b) => a - b), 'by start, then by id')
})

t.test('a page that ends with the history is not followed by an empty one', async t => {
  const { repository } = await setUp(t)
  await Promise.all(Array.from({ length: 50 }, async (_, nth) => await opened(repository, nth)))
  t.strictSame((await allEvents(repository)).pages, [25, 25])
})

t.test('of a path behind all others it is known without asking that the history does not have it, also after a start', async t => {
  const { path, repository } = await setUp(t)
  const pathOf = (nth: number): string => newEvent(nth).evidence.framePath
  t.equal(await repository.isPathKnown(pathOf(3)), false)
  await opened(repository, 3)
  const lost = repository.change(undefined, newEvent(5, { cameraId: 'nobody' }))
  await t.rejects(lost)
  const again = await setUp(t, path)
  for (const { repository: each, thread } of [{ repository, thread: undefined }, again]) {
    t.strictSame(await Promise.all([1, 3, 5].map(async nth => await each.isPathKnown(pathOf(nth)))), [false, true, false])
    await thread?.close()
    t.equal(await each.isPathKnown(pathOf(6)), false)
  }
  await t.rejects(again.repository.isPathKnown(pathOf(3)), 'of the others it asks')
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

/** Detections of an event: when they were taken, and whether their frames are kept. */
async function detectionsOf (repository: EventRepository, eventId: number): Promise<Array<[takenAtMs: number, framePath: string | null]>> {
  const all: Array<[number, string | null]> = []
  for await (const page of repository.detectionPages(eventId)) all.push(...page.map(({ takenAtMs, framePath }): [number, string | null] => [takenAtMs, framePath]))
  return all
}

/** A detection that came late, as the archive stores it. */
function late (eventId: number, takenAtMs: number, options: Partial<Omit<LateJoin, 'detection'>> & { detection?: Partial<Detection> } = {}): LateJoin {
  return {
    eventId, mergedEventId: null, reopens: false, evidence: null, ...options, detection: newDetection(77, { takenAtMs, ...options.detection })
  }
}

/** An event of one detection that has ended. */
async function ended (repository: EventRepository, nth: number, startedAtMs: number, endedAtMs: number): Promise<OilSpillEvent> {
  return await opened(repository, nth, { startedAtMs, endedAtMs })
}

t.test('an opening frame that was kept before changes nothing, under its key or its number', async t => {
  for (const name of [{ idempotencyKey: 'a' }, { frameSequence: 7 }, { idempotencyKey: 'a', frameSequence: 7 }]) {
    const { repository } = await setUp(t)
    const first = { ...newEvent(1), detection: newDetection(1, name) }
    await repository.change(undefined, first)
    await t.rejects(repository.change(endOf(1, 2e12), { ...newEvent(2), detection: first.detection }), { code: 'DETECTION_KNOWN' })
    t.equal((await repository.find(1))?.endedAtMs, null, 'nor does the other one end')
    t.equal(repository.summaryOf().total, 1)
  }
})

t.test('a key that came with another frame is refused, a number that did is one of a camera that counts anew', async t => {
  const { repository } = await setUp(t)
  await repository.change(undefined, { ...newEvent(1), detection: newDetection(1, { idempotencyKey: 'a', frameSequence: 7 }) })
  const reused = { code: 'IDEMPOTENCY_KEY_REUSED' }
  await t.rejects(repository.change(endOf(1, 2e12), { ...newEvent(2), detection: newDetection(2, { idempotencyKey: 'a' }) }), reused)
  t.strictSame(await repository.addDetections([newDetection(1), newDetection(3, { idempotencyKey: 'a' })].map(detection => ({ eventId: 1, detection }))), [1], 'and takes no other with it')
  await t.rejects(repository.join(late(1, 1000, { detection: { idempotencyKey: 'a' } })), reused)
  t.equal((await repository.find(1))?.endedAtMs, null)
  await repository.addDetections([{ eventId: 1, detection: newDetection(4, { frameSequence: 7 }) }])
  t.equal((await detectionsOf(repository, 1)).length, 3)
})

t.test('keys and numbers are each camera\'s own', async t => {
  const { repository, thread } = await setUp(t)
  await new CameraRepository(thread).insert(newSettings('rig-4'), 1)
  const name = { idempotencyKey: 'a', frameSequence: 7 }
  await repository.change(undefined, { ...newEvent(1), detection: newDetection(1, name) })
  await t.resolves(repository.change(undefined, { ...newEvent(2, { cameraId: 'rig-4' }), detection: newDetection(1, { ...name, cameraId: 'rig-4' }) }))
})

t.test('a detection that an event goes on with is kept once under its name, and as often as it comes without one', async t => {
  const { repository } = await setUp(t)
  const { startedAtMs } = await opened(repository, 1)
  const detections = [newDetection(2, { idempotencyKey: 'a' }), newDetection(2, { idempotencyKey: 'a' }), newDetection(3), newDetection(3)]
  await repository.addDetections(detections.map(detection => ({ eventId: 1, detection })))
  await repository.addDetections([{ eventId: 1, detection: newDetection(2, { idempotencyKey: 'a', takenAtMs: 2e12 }) }])
  t.strictSame((await detectionsOf(repository, 1)).map(([atMs]) => atMs - startedAtMs), [0, 1000, 2000, 2000])
  t.equal((await repository.find(1))?.lastDetectedAtMs, startedAtMs + 2000, 'one that is known moves nothing')
})

t.test('everything that a camera says of a frame is kept', async t => {
  const { repository } = await setUp(t)
  const details = {
    confidence: 0.93,
    boxes: [{ x: 0.1, y: 0.2, width: 0.3, height: 0.4, label: '\u00d6l "x"', confidence: 0 }, { x: 0, y: 0, width: 1, height: 1 }],
    modelVersion: 'slick-net 2.1',
    latitude: -58.37,
    longitude: 1.91,
    heading: 0
  }
  const told = newDetection(1, { capturedAtMs: 1000, receivedAtMs: 2000, takenAtMs: 1000, clockSkewMs: -70, frameSequence: 0, idempotencyKey: 'a', details })
  await repository.change(undefined, { ...newEvent(1), detection: told })
  await repository.addDetections([{ eventId: 1, detection: newDetection(2) }])
  const pages = []
  for await (const page of repository.detectionPages(1)) pages.push(...page)
  t.strictSame(pages, [{ ...told, id: 1, framePath: newEvent(1).evidence.framePath }, { ...newDetection(2), id: 2, framePath: null }])
})

t.test('the detections of an event come a page at a time, in the order in which their frames were taken', async t => {
  const { repository } = await setUp(t)
  await opened(repository, 0, { startedAtMs: 1000 })
  const order = Array.from({ length: 249 }, (_, i) => (i * 77) % 249)
  await repository.addDetections(order.map(nth => ({ eventId: 1, detection: newDetection(nth, { takenAtMs: 1000 + Math.floor(nth / 3) }) })))
  const pages = []
  for await (const page of repository.detectionPages(1)) pages.push(page)
  t.strictSame(pages.map(page => page.length), [100, 100, 50])
  const keys = pages.flat().map(({ takenAtMs, id }) => takenAtMs * 1000 + id)
  t.strictSame(keys, keys.toSorted((a, b) => a - b))
  t.equal(new Set(pages.flat().map(({ id }) => id)).size, 250)
  t.strictSame(await detectionsOf(repository, 2), [])
})

t.test('a detection that comes late makes its event longer, and never shorter', async t => {
  const { repository } = await setUp(t)
  await ended(repository, 1, 10_000, 15_000)
  t.equal(await repository.join(late(1, 12_000)), true)
  t.match(await repository.find(1), { startedAtMs: 10_000, lastDetectedAtMs: 12_000, endedAtMs: 15_000 })
  await repository.join(late(1, 20_000))
  t.match(await repository.find(1), { startedAtMs: 10_000, lastDetectedAtMs: 20_000, endedAtMs: 20_000 })
  await repository.join(late(1, 11_000))
  t.match(await repository.find(1), { startedAtMs: 10_000, lastDetectedAtMs: 20_000, endedAtMs: 20_000 })
  t.strictSame((await detectionsOf(repository, 1)).map(([atMs]) => atMs), [10_000, 11_000, 12_000, 20_000])
  t.strictSame(repository.summaryOf('default'), { total: 1, newestStartedAtMs: 10_000 })
})

t.test('a detection that comes late and was taken before all others is the one that opens its event', async t => {
  const { repository } = await setUp(t)
  const event = await opened(repository, 1, { startedAtMs: 10_000 })
  const evidence = { framePath: 'oil_spill_frames/earlier.jpg', sha256: 'e'.repeat(64), sizeBytes: 7, width: 8, height: 9 }
  t.equal(await repository.join(late(1, 8000, { evidence })), true)
  t.strictSame(await repository.find(1), { ...event, startedAtMs: 8000, evidence })
  t.strictSame(await detectionsOf(repository, 1), [[8000, evidence.framePath], [10_000, event.evidence.framePath]])
  t.strictSame(await repository.unclaimedPaths([evidence.framePath, event.evidence.framePath, 'oil_spill_frames/other.jpg']), ['oil_spill_frames/other.jpg'],
    'the frame that opened it before is still its detection\'s')
  t.strictSame(repository.summaryOf('default'), { total: 1, newestStartedAtMs: 8000 })
})

t.test('a detection that comes late a second time is not new, and changes nothing', async t => {
  const { repository } = await setUp(t)
  const first = await ended(repository, 1, 10_000, 10_000)
  const second = await ended(repository, 2, 20_000, 20_000)
  const join = late(1, 15_000, { detection: { frameSequence: 7 } })
  t.equal(await repository.join(join), true)
  t.equal(await repository.join({ ...join, mergedEventId: 2, reopens: true, evidence: second.evidence }), false)
  t.strictSame(await repository.find(1), { ...first, lastDetectedAtMs: 15_000, endedAtMs: 15_000 })
  t.strictSame(await repository.find(2), second)
  t.equal(repository.summaryOf().total, 2)
})

t.test('two events that turn out to be one', async t => {
  t.test('are the first one, with the detections and the end of both', async t => {
    const { repository } = await setUp(t)
    const first = await ended(repository, 1, 10_000, 11_000)
    const second = await ended(repository, 2, 20_000, 26_000)
    await repository.addDetections([{ eventId: 2, detection: newDetection(3, { takenAtMs: 25_000 }) }])
    t.equal(await repository.join(late(1, 15_000, { mergedEventId: 2 })), true)
    t.strictSame(await repository.find(1), { ...first, lastDetectedAtMs: 25_000, endedAtMs: 26_000 })
    t.strictSame((await detectionsOf(repository, 1)).map(([atMs]) => atMs), [10_000, 15_000, 20_000, 25_000])
    t.strictSame(await repository.find(2), { ...second, lastDetectedAtMs: 25_000, mergedInto: 1 }, 'the other can still be asked for')
    t.strictSame(await detectionsOf(repository, 2), [])
    t.strictSame((await allEvents(repository)).events.map(({ id }) => id), [1], 'but it is in no list')
    t.strictSame(repository.summaryOf('default'), { total: 1, newestStartedAtMs: 10_000 })
    t.strictSame(await repository.unclaimedPaths([first.evidence.framePath, second.evidence.framePath]), [], 'and both frames are kept')
  })

  t.test('go on where the second is open', async t => {
    const { repository } = await setUp(t)
    await ended(repository, 1, 10_000, 11_000)
    await opened(repository, 2, { startedAtMs: 20_000 })
    await repository.join(late(1, 15_000, { mergedEventId: 2 }))
    t.match(await repository.openEvents(), [{ id: 1, lastDetectedAtMs: 20_000, endedAtMs: null }])
    t.equal((await repository.openEvents()).length, 1)
    await repository.addDetections([{ eventId: 2, detection: newDetection(3, { takenAtMs: 25_000 }) }])
    t.match(await repository.find(1), { lastDetectedAtMs: 25_000 }, 'also with detections that were on their way to the second')
    await repository.change(endOf(1, 26_000), undefined)
    t.match(await repository.find(1), { endedAtMs: 26_000 })
  })

  t.test('go on where the first is open', async t => {
    const { repository } = await setUp(t)
    await opened(repository, 1, { startedAtMs: 10_000 })
    await ended(repository, 2, 20_000, 21_000)
    await repository.join(late(1, 15_000, { mergedEventId: 2 }))
    t.match(await repository.find(1), { lastDetectedAtMs: 20_000, endedAtMs: null })
  })

  t.test('can be part of a third', async t => {
    const { repository } = await setUp(t)
    for (const nth of [1, 2, 3]) await ended(repository, nth, nth * 10_000, nth * 10_000)
    await repository.join(late(2, 25_000, { mergedEventId: 3 }))
    await repository.join(late(1, 15_000, { mergedEventId: 2 }))
    t.match(await repository.find(3), { mergedInto: 1 }, 'told by the one that stands for itself')
    t.match(await repository.find(2), { mergedInto: 1 })
    t.equal((await detectionsOf(repository, 1)).length, 5)
    t.match(await repository.find(1), { startedAtMs: 10_000, lastDetectedAtMs: 30_000, endedAtMs: 30_000 })
    t.strictSame(repository.summaryOf(), { total: 1, newestStartedAtMs: 10_000 })
  })

  t.test('are so after a restart', async t => {
    const { repository, thread, path } = await setUp(t)
    for (const nth of [1, 2]) await ended(repository, nth, nth * 10_000, nth * 10_000)
    await repository.join(late(1, 15_000, { mergedEventId: 2 }))
    await thread.close()
    t.strictSame((await setUp(t, path)).repository.summaryOf('default'), { total: 1, newestStartedAtMs: 10_000 })
  })

  t.test('and one that is not there changes nothing but the first', async t => {
    const { repository } = await setUp(t)
    await ended(repository, 1, 10_000, 10_000)
    await repository.join(late(1, 15_000, { mergedEventId: 99 }))
    t.match(await repository.find(1), { lastDetectedAtMs: 15_000, endedAtMs: 15_000 })
  })
})

t.test('an event that had ended can be opened again', async t => {
  const { repository } = await setUp(t)
  await ended(repository, 1, 10_000, 12_000)
  await repository.join(late(1, 15_000, { reopens: true }))
  t.match(await repository.openEvents(), [{ id: 1, startedAtMs: 10_000, lastDetectedAtMs: 15_000, endedAtMs: null }])
  await repository.change(endOf(1, 16_000), undefined)
  t.match(await repository.find(1), { endedAtMs: 16_000 })
  await opened(repository, 2, { startedAtMs: 20_000 })
  await repository.join(late(1, 17_000, { reopens: true }))
  t.match(await repository.openEvents(), [{ id: 1 }], 'one at most is open: another, which nobody knows of, ends')
  t.match(await repository.find(2), { endedAtMs: 20_000 })
})

t.test('the events next to a time are those of the camera, without those that became part of another', async t => {
  const { repository, thread } = await setUp(t)
  await new CameraRepository(thread).insert(newSettings('rig-4'), 1)
  t.strictSame(await repository.neighboursOf('default', 10_000), { before: undefined, after: undefined })
  await repository.change(undefined, newEvent(1, { startedAtMs: 10_000, endedAtMs: 11_000, clearBeforeMs: 9000, clearAfterMs: 11_000 }))
  await repository.change(undefined, newEvent(2, { startedAtMs: 20_000, clearBeforeMs: 19_000 }))
  await repository.change(undefined, newEvent(3, { startedAtMs: 15_000, endedAtMs: 15_000, cameraId: 'rig-4' }))
  const first = { id: 1, startedAtMs: 10_000, lastDetectedAtMs: 10_000, clearBeforeMs: 9000, clearAfterMs: 11_000, lacksEvidence: false }
  const second = { id: 2, startedAtMs: 20_000, lastDetectedAtMs: 20_000, clearBeforeMs: 19_000, clearAfterMs: null, lacksEvidence: false }
  t.strictSame(await repository.neighboursOf('default', 9999), { before: undefined, after: first })
  t.strictSame(await repository.neighboursOf('default', 10_000), { before: first, after: second })
  t.strictSame(await repository.neighboursOf('default', 19_999), { before: first, after: second })
  t.strictSame(await repository.neighboursOf('default', 20_000), { before: second, after: undefined })
  await repository.change({ eventId: 2, endedAtMs: 25_000, clearAfterMs: 25_000 }, undefined)
  await repository.join(late(1, 15_000, { mergedEventId: 2 }))
  t.strictSame(await repository.neighboursOf('default', 22_000), { before: { ...first, lastDetectedAtMs: 20_000, clearAfterMs: 25_000 }, after: undefined })
})

t.test('an event that opened and ended before the server heard of it stands where it belongs', async t => {
  const { repository } = await setUp(t)
  const open = await opened(repository, 1, { startedAtMs: 20_000 })
  const event = await ended(repository, 2, 10_000, 11_000)
  t.match(event, { id: 2, endedAtMs: 11_000 })
  t.strictSame(await repository.openEvents(), [open], 'and the open one goes on')
  t.strictSame((await allEvents(repository)).events.map(({ id }) => id), [2, 1])
  t.strictSame(repository.summaryOf(), { total: 2, newestStartedAtMs: 20_000 })
})

t.test('the summary is of one camera or of all', async t => {
  const { repository, thread } = await setUp(t)
  await new CameraRepository(thread).insert(newSettings('rig-4'), 1)
  await opened(repository, 1)
  await opened(repository, 2, { cameraId: 'rig-4' })
  await opened(repository, 3, { cameraId: 'rig-4' })
  t.strictSame(repository.summaryOf('default'), { total: 1, newestStartedAtMs: newEvent(1).startedAtMs })
  t.strictSame(repository.summaryOf('rig-4'), { total: 2, newestStartedAtMs: newEvent(3).startedAtMs })
  t.strictSame(repository.summaryOf('rig-5'), { total: 0, newestStartedAtMs: undefined })
  t.strictSame(repository.summaryOf(), { total: 3, newestStartedAtMs: newEvent(3).startedAtMs })
})
