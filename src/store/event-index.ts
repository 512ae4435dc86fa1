import type { EventFilter } from '../core/event-filter.js'
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

/** As the index counts. */
const DAY_MS = 86_400_000
const DEGREE = 4
const SURENESS = 1000
const VERDICT = 4000
const CAMERA = 3

/** The index keeps 24 bits of each number: what is looked for is looked for this far around. The table says what is right. */
const SLACK_DAYS = 0.01
const SLACK = 0.01

/** Beyond everything in the index. */
const FAR = 1e12

/** Of more cameras than this, all between the first and the last are looked at. */
const MAX_PROBED_CAMERAS = 8

/** All ends. */
export const ALL_TIMES = { endsFromMs: Number.MIN_SAFE_INTEGER }

const LEAST_SURE = { unreviewed: 0, confirmed: VERDICT, false_positive: 2 * VERDICT, unsure: 3 * VERDICT }

const BOX = `west <= :boxEast AND east >= :boxWest AND south <= :boxNorth AND north >= :boxSouth
  AND start_day BETWEEN :lowDay AND :highDay AND end_day >= :endsFromDay
  AND low_sureness <= :highSureness AND high_sureness >= :lowSureness AND low_camera <= :highCamera AND high_camera >= :lowCamera`

/** The index of events by place, time, sureness, verdict and camera at once: an R*Tree (https://sqlite.org/rtree.html). */
export function eventIndex (database: Connection) {
  const number = database.prepare<[string], number>('SELECT number FROM camera_numbers WHERE camera_id = ?').pluck()
  const count = database.prepare<[Record<string, number>], number>(`SELECT count(*) FROM (SELECT 1 FROM event_index WHERE ${BOX} LIMIT :most)`).pluck()

  return {
    /** What to search in, and by which condition, for statements that look at the events themselves. */
    from: 'event_index CROSS JOIN oil_spill_events AS event ON event.id = event_index.id',
    condition: BOX,
    valuesOf,
    /** How many there are in a box, counted as far as `most`. */
    count (probe: Probe, times: IndexTimes, most: number): number { return count.get({ ...valuesOf(probe, times), most }) ?? 0 },
    /** The boxes that hold everything that is as the filter says, and may hold more. None of them has what another one has. */
    probesOf ({ bbox, minConfidence, verdict, cameras }: EventFilter): Probe[] {
      const places = bbox === null
        ? [{ west: -FAR, east: FAR, south: -FAR, north: FAR }]
        : (bbox.west <= bbox.east ? [bbox] : [{ ...bbox, east: 180 }, { ...bbox, west: -180 }])
            .map(({ west, east, south, north }) => ({ west: DEGREE * west, east: DEGREE * east, south: DEGREE * south, north: DEGREE * north }))
      const bases = verdict === null ? Object.values(LEAST_SURE) : [LEAST_SURE[verdict]]
      const surenesses = minConfidence === null && verdict === null
        ? [{ lowSureness: -FAR, highSureness: FAR }]
        : bases.map(base => ({ lowSureness: base + SURENESS * (minConfidence ?? -1) - SLACK, highSureness: base + SURENESS + SLACK }))
      const numbers = (cameras ?? []).flatMap(camera => number.get(camera) ?? []).map(each => CAMERA * each)
      if (cameras !== null && numbers.length === 0) return []
      const few = cameras === null
        ? [{ lowCamera: -FAR, highCamera: FAR }]
        : numbers.length <= MAX_PROBED_CAMERAS
          ? numbers.map(each => ({ lowCamera: each, highCamera: each }))
          : [{ lowCamera: Math.min(...numbers), highCamera: Math.max(...numbers) }]
      return places.flatMap(place => surenesses.flatMap(sureness => few.map(camera => ({ ...place, ...sureness, ...camera }))))
    }
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
