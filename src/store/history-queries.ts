import type { EventFilter, EventPosition } from '../core/event-filter.js'
import type { ListedEvent } from '../core/event.js'
import type { Connection } from './database.js'
import { ALL_TIMES, eventIndexes, type EventIndex, type Probe } from './event-index.js'
import { LISTED_COLUMNS, toListedEvent, type ListedRow } from './event-rows.js'
import {
  EVENTS_WITH_WORDS, goesOn, indexedBy, isAscending, MATCHES, ORDERS, quoted, startsOf, valuesOf, walksOf, WITH_WORDS, type Range, type Values, type Walk
} from './history-sql.js'

/** A part of a list of events. */
export interface HistoryPage {
  readonly events: readonly ListedEvent[]
  /** Where to search on: there may be fewer events than asked for before it, even none. Null at the end of the list. */
  readonly next: EventPosition | null
}

/** How much is looked at one by one in one go. */
export interface HistoryLimits {
  /** Events that an index finds. Where there are more, a shorter stretch of time is searched. */
  readonly candidates: number
  /** Events of an index in their order. Where there are fewer, they are walked through, whatever else is searched for. */
  readonly walked: number
}

const LIMITS: HistoryLimits = { candidates: 2000, walked: 5000 }

/** Up to so many times as many events as are looked at one by one are found faster by how sure the detector was than by place. */
const RARE = 10

/** Events in their order, and how far the time was searched; undefined where all of it was. */
interface Found { readonly keys: readonly EventPosition[], readonly searchedToMs?: number | undefined }

/** What is searched for, and in which starts. */
interface Search { readonly filter: EventFilter, readonly conditions: readonly string[], readonly values: Values }

/** The same, by an index. */
interface IndexSearch extends Search { readonly index: EventIndex, readonly probes: readonly Probe[] }

/**
 * The statements that search the history, made of fixed fragments, each combination prepared once. They are made so that a
 * page takes about as long whatever is searched for, also where nothing is found: see docs/api-history.md.
 */
export function historyQueries (database: Connection, limits = LIMITS) {
  const indexes = eventIndexes(database)
  const prepared = new Map<string, ReturnType<typeof prepare>>()
  const listed = database.prepare<[number], ListedRow>(`SELECT ${LISTED_COLUMNS} FROM oil_spill_events WHERE id = ?`)
  const listedOf = database.prepare<[string], ListedRow>(`SELECT ${LISTED_COLUMNS} FROM oil_spill_events WHERE id IN (SELECT value FROM json_each(?))`)
  const extent = database.prepare<[], { lowMs: number | null, highMs: number | null }>(
    'SELECT (SELECT min(started_at_ms) FROM oil_spill_events) AS lowMs, (SELECT max(started_at_ms) FROM oil_spill_events) AS highMs')
  const nthWithWords = { started_at: nthWith('ASC'), '-started_at': nthWith('DESC') }

  const counts = new Map<string, ReturnType<typeof prepareCount>>()
  const surer = database.prepare<[number, number], number>(
    `SELECT count(*) FROM (SELECT 1 FROM ${indexedBy('oil_spill_events_by_confidence')} WHERE peak_confidence >= ? LIMIT ?)`).pluck()

  function prepareCount (sql: string) { return database.prepare<[Values], number>(sql).pluck() }

  function prepare (sql: string) { return database.prepare<[Values], EventPosition>(sql) }

  /** The start of the event with which there are as many with these words as are looked at one by one. */
  function nthWith (direction: 'ASC' | 'DESC') {
    return database.prepare<[Values], number>(`
      SELECT rowid >> 22 FROM review_notes WHERE review_notes MATCH :words AND rowid BETWEEN (:lowMs << 22) AND (:highMs << 22 | 4194303)
       ORDER BY rowid ${direction} LIMIT 1 OFFSET ${limits.candidates}`).pluck()
  }

  function find (from: string, { filter, conditions, values }: Search): EventPosition[] {
    if (values.lowMs > values.highMs) return []
    const { behind, by } = ORDERS[filter.order]
    const sql = `SELECT event.id, event.started_at_ms AS startedAtMs FROM ${from}
                  WHERE ${[...conditions, MATCHES, behind].join(' AND ')} ORDER BY ${by} LIMIT :limit`
    const statement = prepared.get(sql) ?? prepare(sql)
    prepared.set(sql, statement)
    return statement.all(values)
  }

  function search (filter: EventFilter, after: EventPosition | null, limit: number): { keys: readonly EventPosition[], next: EventPosition | null } {
    const { lowMs, highMs } = extent.get() ?? { lowMs: null, highMs: null }
    if (lowMs === null || highMs === null) return { keys: [], next: null }
    const words = filter.words === null ? null : quoted(filter.words)
    const all = { ...valuesOf(filter, after), lowMs, highMs: Math.min(highMs, filter.toMs ?? highMs), words, limit }
    const wanted: Search = { filter, conditions: words === null ? [] : [WITH_WORDS], values: all }
    const inWindow = { ...wanted, values: { ...all, ...startsOf(all, filter, after) } }
    const found = filter.state === 'open' ? searchOpen(wanted) : searchStarts(inWindow)
    const isWhole = found.searchedToMs === undefined
    const earlier = filter.fromMs === null || filter.state === 'open' || (!isAscending(filter) && !isWhole) ? [] : goingOn(wanted, filter.fromMs)
    const keys = isAscending(filter) ? [...earlier, ...found.keys] : [...found.keys, ...earlier]
    if (keys.length >= limit) return { keys: keys.slice(0, limit), next: keys[limit - 1] ?? null }
    return { keys, next: found.searchedToMs === undefined ? null : goesOn(filter, found.searchedToMs) }
  }

  /** At most one event of a camera is open. */
  function searchOpen (wanted: Search): Found {
    return { keys: find(indexedBy('one_open_event_per_camera'), { ...wanted, conditions: ['event.ended_at_ms IS NULL', ...wanted.conditions] }) }
  }

  /** Events that began in the window of time, the fastest way. */
  function searchStarts (wanted: Search): Found {
    const { filter, values } = wanted
    if (values.lowMs > values.highMs) return { keys: [] }
    // Who said something has said what they think.
    if (filter.words !== null && filter.verdict === 'unreviewed') return { keys: [] }
    const isPlain = filter.words === null && filter.bbox === null && filter.minConfidence === null
    if (isPlain || isShort(wanted, filter.words === null ? limits.walked : 2 * limits.walked)) return { keys: walk(wanted) }
    if (isRare(filter.minConfidence, limits.candidates)) {
      return { keys: find(indexedBy('oil_spill_events_by_confidence'), { ...wanted, conditions: ['event.peak_confidence >= :minConfidence', ...wanted.conditions] }) }
    }
    if (filter.words !== null && filter.bbox === null && filter.minConfidence === null) return searchWords(wanted)
    const isPlace = filter.bbox !== null && !isRare(filter.minConfidence, RARE * limits.candidates)
    const index = isPlace ? indexes.byPlace : indexes.bySureness
    const search: IndexSearch = { ...wanted, index, probes: index.probesOf(filter) }
    if (filter.words !== null && isMore(search, values, limits.walked)) return searchWords(wanted)
    return searchIndex(search, filter.words === null ? limits.candidates : limits.walked)
  }

  /** Whether the detector was as sure as that of so many events at most. */
  function isRare (minConfidence: number | null, most: number): boolean {
    return minConfidence !== null && (surer.get(minConfidence, most + 1) ?? 0) <= most
  }

  /** In the order of an index by camera and verdict. */
  function walk ({ filter, conditions, values }: Search): readonly EventPosition[] {
    let keys: EventPosition[] = []
    for (const { from, where, bound } of walksOf(filter)) {
      // What comes behind as many as are asked for is not needed.
      const last = keys.length < values.limit ? undefined : keys.at(-1)
      const range = last === undefined ? {} : isAscending(filter) ? { highMs: last.startedAtMs } : { lowMs: last.startedAtMs }
      const found = find(from, { filter, conditions: [...where, ...conditions], values: { ...values, cameras: null, ...bound, ...range } })
      keys = sorted([...keys, ...found], filter).slice(0, values.limit)
    }
    return keys
  }

  /** Whether there are at most so many events of these cameras, of this verdict, in this window of time. */
  function isShort ({ filter, values }: Search, most: number): boolean {
    let left = most
    for (const { from, where, bound } of walksOf(filter)) {
      left -= countOf(from, where, { ...values, ...bound, limit: left + 1 })
      if (left < 0) return false
    }
    return true
  }

  function countOf (from: string, where: Walk['where'], values: Values): number {
    const sql = `SELECT count(*) FROM (SELECT 1 FROM ${from} WHERE ${[...where, 'event.started_at_ms BETWEEN :lowMs AND :highMs'].join(' AND ')} LIMIT :limit)`
    const statement = counts.get(sql) ?? prepareCount(sql)
    counts.set(sql, statement)
    return statement.get(values) ?? 0
  }

  /** In the order of the words' index. */
  function searchWords (wanted: Search): Found {
    const { filter, values } = wanted
    const searchedToMs = nthWithWords[filter.order].get(values)
    const range = searchedToMs === undefined ? {} : isAscending(filter) ? { highMs: searchedToMs } : { lowMs: searchedToMs }
    return { keys: find(EVENTS_WITH_WORDS, { ...wanted, conditions: [], values: { ...values, ...range } }), searchedToMs }
  }

  /** By place, sureness, verdict and camera, in a stretch of time that has few enough candidates. */
  function searchIndex (wanted: IndexSearch, most: number): Found {
    const { filter, values } = wanted
    let { lowMs, highMs } = values
    while (highMs > lowMs && isMore(wanted, { lowMs, highMs }, most)) {
      const halfMs = Math.floor((highMs - lowMs) / 2)
      if (isAscending(filter)) highMs = lowMs + halfMs
      else lowMs = highMs - halfMs
    }
    const keys = candidates(wanted, { ...ALL_TIMES, lowMs, highMs })
    const isWhole = lowMs === values.lowMs && highMs === values.highMs
    return isWhole ? { keys } : { keys, searchedToMs: isAscending(filter) ? highMs : lowMs }
  }

  function isMore ({ index, probes }: IndexSearch, { lowMs, highMs }: Range, most: number): boolean {
    let left = most
    for (const probe of probes) {
      left -= index.count(probe, { ...ALL_TIMES, lowMs, highMs }, left + 1)
      if (left < 0) return true
    }
    return false
  }

  /** Events that began before a time and had not ended then. Those of one camera follow each other, so there are few. */
  function goingOn (wanted: Search, fromMs: number): EventPosition[] {
    const { lowMs, highMs } = wanted.values
    const index = indexes.byPlace
    return candidates({ ...wanted, index, probes: index.probesOf(wanted.filter) }, { lowMs, highMs: Math.min(highMs, fromMs - 1), endsFromMs: fromMs })
  }

  function candidates ({ filter, conditions, values, index, probes }: IndexSearch, times: Range & { endsFromMs: number }): EventPosition[] {
    const { lowMs, highMs } = times
    const found = probes.flatMap(probe =>
      find(index.from, { filter, conditions: [index.condition, ...conditions], values: { ...values, lowMs, highMs, ...index.valuesOf(probe, times) } }))
    return sorted(found, filter).slice(0, values.limit)
  }

  /** In the order of the keys. All at once: one by one they would take twice as long. */
  function eventsOf (keys: readonly EventPosition[]): ListedEvent[] {
    const events = new Map(listedOf.all(JSON.stringify(keys.map(({ id }) => id))).map(row => [row.id, toListedEvent(row)]))
    return keys.flatMap(({ id }) => events.get(id) ?? [])
  }

  return {
    /** The event with this id, with all that people see of it, or undefined. */
    findListedEvent (id: number): ListedEvent | undefined {
      const row = listed.get(id)
      return row === undefined ? undefined : toListedEvent(row)
    },
    /**
     * At most `limit` events that are as the filter says, behind a place in its order. Where that would take long, fewer,
     * and where to search on: so other calls have their turn in between.
     */
    pageOfHistory (filter: EventFilter, after: EventPosition | null, limit: number): HistoryPage {
      const { keys, next } = search(filter, after, limit)
      return { events: eventsOf(keys), next }
    }
  }
}

function sorted (keys: EventPosition[], filter: EventFilter): EventPosition[] {
  const sign = isAscending(filter) ? 1 : -1
  return keys.sort((a, b) => sign * (a.startedAtMs - b.startedAtMs || a.id - b.id))
}
