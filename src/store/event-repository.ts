import { setTimeout } from 'node:timers/promises'
import { ALL_EVENTS, type EventFilter, type EventPosition } from '../core/event-filter.js'
import type { Detection, Evidence, ListedEvent, OilSpillEvent, StoredDetection } from '../core/event.js'
import type { EventSpan } from '../core/late-detection.js'
import { Rest } from '../core/rest.js'
import type { DetectionPosition } from './detection-statements.js'
import type { DetectionNote } from './note-batch.js'
import type { CameraSummary, ClipNote, EventEnd, LateJoin, NewEvent } from './event-queries.js'
import type { SqlThread } from './sql-thread.js'

/** What is read and handed on in one go: enough to be quick, few enough not to hold up the relay. */
const PAGE_SIZE = 100

/** The same where pages follow each other through a whole history: both are what keeps the live picture in time meanwhile. */
const LONG_LIST = { pageSize: 25, restShare: 0.5 } as const

/** The history of one camera, or of all, in short. */
export interface EventSummary {
  readonly total: number
  /** When the newest event started, in milliseconds since 1970; undefined where there is none. */
  readonly newestStartedAtMs: number | undefined
}

const NO_EVENTS: EventSummary = { total: 0, newestStartedAtMs: undefined }

/**
 * The history of oil-spill events in SQLite. Every method but the summary goes to the SQL thread, unless it says otherwise. What stores a
 * detection rejects with an error whose `code` is SQLite's or `SQL_THREAD_LOST`; all others with HistoryUnavailable.
 */
export class EventRepository {
  readonly #sql: SqlThread
  /** By camera. Kept in memory, so that it costs nothing however long the history. */
  readonly #summaries = new Map<string, EventSummary>()
  /** No path of an opening frame behind this one, in the order of text, is in the history. */
  #lastPath: string

  private constructor (sql: SqlThread, summaries: readonly CameraSummary[], lastPath: string | undefined) {
    this.#sql = sql
    this.#lastPath = lastPath ?? ''
    for (const { cameraId, ...summary } of summaries) this.#summaries.set(cameraId, summary)
  }

  /** Reads the summary of the history. */
  static async open (sql: SqlThread): Promise<EventRepository> {
    return new EventRepository(sql, await sql.ask('summarizeEvents'), await sql.ask('lastPath'))
  }

  /** The history of this camera, or of all where none is named. */
  summaryOf (cameraId?: string): EventSummary {
    if (cameraId !== undefined) return this.#summaries.get(cameraId) ?? NO_EVENTS
    return [...this.#summaries.values()].reduce(added, NO_EVENTS)
  }

  /** Ends one event and opens another, whichever is given, in one commit. Resolves with the one that was opened. */
  async change (ends: EventEnd | undefined, opens: NewEvent | undefined): Promise<OilSpillEvent | undefined> {
    if (opens !== undefined) this.#notePath(opens.evidence)
    const opened = await this.#sql.call('changeEvent', ends, opens)
    if (opened !== undefined) this.#count(opened.cameraId, { total: 1, newestStartedAtMs: opened.startedAtMs })
    return opened
  }

  /** Makes a stored frame the opening one of an event, and keeps its detection where that is new. Resolves with false where the event has one. */
  async keepEvidence (eventId: number, detection: Detection, evidence: Evidence, isNew: boolean): Promise<boolean> {
    this.#notePath(evidence)
    return await this.#sql.call('keepEvidence', eventId, detection, evidence, isNew)
  }

  /** The event that a detection is kept with, where that lacks its opening frame. */
  async lackingEvidence (detection: Detection): Promise<OilSpillEvent | undefined> {
    return await this.#sql.call('eventLackingEvidence', detection)
  }

  /**
   * Keeps what events go on with: detections, and frames of clips. Resolves with the places of the detections that were
   * not kept, since their key came with another frame before.
   */
  async addDetections (notes: readonly DetectionNote[], clips: readonly ClipNote[] = []): Promise<number[]> {
    return await this.#sql.call('addDetections', notes, clips)
  }

  /** Keeps a detection that came late. Resolves with whether it is new. */
  async join (join: LateJoin): Promise<boolean> {
    if (join.evidence !== null) this.#notePath(join.evidence)
    const newestStartedAtMs = await this.#sql.call('joinEvent', join)
    if (newestStartedAtMs === undefined) return false
    const { cameraId } = join.detection
    const { total } = this.summaryOf(cameraId)
    this.#summaries.set(cameraId, { total: join.mergedEventId === null ? total : total - 1, newestStartedAtMs })
    return true
  }

  /** The events of a camera next to a time, before and after it. */
  async neighboursOf (cameraId: string, atMs: number): Promise<{ before: EventSpan | undefined, after: EventSpan | undefined }> {
    return await this.#sql.call('neighboursOf', cameraId, atMs)
  }

  /** As `find`, for whoever stores something: rejects with the error of SQLite. */
  async get (id: number): Promise<OilSpillEvent | undefined> {
    return await this.#sql.call('findEvent', id)
  }

  /** The event with this id, or undefined. */
  async find (id: number): Promise<OilSpillEvent | undefined> {
    return await this.#sql.ask('findEvent', id)
  }

  /** The event with this id and all that people see of it, or undefined. */
  async findListed (id: number): Promise<ListedEvent | undefined> {
    return await this.#sql.ask('findListedEvent', id)
  }

  /** When the evidence of an event was deleted, in milliseconds since 1970, and why; undefined where it was not. */
  async deletionOf (eventId: number): Promise<{ atMs: number, reason: string } | undefined> {
    return await this.#sql.ask('deletionOf', eventId)
  }

  /** The events that are open, one a camera at most. */
  async openEvents (): Promise<OilSpillEvent[]> {
    return await this.#sql.ask('openEvents')
  }

  /**
   * The events that are as a filter says, all where there is none, a page at a time, behind a place where one is given.
   * Events that open meanwhile come at the end of those that are listed oldest first. A page is never empty. It is in no
   * hurry: the live picture goes first.
   */
  async * pages (filter: EventFilter = ALL_EVENTS, after: EventPosition | null = null): AsyncGenerator<readonly ListedEvent[], void> {
    let place = after
    const rest = new Rest(LONG_LIST.restShare, setTimeout)
    do {
      const from = place
      const { events, next } = await rest.before(async () => await this.#sql.ask('pageOfHistory', filter, from, LONG_LIST.pageSize))
      if (events.length > 0) yield events
      const last = filter.order === 'started_at' ? events.at(-1) : undefined
      place = next ?? (last === undefined ? null : { startedAtMs: last.startedAtMs, id: last.id })
    } while (place !== null)
  }

  /** At most `limit` of the events that `pages` gives, and whether there are more. */
  async some (filter: EventFilter, after: EventPosition | null, limit: number): Promise<{ events: ListedEvent[], hasMore: boolean }> {
    const events: ListedEvent[] = []
    let place = after
    do {
      const page = await this.#sql.ask('pageOfHistory', filter, place, Math.min(PAGE_SIZE, limit + 1 - events.length))
      events.push(...page.events)
      place = page.next
    } while (place !== null && events.length <= limit)
    return { events: events.slice(0, limit), hasMore: events.length > limit }
  }

  /** The detections of an event, a page at a time, in the order in which their frames were taken. */
  async * detectionPages (eventId: number): AsyncGenerator<StoredDetection[]> {
    let after: DetectionPosition = { takenAtMs: Number.MIN_SAFE_INTEGER, id: 0 }
    while (true) {
      const page = await this.#sql.ask('pageOfDetections', eventId, after, PAGE_SIZE)
      const last = page.at(-1)
      if (last === undefined) return
      yield page
      after = { takenAtMs: last.takenAtMs, id: last.id }
    }
  }

  /** Which of these evidence paths nothing in the history keeps. */
  async unclaimedPaths (paths: string[]): Promise<string[]> {
    return await this.#sql.ask('unclaimedPaths', paths)
  }

  /**
   * Whether the history has this path of an opening frame, also where its file is missing or deleted. Of a path behind all
   * that it has, as that of a new event is, this is known without asking: on a slow disk an answer takes some commits.
   */
  async isPathKnown (path: string): Promise<boolean> {
    if (path > this.#lastPath) return false
    return await this.#sql.call('isPathKnown', path)
  }

  /** Before it is stored: it may be even where no answer comes. */
  #notePath ({ framePath }: Evidence): void {
    if (framePath > this.#lastPath) this.#lastPath = framePath
  }

  #count (cameraId: string, more: EventSummary): void {
    this.#summaries.set(cameraId, added(this.summaryOf(cameraId), more))
  }
}

function added (a: EventSummary, b: EventSummary): EventSummary {
  const newest = Math.max(a.newestStartedAtMs ?? -Infinity, b.newestStartedAtMs ?? -Infinity)
  return { total: a.total + b.total, newestStartedAtMs: newest === -Infinity ? undefined : newest }
}
