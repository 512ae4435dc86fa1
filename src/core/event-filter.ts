import { createHash } from 'node:crypto'
import { canonicalJson } from './canonical-json.js'
import { parseCaptureTime } from './capture-time.js'

/** What a review says of an event, newest first; `unreviewed` where there is none yet. */
export const VERDICTS = ['confirmed', 'false_positive', 'unsure'] as const

/** What people said of an event. */
export type Verdict = typeof VERDICTS[number]

/** A part of the map in degrees, WGS 84. Where west is greater than east it crosses the antimeridian (RFC 7946, section 5.2). */
export interface BoundingBox { readonly west: number, readonly south: number, readonly east: number, readonly north: number }

/** In which order events are listed. */
export type EventOrder = 'started_at' | '-started_at'

/** Which events are meant, and in which order; null for no matter. Times are milliseconds since 1970, UTC. */
export interface EventFilter {
  readonly cameras: readonly string[] | null
  /** Events that were going on at this time or later. */
  readonly fromMs: number | null
  /** Events that had begun by this time. */
  readonly toMs: number | null
  readonly state: 'open' | 'ended' | null
  readonly verdict: Verdict | 'unreviewed' | null
  /** Of the detection that was surest. */
  readonly minConfidence: number | null
  readonly bbox: BoundingBox | null
  /** Words of the notes of a review, as a person types them. */
  readonly words: string | null
  readonly order: EventOrder
}

/** All events, oldest first. */
export const ALL_EVENTS: EventFilter = {
  cameras: null, fromMs: null, toMs: null, state: null, verdict: null, minConfidence: null, bbox: null, words: null, order: 'started_at'
}

/** Where a list of events goes on: behind this place in the order of start and id. */
export interface EventPosition { readonly startedAtMs: number, readonly id: number }

const DAY_MS = 86_400_000

/**
 * Reads the edge of a window of time: RFC 3339, the API's own `2026-03-02T14:30:00.000000`, which is UTC, or a day such as
 * `2026-03-02`, from its first millisecond to its last. A plus that an address has turned into a space is taken for one.
 * @returns milliseconds since 1970, UTC; undefined for anything else
 */
export function parseWindowEdge (text: string, edge: 'from' | 'to'): number | undefined {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) {
    const startMs = parseCaptureTime(`${text}T00:00:00Z`)
    return startMs === undefined || edge === 'from' ? startMs : startMs + DAY_MS - 1
  }
  if (!/^\d{4}-\d{2}-\d{2}[Tt ]/.test(text)) return undefined
  const zoned = text.replace(/(:\d{2}(?:\.\d+)?) (\d{2}:\d{2})$/, '$1+$2')
  return parseCaptureTime(zoned) ?? parseCaptureTime(`${zoned}Z`)
}

/**
 * Reads a bounding box in the order of RFC 7946, section 5: west, south, east, north.
 * @returns undefined where it is none
 */
export function parseBoundingBox ([west, south, east, north]: readonly number[]): BoundingBox | undefined {
  if (west === undefined || south === undefined || east === undefined || north === undefined) return undefined
  const isOnEarth = Math.abs(west) <= 180 && Math.abs(east) <= 180 && south >= -90 && north <= 90
  return isOnEarth && south <= north ? { west, south, east, north } : undefined
}

/** What sets the cursors of one list apart from those of others. */
function fingerprintOf (filter: EventFilter): string {
  const { cameras, bbox, ...rest } = filter
  const text = canonicalJson({ ...rest, cameras: cameras === null ? null : [...cameras].sort(), bbox: bbox === null ? null : { ...bbox } })
  return createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** The place as text that clients hand back: opaque to them, good for the same filters and order only. */
export function cursorOf (filter: EventFilter, { startedAtMs, id }: EventPosition): string {
  return Buffer.from(`1 ${fingerprintOf(filter)} ${startedAtMs} ${id}`).toString('base64url')
}

/** Reads what `cursorOf` made. Undefined for anything else, also for a cursor of other filters. */
export function parseCursor (filter: EventFilter, cursor: string): EventPosition | undefined {
  const [, fingerprint, startedAtMs, id] = /^1 ([0-9a-f]{16}) (-?\d{1,16}) (\d{1,16})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  const position = { startedAtMs: Number(startedAtMs), id: Number(id) }
  return fingerprint === fingerprintOf(filter) && cursorOf(filter, position) === cursor ? position : undefined
}
