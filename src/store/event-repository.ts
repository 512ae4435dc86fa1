import type { EventChange } from '../core/event-recorder.js'
import type { OilSpillEvent } from '../core/event.js'
import type { EventPosition, NewEvent } from './event-queries.js'
import type { Queries } from './queries.js'
import type { SqlThread } from './sql-thread.js'

/** Events that are read and handed on in one go: enough to be quick, few enough not to hold up the relay. */
const PAGE_SIZE = 100

const BEFORE_ALL: EventPosition = { startedAtMs: Number.MIN_SAFE_INTEGER, id: 0 }

/**
 * The history of oil-spill events in SQLite. Every method but the summary goes to the SQL thread. What stores a
 * detection rejects with an error whose `code` is SQLite's or `SQL_THREAD_LOST`; all others with HistoryUnavailable.
 */
export class EventRepository {
  readonly #sql: SqlThread
  #total: number
  #newest: OilSpillEvent | undefined

  private constructor (sql: SqlThread, summary: ReturnType<Queries['summarizeEvents']>) {
    this.#sql = sql
    this.#total = summary.total
    this.#newest = summary.newest
  }

  /** Reads the summary of the history. */
  static async open (sql: SqlThread): Promise<EventRepository> {
    return new EventRepository(sql, await sql.call('summarizeEvents'))
  }

  /** Events since ever. Kept in memory, so that it costs nothing however long the history. */
  get totalEvents (): number {
    return this.#total
  }

  /** The event that started last, as it was stored when it opened or when the server started. */
  get newestEvent (): OilSpillEvent | undefined {
    return this.#newest
  }

  /** Ends one event and opens another, whichever is given, in one commit. Resolves with the one that was opened. */
  async change (ends: EventChange['ends'], opens: NewEvent | undefined): Promise<OilSpillEvent | undefined> {
    const opened = await this.#sql.call('changeEvent', ends, opens)
    if (opened !== undefined) {
      this.#total += 1
      if (this.#newest === undefined || opened.startedAtMs >= this.#newest.startedAtMs) this.#newest = opened
    }
    return opened
  }

  /** Moves the open event's last detection forward. */
  async noteDetection (eventId: number, detectedAtMs: number): Promise<void> {
    await this.#sql.call('noteDetection', eventId, detectedAtMs)
  }

  /** The event with this id, or undefined. */
  async find (id: number): Promise<OilSpillEvent | undefined> {
    return await this.#sql.ask('findEvent', id)
  }

  /** The event that is open on this camera, or undefined. */
  async openEventOf (cameraId: string): Promise<OilSpillEvent | undefined> {
    return await this.#sql.ask('openEventOf', cameraId)
  }

  /** The complete history, oldest first, a page at a time. Events that open meanwhile come at the end. */
  async * pages (): AsyncGenerator<OilSpillEvent[]> {
    let after = BEFORE_ALL
    while (true) {
      const page = await this.#sql.ask('pageOfEvents', after, PAGE_SIZE)
      const last = page.at(-1)
      if (last === undefined) return
      yield page
      after = { startedAtMs: last.startedAtMs, id: last.id }
    }
  }

  /** Which of these evidence paths belong to no event. */
  async unclaimedPaths (paths: string[]): Promise<string[]> {
    return await this.#sql.ask('unclaimedPaths', paths)
  }

  /** Whether an operator stopped the live picture of this camera. */
  async isStreamStopped (cameraId: string): Promise<boolean> {
    return await this.#sql.ask('isStreamStopped', cameraId)
  }

  /** Keeps over a restart that the live picture was stopped, or started again with null. */
  async setStreamStopped (cameraId: string, atMs: number | null): Promise<void> {
    await this.#sql.ask('setStreamStopped', cameraId, atMs)
  }
}
