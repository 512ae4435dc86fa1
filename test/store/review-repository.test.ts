import t, { type Test } from 'tap'
import type { Review } from '../../src/core/review.js'
import { ReviewRepository } from '../../src/store/review-repository.js'
import { newDetection, newEvent, openHistory } from './support.js'

const CONFIRMED: Review = { verdict: 'confirmed', lookAlike: null, oilAppearanceCode: 2, notes: 'a sheen' }
const FALSE_POSITIVE: Review = { verdict: 'false_positive', lookAlike: 'kelp', oilAppearanceCode: null, notes: '' }

const said = (eventId: number, username = 'anna') => ({ eventId, username, atMs: 5000 })

/** A history of two events that have ended, seconds 0 to 1 and 10 to 11. */
async function setUp (t: Test) {
  const { thread, other } = await openHistory(t)
  for (const nth of [0, 10]) await thread.call('changeEvent', undefined, newEvent(nth, { endedAtMs: newDetection(nth + 1).takenAtMs }))
  const eventOf = (id: number) => other.prepare<[number], Record<string, unknown>>('SELECT verdict, held, acknowledged_at_ms, acknowledged_by, merged_into FROM oil_spill_events WHERE id = ?').get(id)
  const ledgerOf = (id: number) => other.prepare<[string], { action: string, actor: string, payload: string }>('SELECT action, actor, payload FROM ledger WHERE subject = ? ORDER BY sequence').all(`event:${id}`)
  /** A late detection that shows both events to be one. */
  const merge = async () => await thread.call('joinEvent', { eventId: 1, mergedEventId: 2, evidence: null, reopens: false, detection: newDetection(5) })
  return { thread, other, repository: new ReviewRepository(thread), eventOf, ledgerOf, merge }
}

t.test('reviews are kept, and the newest one counts', async t => {
  const { repository, eventOf, ledgerOf } = await setUp(t)
  const first = await repository.review(said(1), CONFIRMED)
  t.strictSame(first, { ...CONFIRMED, reviewId: 1, eventId: 1, atMs: 5000, reviewer: 'anna' })
  const second = await repository.review(said(1, 'ben'), FALSE_POSITIVE)
  t.match(eventOf(1), { verdict: 'false_positive' })
  t.match(eventOf(2), { verdict: null })
  t.strictSame(await repository.reviewsOf(1), [second, first])
  t.strictSame(await repository.reviewsOf(2), [])
  const entry = ledgerOf(1).at(-1)
  t.match(entry, { action: 'event.reviewed', actor: 'user:ben' })
  t.strictSame(JSON.parse(entry?.payload ?? '').review, {
    review_id: 2, event_id: 1, at_ms: 5000, reviewer: 'ben', verdict: 'false_positive', look_alike: 'kelp', oil_appearance_code: null, notes: ''
  }, 'the row')
})

t.test('the ledger\'s newest entry of an event has the verdict, the hold and who has seen it', async t => {
  const { repository, eventOf, ledgerOf } = await setUp(t)
  const state = () => JSON.parse(ledgerOf(1).at(-1)?.payload ?? '').event
  const steps = [
    async () => await repository.review(said(1), CONFIRMED),
    async () => await repository.acknowledge(said(1)),
    async () => await repository.hold(said(1), 'a case'),
    async () => await repository.release(said(1), '')
  ]
  for (const step of steps) {
    await step()
    t.match(state(), { ...eventOf(1) })
  }
  t.strictSame(ledgerOf(1).slice(1).map(({ action }) => action), ['event.reviewed', 'event.acknowledged', 'event.held', 'event.released'])
  t.strictSame(JSON.parse(ledgerOf(1)[3]?.payload ?? '').hold, { hold_id: 1, event_id: 1, at_ms: 5000, username: 'anna', held: 1, reason: 'a case' })
})

t.test('who has seen an event first stays', async t => {
  const { repository, ledgerOf } = await setUp(t)
  t.strictSame(await repository.acknowledgementOf(1), { atMs: null, username: null })
  const first = await repository.acknowledge(said(1))
  t.strictSame(first, { atMs: 5000, username: 'anna' })
  t.strictSame(await repository.acknowledge({ ...said(1, 'ben'), atMs: 9000 }), first)
  t.strictSame(await repository.acknowledgementOf(1), first)
  t.equal(ledgerOf(1).length, 2, 'and the second one is no entry')
})

t.test('a hold has a reason, and its history stays after the release', async t => {
  const { repository, eventOf, ledgerOf } = await setUp(t)
  t.equal(await repository.release(said(1), ''), undefined, 'what is not held cannot be released')
  t.equal(ledgerOf(1).length, 1)
  await repository.hold(said(1), 'a case')
  await repository.hold(said(1, 'ben'), 'another case')
  t.match(eventOf(1), { held: 1 })
  await repository.release(said(1), 'both closed')
  t.match(eventOf(1), { held: 0 })
  t.match(await repository.holdsOf(1), [
    { isHeld: false, username: 'anna', reason: 'both closed' }, { isHeld: true, username: 'ben', reason: 'another case' }, { isHeld: true, username: 'anna', reason: 'a case' }
  ])
})

t.test('notes are the same in the table and in the ledger, whatever is typed', async t => {
  const { repository, ledgerOf, other } = await setUp(t)
  const notes = 'half a pair: \ud83c, "quoted", \u0000, \u2028 and 🌊'
  const { notes: kept } = await repository.review(said(1), { ...CONFIRMED, notes })
  t.equal(kept, notes.replace('\ud83c', '\ufffd'))
  t.equal(JSON.parse(ledgerOf(1).at(-1)?.payload ?? '').review.notes, kept)
  t.equal(other.prepare('SELECT notes FROM reviews').pluck().get(), kept)
})

t.test('what does not exist cannot be reviewed, and a part only as the whole', async t => {
  const { repository, merge, ledgerOf } = await setUp(t)
  await merge()
  const before = ledgerOf(2).length
  const table: Array<(id: number) => Promise<unknown>> = [
    async (id: number) => await repository.review(said(id), CONFIRMED),
    async (id: number) => await repository.acknowledge(said(id)),
    async (id: number) => await repository.hold(said(id), 'a case'),
    async (id: number) => await repository.release(said(id), '')
  ]
  for (const action of table) {
    await t.rejects(action(3), { code: 'EVENT_NOT_FOUND' })
    await t.rejects(action(2), { code: 'EVENT_MERGED', message: /event 1/ })
  }
  const queries: Array<Promise<unknown>> = [repository.reviewsOf(3), repository.holdsOf(3), repository.acknowledgementOf(3)]
  for (const query of queries) await t.rejects(query, { code: 'EVENT_NOT_FOUND' })
  t.equal(ledgerOf(2).length, before)
})

t.test('two events that turn out to be one keep a verdict that both have, and else are to be reviewed again', async t => {
  const table: Array<[first: Review | undefined, second: Review | undefined, verdict: string | null, takenBack: boolean]> = [
    [CONFIRMED, CONFIRMED, 'confirmed', false],
    [CONFIRMED, FALSE_POSITIVE, null, true],
    [CONFIRMED, undefined, null, true],
    [undefined, CONFIRMED, null, false],
    [undefined, undefined, null, false]
  ]
  for (const [first, second, verdict, takenBack] of table) {
    const { repository, merge, eventOf, ledgerOf } = await setUp(t)
    if (first !== undefined) await repository.review(said(1), first)
    if (second !== undefined) await repository.review(said(2, 'ben'), second)
    await merge()
    const title = `${first?.verdict} and ${second?.verdict}`
    t.match(eventOf(1), { verdict }, title)
    t.match(eventOf(2), { merged_into: 1, verdict: second?.verdict ?? null }, 'the part keeps its own')
    const reviews = await repository.reviewsOf(1)
    t.equal(reviews.length, Number(first !== undefined) + Number(second !== undefined) + Number(takenBack), 'every review is still there')
    if (takenBack) t.match(reviews[0], { verdict: null, reviewer: null, notes: /event 2/ })
    t.match(JSON.parse(ledgerOf(1).at(-1)?.payload ?? '').event, { verdict })
  }
})

t.test('a hold and an acknowledgement go over to the whole', async t => {
  const { repository, merge, eventOf, ledgerOf } = await setUp(t)
  await repository.hold(said(2), 'a case')
  await repository.acknowledge(said(2))
  await repository.acknowledge({ ...said(1, 'ben'), atMs: 6000 })
  await merge()
  t.match(eventOf(1), { held: 1, acknowledged_at_ms: 5000, acknowledged_by: 'anna' }, 'by who was the first')
  t.match(eventOf(2), { held: 0, acknowledged_by: 'anna' }, 'one release is enough')
  t.match(await repository.holdsOf(1), [{ isHeld: false, eventId: 2, username: null }, { isHeld: true, eventId: 1, username: null, reason: /event 2/ }, { isHeld: true, eventId: 2, username: 'anna' }])
  for (const id of [1, 2]) t.match(JSON.parse(ledgerOf(id).at(-1)?.payload ?? '').event, { ...eventOf(id) }, 'the newest entry is the row')
  await repository.release(said(1), 'closed')
  t.match(eventOf(1), { held: 0 })
})

t.test('of a held whole nothing changes when a part comes that is not held', async t => {
  const { repository, merge, eventOf } = await setUp(t)
  await repository.hold(said(1), 'a case')
  await merge()
  t.match(eventOf(1), { held: 1 })
  t.equal((await repository.holdsOf(1)).length, 1)
})
