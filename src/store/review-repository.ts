import type { Acknowledgement, Review, StoredHold, StoredReview } from '../core/review.js'
import { wellFormed } from '../core/well-formed.js'
import { EventMerged, EventNotFound } from '../errors.js'
import type { Outcome, Said } from './review-queries.js'
import type { SqlThread } from './sql-thread.js'

/** Reviews, holds or releases of one event that are shown at most. */
export const MAX_SHOWN = 1000

/**
 * What people say of events, in SQLite, with the ledger. Every method rejects with EventNotFound where there is no such
 * event, and with HistoryUnavailable where it cannot be stored or read; those that say something of it also with
 * EventMerged where it is a part of another one.
 */
export class ReviewRepository {
  readonly #sql: SqlThread

  constructor (sql: SqlThread) {
    this.#sql = sql
  }

  /** Adds a review, which counts from then on. The ones before it stay. */
  async review (said: Said, review: Review): Promise<StoredReview> {
    return settled(said.eventId, await this.#sql.ask('reviewEvent', said, { ...review, notes: wellFormed(review.notes) }))
  }

  /** Says that somebody has seen an event. Resolves with who was the first. */
  async acknowledge (said: Said): Promise<Acknowledgement> {
    return settled(said.eventId, await this.#sql.ask('acknowledgeEvent', said))
  }

  /** Keeps the evidence of an event from being deleted, until it is released. */
  async hold (said: Said, reason: string): Promise<StoredHold> {
    return settled(said.eventId, await this.#sql.ask('holdEvent', said, wellFormed(reason)))
  }

  /** Ends the hold of an event. Resolves with undefined where it was not held. */
  async release (said: Said, reason: string): Promise<StoredHold | undefined> {
    return settled(said.eventId, await this.#sql.ask('releaseEvent', said, wellFormed(reason)))
  }

  /** The newest reviews of an event and of the events that became parts of it, newest first. */
  async reviewsOf (eventId: number): Promise<StoredReview[]> {
    return known(eventId, await this.#sql.ask('reviewsOf', eventId, MAX_SHOWN))
  }

  /** The newest holds and releases of an event and of the events that became parts of it, newest first. */
  async holdsOf (eventId: number): Promise<StoredHold[]> {
    return known(eventId, await this.#sql.ask('holdsOf', eventId, MAX_SHOWN))
  }

  /** Who has acknowledged an event. */
  async acknowledgementOf (eventId: number): Promise<Acknowledgement> {
    return known(eventId, await this.#sql.ask('acknowledgementOf', eventId))
  }
}

function settled<Result> (eventId: number, outcome: Outcome<Result>): Result {
  if (outcome === 'unknown') throw new EventNotFound(eventId)
  if ('mergedInto' in outcome) throw new EventMerged(eventId, outcome.mergedInto)
  return outcome.result
}

function known<Result> (eventId: number, result: Result | undefined): Result {
  if (result === undefined) throw new EventNotFound(eventId)
  return result
}
