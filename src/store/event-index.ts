import type { BoundingBox, EventFilter } from '../core/event-filter.js'
import type { Connection } from './database.js'

/** A box in the index, as far as it is not of time. */
export interface Probe {
  readonly west: number
  readonly east: number
  readonly south: number
  readonly north: number
  readonly lowSureness: number
  readonly highSureness: number
  readonly lowCamera: number
  readonly highCamera: number
}

/** A stretch of time in the index: starts from one time to another, and ends not before a third. Milliseconds since 1970. */
export interface IndexTimes { readonly lowMs: number, readonly highMs: number, readonly endsFromMs: number }

const DAY_MS = 86_400_000

/** What an index multiplies its numbers with, as in the schema. */
interface Scales { readonly degree: number, readonly sureness: number, readonly camera: number }

/** What is added to how sure the detector was, by verdict. */
const LEAST_SURE = { unreviewed: 0, confirmed: 4, false_positive: 8, unsure: 12 }

/** An index keeps 24 bits of each number: what is looked for is looked for this far around. The table says what is right. */
const SLACK_DAYS = 0.01
const SLACK = 1e-4

/** Beyond everything in an index. */
const FAR = 1e12

/** Of more cameras than this, all between the first and the last are looked at. */
const MAX_PROBED_CAMERAS = 8

/** All ends. */
export const ALL_TIMES = { endsFromMs: Number.MIN_SAFE_INTEGER }

const BOX = `west <= :boxEast AND east >= :boxWest AND south <= :boxNorth AND north >= :boxSouth
  AND start_day BETWEEN :lowDay AND :highDay AND end_day >= :endsFromDay
  AND low_sureness <= :highSureness AND high_sureness >= :lowSureness AND low_camera <= :highCamera AND high_camera >= :lowCamera`

/** An index of events by place, time, sureness, verdict and camera at once: an R*Tree (https://sqlite.org/rtree.html). */
export type EventIndex = ReturnType<typeof indexOf>

/** Two of them with the same in them: one finds places and cameras fast, the other how sure detector and reviewers were. */
export function eventIndexes (database: Connection) {
  return {
    byPlace: indexOf(database, 'events_by_place', { degree: 30, sureness: 1, camera: 30 }),
    bySureness: indexOf(database, 'events_by_sureness', { degree: 0.3, sureness: 1000, camera: 0.3 })
  }
}

function indexOf (database: Connection, name: string, scales: Scales) {
  const number = database.prepare<[string], number>('SELECT number FROM camera_numbers WHERE camera_id = ?').pluck()
  const count = database.prepare<[Record<string, number>], number>(`SELECT count(*) FROM (SELECT 1 FROM ${name} WHERE ${BOX} LIMIT :most)`).pluck()

  return {
    /** What to search in, and by which condition, for statements that look at the events themselves. */
    from: `${name} AS found CROSS JOIN oil_spill_events AS event ON event.id = found.id`,
    condition: BOX,
    valuesOf,
    /** How many there are in a box, counted as far as `most`. */
    count (probe: Probe, times: IndexTimes, most: number): number { return count.get({ ...valuesOf(probe, times), most }) ?? 0 },
    /** The boxes that hold everything that is as the filter says, and may hold more. None of them has what another one has. */
    probesOf ({ bbox, minConfidence, verdict, cameras }: EventFilter): Probe[] {
      const places = bbox === null ? [EVERYWHERE] : bbox.west <= bbox.east ? [bbox] : [{ ...bbox, east: 180 }, { ...bbox, west: -180 }]
      const surenesses = minConfidence === null && verdict === null
        ? [{ low: -FAR, high: FAR }]
        : (verdict === null ? Object.values(LEAST_SURE) : [LEAST_SURE[verdict]]).map(least => ({ low: least + (minConfidence ?? -1) - SLACK, high: least + 1 + SLACK }))
      return places.flatMap(place => surenesses.flatMap(sureness => numbersOf(cameras).map(camera => scaled(place, sureness, camera, scales))))
    }
  }

  function numbersOf (cameras: readonly string[] | null): Array<{ low: number, high: number }> {
    if (cameras === null) return [{ low: -FAR, high: FAR }]
    const numbers = cameras.flatMap(camera => number.get(camera) ?? [])
    if (numbers.length <= MAX_PROBED_CAMERAS) return numbers.map(each => ({ low: each, high: each }))
    return [{ low: Math.min(...numbers), high: Math.max(...numbers) }]
  }
}

const EVERYWHERE: BoundingBox = { west: -FAR, south: -FAR, east: FAR, north: FAR }

interface Range { readonly low: number, readonly high: number }

function scaled (place: BoundingBox, sureness: Range, camera: Range, scales: Scales): Probe {
  return {
    west: place.west * scales.degree,
    east: place.east * scales.degree,
    south: place.south * scales.degree,
    north: place.north * scales.degree,
    lowSureness: sureness.low * scales.sureness,
    highSureness: sureness.high * scales.sureness,
    // Its product may be rounded.
    lowCamera: (camera.low - SLACK) * scales.camera,
    highCamera: (camera.high + SLACK) * scales.camera
  }
}

function valuesOf (probe: Probe, { lowMs, highMs, endsFromMs }: IndexTimes) {
  return {
    boxWest: probe.west,
    boxEast: probe.east,
    boxSouth: probe.south,
    boxNorth: probe.north,
    lowSureness: probe.lowSureness,
    highSureness: probe.highSureness,
    lowCamera: probe.lowCamera,
    highCamera: probe.highCamera,
    lowDay: lowMs / DAY_MS - SLACK_DAYS,
    highDay: highMs / DAY_MS + SLACK_DAYS,
    endsFromDay: endsFromMs / DAY_MS - SLACK_DAYS
  }
}
