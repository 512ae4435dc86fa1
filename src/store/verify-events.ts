import { eventFactsVerifier, type EventFacts } from './verify-event-facts.js'
import { payloadOf, isPayload } from './verify-ledger.js'
import type { Verification, VerifySummary } from './verify.js'

type EventRow = EventFacts & {
  readonly verdict: string | null
  readonly held: number
  readonly acknowledged_at_ms: number | null
  readonly [column: string]: string | number | null
}

/** Compares each event with the newest entry that tells of its row, and with what else must agree with it. */
export function verifyEvents (verification: Verification): Pick<VerifySummary, 'events'> {
  const { database, since, isWhole, report } = verification
  const { newestEntries, newestVerdict, isHeld, wasAcknowledged, brokenEntries, untoldReviews, untoldHolds, untoldClips } = statements(verification)
  for (const row of brokenEntries.iterate(isWhole ? 0 : since)) {
    const { found, signed } = payloadOf(row) ?? {}
    report(`ledger row ${row.sequence}`, `it says that something else had written to the ledger: ${endOf(found)} was found, ${endOf(signed)} was signed`)
  }
  const factsProblem = eventFactsVerifier(verification)
  let events = 0
  const touched = isWhole ? '' : 'WHERE (SELECT max(sequence) FROM ledger WHERE subject = \'event:\' || oil_spill_events.id) >= ?'
  const all = database.prepare<number[], EventRow>(`SELECT * FROM oil_spill_events NOT INDEXED ${touched} ORDER BY id`)
  for (const event of all.iterate(...(isWhole ? [] : [since]))) {
    events += 1
    const problem = stateProblem(event) ?? factsProblem(event) ?? reviewProblem(event)
    if (problem !== undefined) report(`event ${event.id}`, problem)
    for (const reviewId of untoldReviews.iterate({ id: event.id })) report(`review ${reviewId}`, 'no ledger entry tells of it')
    for (const holdId of untoldHolds.iterate({ id: event.id })) report(`hold ${holdId}`, 'no ledger entry tells of it')
    for (const clipId of untoldClips.iterate({ id: event.id })) report(`clip ${clipId}`, 'no ledger entry tells of it')
  }
  return { events }

  function stateProblem (event: EventRow): string | undefined {
    for (const row of newestEntries.iterate(`event:${event.id}`)) {
      const state = payloadOf(row)?.['event']
      if (!isPayload(state)) continue
      const differing = Object.keys(state).find(column => state[column] !== event[column])
      return differing === undefined ? undefined : `its ${differing} is not as ledger row ${row.sequence} tells`
    }
    return 'no ledger entry tells of it'
  }

  function reviewProblem (event: EventRow): string | undefined {
    const subject = `event:${event.id}`
    if (event.verdict !== (newestVerdict.get(event.id) ?? null)) return 'its verdict is not that of its newest review'
    if ((event.held === 1) !== (isHeld.get(subject) === 1)) return 'whether it is held is not as the ledger tells'
    if ((event.acknowledged_at_ms !== null) !== (wasAcknowledged.get(subject) === 1)) return 'whether it was acknowledged is not as the ledger tells'
    return undefined
  }
}

function statements ({ database }: Verification) {
  return {
    newestEntries: database.prepare<[string], { sequence: number, payload: string }>('SELECT sequence, payload FROM ledger WHERE subject = ? ORDER BY sequence DESC'),
    brokenEntries: database.prepare<[number], { sequence: number, payload: string }>(
      'SELECT sequence, payload FROM ledger WHERE subject = \'server\' AND action = \'ledger.broken\' AND sequence >= ? ORDER BY sequence'),
    newestVerdict: database.prepare<[number], string>('SELECT verdict FROM reviews WHERE event_id = ? ORDER BY review_id DESC LIMIT 1').pluck(),
    isHeld: database.prepare<[string], number>(`
      SELECT action = 'event.held' FROM ledger WHERE subject = ? AND action IN ('event.held', 'event.released') ORDER BY sequence DESC LIMIT 1`).pluck(),
    wasAcknowledged: database.prepare<[string], number>('SELECT 1 FROM ledger WHERE subject = ? AND action = \'event.acknowledged\' LIMIT 1').pluck(),
    // An altered payload may be no JSON.
    untoldReviews: database.prepare<{ id: number }, number>(`
      SELECT review_id FROM reviews WHERE event_id = :id AND NOT EXISTS (
        SELECT 1 FROM ledger WHERE subject = 'event:' || event_id AND iif(json_valid(payload), payload ->> '$.review.review_id', NULL) = review_id)`).pluck(),
    untoldHolds: database.prepare<{ id: number }, number>(`
      SELECT hold_id FROM holds WHERE event_id = :id AND NOT EXISTS (
        SELECT 1 FROM ledger WHERE subject = 'event:' || event_id AND iif(json_valid(payload), payload ->> '$.hold.hold_id', NULL) = hold_id)`).pluck(),
    untoldClips: database.prepare<{ id: number }, number>(`
      SELECT clip_id FROM clips WHERE event_id = :id AND NOT EXISTS (
        SELECT 1 FROM ledger
         WHERE subject IN (SELECT 'event:' || id FROM oil_spill_events WHERE :id IN (id, merged_into))
           AND iif(json_valid(payload), coalesce(payload ->> '$.frames.clip_id', payload ->> '$.clip.clip_id'), NULL) = clip_id)`).pluck()
  }
}

function endOf (end: unknown): string {
  return typeof end === 'object' && end !== null && 'sequence' in end ? `row ${String(end.sequence)}` : 'nothing'
}
