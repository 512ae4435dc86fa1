import type { EventFilter, EventOrder, EventPosition } from '../core/event-filter.js'

/** The fixed fragments that statements on the history are made of, and the values that they take. */

/** Starts of events: milliseconds since 1970, both ends included. */
export interface Range { readonly lowMs: number, readonly highMs: number }

/** What is bound to a statement. */
export interface Values extends Range { readonly [name: string]: unknown, readonly limit: number }

/** What events must be like. A line whose value is null holds for all. */
export const MATCHES = `event.merged_into IS NULL
  AND (:cameras IS NULL OR event.camera_id IN (SELECT value FROM json_each(:cameras)))
  AND (:state IS NULL OR (event.ended_at_ms IS NULL) = (:state = 'open'))
  AND (:verdict IS NULL OR coalesce(event.verdict, 'unreviewed') = :verdict)
  AND (:minConfidence IS NULL OR event.peak_confidence >= :minConfidence)
  AND (:west IS NULL OR (event.latitude BETWEEN :south AND :north AND CASE WHEN :west <= :east
        THEN event.longitude BETWEEN :west AND :east ELSE event.longitude >= :west OR event.longitude <= :east END))
  AND (:fromMs IS NULL OR event.ended_at_ms IS NULL OR event.ended_at_ms >= :fromMs)
  AND event.started_at_ms BETWEEN :lowMs AND :highMs`

/** The rows of review_notes with these words; see the schema for their numbers. */
const NOTED = 'SELECT rowid AS place FROM review_notes WHERE review_notes MATCH :words AND rowid BETWEEN (:lowMs << 22) AND (:highMs << 22 | 4194303)'

/** Only events with these words in the notes of their reviews. */
export const WITH_WORDS = `event.verdict IS NOT NULL AND (event.started_at_ms << 22 | (event.id & 4194303)) IN (${NOTED})`

/** To find the same from the words on. */
export const EVENTS_WITH_WORDS = `(${NOTED}) AS noted CROSS JOIN oil_spill_events AS event INDEXED BY oil_spill_events_by_start
  ON event.started_at_ms = (noted.place >> 22) AND (event.id & 4194303) = (noted.place & 4194303)`

/** How each order goes on behind a place. */
export const ORDERS: Record<EventOrder, { readonly behind: string, readonly by: string }> = {
  started_at: { behind: '(event.started_at_ms, event.id) > (:afterMs, :afterId)', by: 'event.started_at_ms, event.id' },
  '-started_at': { behind: '(event.started_at_ms, event.id) < (:afterMs, :afterId)', by: 'event.started_at_ms DESC, event.id DESC' }
}

/** Whether the oldest come first. */
export function isAscending ({ order }: EventFilter): boolean {
  return order === 'started_at'
}

/** The place behind everything that was searched. */
export function goesOn (filter: EventFilter, searchedToMs: number): EventPosition {
  return isAscending(filter) ? { startedAtMs: searchedToMs, id: Number.MAX_SAFE_INTEGER } : { startedAtMs: searchedToMs, id: 0 }
}

/** The starts that are left behind a place, from the begin of a window of time. */
export function startsOf ({ lowMs, highMs }: Range, filter: EventFilter, after: EventPosition | null): Range {
  const firstMs = Math.max(lowMs, filter.fromMs ?? lowMs)
  if (after === null) return { lowMs: firstMs, highMs }
  return isAscending(filter)
    ? { lowMs: Math.max(firstMs, after.startedAtMs), highMs }
    : { lowMs: firstMs, highMs: Math.min(highMs, after.startedAtMs) }
}

/** The values of a filter and a place. */
export function valuesOf (filter: EventFilter, after: EventPosition | null) {
  const beforeAllMs = isAscending(filter) ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER
  return {
    cameras: filter.cameras === null ? null : JSON.stringify(filter.cameras),
    state: filter.state,
    verdict: filter.verdict,
    minConfidence: filter.minConfidence,
    west: filter.bbox?.west ?? null,
    south: filter.bbox?.south ?? null,
    east: filter.bbox?.east ?? null,
    north: filter.bbox?.north ?? null,
    fromMs: filter.fromMs,
    afterMs: after?.startedAtMs ?? beforeAllMs,
    afterId: after?.id ?? 0
  }
}

/** Words as a search for all of them: in quotes nothing in them is an operator. Source: https://sqlite.org/fts5.html#fts5_strings */
export function quoted (words: string): string {
  const each = words.replaceAll('\0', ' ').split(/\s+/).filter(word => word !== '')
  return each.length === 0 ? NO_WORD : each.map(word => `"${word.replaceAll('"', '""')}"`).join(' ')
}

/** Finds nothing. */
const NO_WORD = '""'

/** A way through events in their order. */
export interface Walk {
  readonly from: string
  readonly where: readonly string[]
  /** What `where` takes. */
  readonly bound: { readonly walkedCamera?: string, readonly walkedVerdict: string | null }
}

/** The ways through the events of some cameras and a verdict, as far as the filter names them: together they are all of these. */
export function walksOf ({ cameras, verdict }: EventFilter): Walk[] {
  const byVerdict = verdict === null ? [] : ['event.verdict IS :walkedVerdict']
  const walkedVerdict = verdict === 'unreviewed' ? null : verdict
  if (cameras === null) return [{ from: indexedBy(verdict === null ? 'oil_spill_events_by_start' : 'oil_spill_events_by_verdict'), where: byVerdict, bound: { walkedVerdict } }]
  const from = indexedBy(verdict === null ? 'oil_spill_events_by_camera' : 'oil_spill_events_by_camera_and_verdict')
  return cameras.map(walkedCamera => ({ from, where: ['event.camera_id = :walkedCamera', ...byVerdict], bound: { walkedVerdict, walkedCamera } }))
}

/** The events by one of their indexes: SQLite's planner does not know how many each of them leaves. */
export function indexedBy (index: string): string {
  return `oil_spill_events AS event INDEXED BY ${index}`
}
