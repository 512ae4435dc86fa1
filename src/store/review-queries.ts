import type { Verdict } from '../core/event-filter.js'
import { mergedVerdict, type Acknowledgement, type Review, type StoredHold, type StoredReview } from '../core/review.js'
import type { Connection } from './database.js'
import { eventChanges } from './event-changes.js'
import type { Ledger } from './ledger-statements.js'

/** Who says something of which event, and when: milliseconds since 1970, UTC. */
export interface Said { readonly eventId: number, readonly username: string, readonly atMs: number }

/** What came of it; or that there is no such event, or that it is a part of another one, of which it is to be said. */
export type Outcome<Result> = { readonly result: Result } | 'unknown' | { readonly mergedInto: number }

interface ReviewRow {
  review_id: number
  event_id: number
  at_ms: number
  reviewer: string | null
  verdict: Verdict | null
  look_alike: string | null
  oil_appearance_code: number | null
  notes: string
}

interface HoldRow { hold_id: number, event_id: number, at_ms: number, username: string | null, held: number, reason: string }

interface ReviewState { merged_into: number | null, verdict: Verdict | null, held: number, acknowledged_at_ms: number | null, acknowledged_by: string | null }

const REVIEW = 'review_id, event_id, at_ms, reviewer, verdict, look_alike, oil_appearance_code, notes'
const HOLD = 'hold_id, event_id, at_ms, username, held, reason'
const OF_EVENT = '(event_id = :id OR event_id IN (SELECT id FROM oil_spill_events WHERE merged_into = :id))'

/** What people say of events, and what becomes of it when two of them merge: rows of reviews and holds are only added. */
export function reviewStatements (database: Connection, ledger: Ledger) {
  const { tell } = eventChanges(database, ledger)
  const stateOf = database.prepare<[number], ReviewState>(
    'SELECT merged_into, verdict, held, acknowledged_at_ms, acknowledged_by FROM oil_spill_events WHERE id = ?')
  const insertReview = database.prepare<[number, number, string | null, Verdict | null, string | null, number | null, string], ReviewRow>(`
    INSERT INTO reviews (event_id, at_ms, reviewer, verdict, look_alike, oil_appearance_code, notes) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING ${REVIEW}`)
  const insertHold = database.prepare<[number, number, string | null, number, string], HoldRow>(
    `INSERT INTO holds (event_id, at_ms, username, held, reason) VALUES (?, ?, ?, ?, ?) RETURNING ${HOLD}`)
  const setVerdict = database.prepare<[Verdict | null, number]>('UPDATE oil_spill_events SET verdict = ? WHERE id = ?')
  const setHeld = database.prepare<[number, number]>('UPDATE oil_spill_events SET held = ? WHERE id = ?')
  const setAcknowledged = database.prepare<[number, string | null, number]>('UPDATE oil_spill_events SET acknowledged_at_ms = ?, acknowledged_by = ? WHERE id = ?')

  function review (eventId: number, username: string | null, atMs: number, { verdict, lookAlike, oilAppearanceCode, notes }: Omit<Review, 'verdict'> & { verdict: Verdict | null }): StoredReview {
    const row = insertReview.all(eventId, atMs, username, verdict, lookAlike, oilAppearanceCode, notes)[0]
    if (row === undefined) throw new Error('the review was not stored')
    setVerdict.run(verdict, eventId)
    tell('event.reviewed', eventId, { review: { ...row } }, actorOf(username))
    return toReview(row)
  }

  function hold (eventId: number, username: string | null, atMs: number, isHeld: boolean, reason: string): StoredHold {
    const row = insertHold.all(eventId, atMs, username, Number(isHeld), reason)[0]
    if (row === undefined) throw new Error('the hold was not stored')
    setHeld.run(Number(isHeld), eventId)
    tell(isHeld ? 'event.held' : 'event.released', eventId, { hold: { ...row } }, actorOf(username))
    return toHold(row)
  }

  function acknowledge (eventId: number, atMs: number, username: string | null, by: string): void {
    setAcknowledged.run(atMs, username, eventId)
    tell('event.acknowledged', eventId, {}, by)
  }

  return {
    stateOf: (eventId: number) => stateOf.get(eventId),
    review,
    hold,
    acknowledge,
    /**
     * Hands on what was said of an event that has become a part of another one: the whole is held where one of both was,
     * was acknowledged when the first of both was, and is to be reviewed again unless both have the same verdict.
     */
    mergeInto (whole: number, part: number, atMs: number): void {
      const [first, second] = [stateOf.get(whole), stateOf.get(part)]
      if (first === undefined || second === undefined) return
      const verdict = mergedVerdict(first.verdict, second.verdict)
      if (verdict !== first.verdict) {
        review(whole, null, atMs, { verdict, lookAlike: null, oilAppearanceCode: null, notes: `became one with event ${part}, of which something else was said` })
      }
      if (second.held === 1) {
        if (first.held === 0) hold(whole, null, atMs, true, `became one with event ${part}, which was held`)
        hold(part, null, atMs, false, `became a part of event ${whole}, which is held`)
      }
      const seenAtMs = second.acknowledged_at_ms
      if (seenAtMs !== null && (first.acknowledged_at_ms === null || seenAtMs < first.acknowledged_at_ms)) {
        acknowledge(whole, seenAtMs, second.acknowledged_by, 'server')
      }
    }
  }
}

/** Every query of what people say of events, prepared once. */
export function reviewQueries (database: Connection, ledger: Ledger) {
  const { stateOf, review, hold, acknowledge } = reviewStatements(database, ledger)
  const exists = database.prepare<[number], number>('SELECT 1 FROM oil_spill_events WHERE id = ?').pluck()
  const reviews = database.prepare<{ id: number, limit: number }, ReviewRow>(`SELECT ${REVIEW} FROM reviews WHERE ${OF_EVENT} ORDER BY review_id DESC LIMIT :limit`)
  const holds = database.prepare<{ id: number, limit: number }, HoldRow>(`SELECT ${HOLD} FROM holds WHERE ${OF_EVENT} ORDER BY hold_id DESC LIMIT :limit`)

  function on<Result> (eventId: number, action: (state: ReviewState) => Result): Outcome<Result> {
    const state = stateOf(eventId)
    if (state === undefined) return 'unknown'
    return state.merged_into === null ? { result: action(state) } : { mergedInto: state.merged_into }
  }

  return {
    /** Adds a review, which counts from then on. */
    reviewEvent ({ eventId, username, atMs }: Said, said: Review): Outcome<StoredReview> {
      return on(eventId, () => review(eventId, username, atMs, said))
    },
    /** Notes who has seen an event first. Returns who has. */
    acknowledgeEvent ({ eventId, username, atMs }: Said): Outcome<Acknowledgement> {
      return on(eventId, state => {
        if (state.acknowledged_at_ms !== null) return toAcknowledgement(state)
        acknowledge(eventId, atMs, username, `user:${username}`)
        return { atMs, username }
      })
    },
    /** Holds an event; one that is held already, for one more reason. */
    holdEvent ({ eventId, username, atMs }: Said, reason: string): Outcome<StoredHold> {
      return on(eventId, () => hold(eventId, username, atMs, true, reason))
    },
    /** Releases an event. Undefined where it is not held. */
    releaseEvent ({ eventId, username, atMs }: Said, reason: string): Outcome<StoredHold | undefined> {
      return on(eventId, state => state.held === 0 ? undefined : hold(eventId, username, atMs, false, reason))
    },
    /** The newest reviews of an event and of its parts, newest first; undefined where there is no such event. */
    reviewsOf (id: number, limit: number): StoredReview[] | undefined {
      return exists.get(id) === undefined ? undefined : reviews.all({ id, limit }).map(toReview)
    },
    /** The newest holds and releases of an event and of its parts, newest first; undefined where there is no such event. */
    holdsOf (id: number, limit: number): StoredHold[] | undefined {
      return exists.get(id) === undefined ? undefined : holds.all({ id, limit }).map(toHold)
    },
    /** Who has acknowledged an event; undefined where there is no such event. */
    acknowledgementOf (id: number): Acknowledgement | undefined {
      const state = stateOf(id)
      return state === undefined ? undefined : toAcknowledgement(state)
    }
  }
}

/** Those of them that change something. */
export const WRITING_REVIEW_QUERIES: ReadonlyArray<keyof ReturnType<typeof reviewQueries>> = ['reviewEvent', 'acknowledgeEvent', 'holdEvent', 'releaseEvent']

function actorOf (username: string | null): string {
  return username === null ? 'server' : `user:${username}`
}

function toReview (row: ReviewRow): StoredReview {
  return {
    reviewId: row.review_id,
    eventId: row.event_id,
    atMs: row.at_ms,
    reviewer: row.reviewer,
    verdict: row.verdict,
    lookAlike: row.look_alike,
    oilAppearanceCode: row.oil_appearance_code,
    notes: row.notes
  }
}

function toHold ({ hold_id: holdId, event_id: eventId, at_ms: atMs, username, held, reason }: HoldRow): StoredHold {
  return { holdId, eventId, atMs, username, isHeld: held === 1, reason }
}

function toAcknowledgement ({ acknowledged_at_ms: atMs, acknowledged_by: username }: ReviewState): Acknowledgement {
  return { atMs, username }
}
