import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { EventFilter, EventPosition, Verdict } from '../../src/core/event-filter.js'
import { openDatabase, type Connection } from '../../src/store/database.js'
import { historyQueries, type HistoryLimits } from '../../src/store/history-queries.js'
import { temporaryFolder } from '../helper.js'
import { randomFrom } from '../random.js'

interface Known {
  readonly id: number
  readonly camera: string
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  readonly confidence: number | null
  readonly place: readonly [longitude: number, latitude: number] | null
  readonly verdict: Verdict | null
  readonly notes: string
  readonly isMerged: boolean
}

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)
const CAMERAS = ['default', 'north', 'south', 'ship']
const WORDS = ['sheen', 'near', 'the', 'rig', 'glint']

/** So few that every way of searching is taken. */
const TINY: HistoryLimits = { candidates: 7, walked: 5 }

/** A history by chance, in which a camera has one event after the other, and what is in it. */
function makeHistory (database: Connection, random: () => number, count: number): Known[] {
  const pick = <T>(...from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  for (const camera of CAMERAS.slice(1)) database.prepare('INSERT INTO cameras (camera_id) VALUES (?)').run(camera)
  const insert = database.prepare(`INSERT INTO oil_spill_events (camera_id, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height, started_at_ms,
    last_detected_at_ms, ended_at_ms, peak_confidence, longitude, latitude, merged_into) VALUES (?, ?, ?, 1, 1, 1, ?, ?, ?, ?, ?, ?, ?)`)
  const review = database.prepare('INSERT INTO reviews (event_id, at_ms, reviewer, verdict, notes) VALUES (?, 0, \'ann\', ?, ?)')
  const setVerdict = database.prepare('UPDATE oil_spill_events SET verdict = ? WHERE id = ?')
  const freeFromMs = new Map<string, number>()
  const history: Known[] = []
  for (let nth = 0; nth < count; nth += 1) {
    const camera = pick(...CAMERAS)
    // Some events begin at the same time, and some last for days.
    const startedAtMs = Math.max(freeFromMs.get(camera) ?? 0, START_MS + Math.floor(random() * 100) * DAY_MS)
    const endedAtMs = startedAtMs + Math.floor(random() ** 4 * 10 * DAY_MS)
    freeFromMs.set(camera, endedAtMs + 1)
    const place = random() < 0.2 ? null : [pick(-180, -179.5, 179, 180, 0, 5) + random() / 10, pick(-10, 0, 55) + random()] as const
    const isMerged = nth > 0 && random() < 0.1
    const verdict = pick<Verdict | null>(null, null, 'confirmed', 'false_positive', 'unsure')
    const notes = verdict === null ? '' : Array.from({ length: Math.floor(random() * 4) }, () => pick(...WORDS)).join(' ')
    const known = { camera, startedAtMs, endedAtMs, confidence: random() < 0.2 ? null : Math.round(random() * 20) / 20, place: place === null ? null : [Math.min(180, place[0]), place[1]] as const, verdict, notes, isMerged }
    const { lastInsertRowid } = insert.run(camera, `${nth}.jpg`, '0'.repeat(64), startedAtMs, startedAtMs, endedAtMs, known.confidence, known.place?.[0], known.place?.[1], isMerged ? 1 : null)
    const id = Number(lastInsertRowid)
    if (verdict !== null) {
      // An older review had other notes: those are found too.
      review.run(id, 'unsure', nth % 3 === 0 ? 'Möwe' : '')
      review.run(id, verdict, notes)
      setVerdict.run(verdict, id)
    }
    history.push({ id, ...known, notes: verdict !== null && nth % 3 === 0 ? `${notes} möwe` : notes })
  }
  for (const camera of CAMERAS.slice(0, 3)) {
    const last = history.filter(each => each.camera === camera && !each.isMerged).at(-1)
    if (last === undefined) continue
    database.prepare('UPDATE oil_spill_events SET ended_at_ms = NULL WHERE id = ?').run(last.id)
    history[history.indexOf(last)] = { ...last, endedAtMs: null }
  }
  return history
}

function isWithin (filter: EventFilter, event: Known): boolean {
  const { cameras, fromMs, toMs, state, verdict, minConfidence, bbox, words } = filter
  const [longitude = NaN, latitude = NaN] = event.place ?? []
  return !event.isMerged && (cameras === null || cameras.includes(event.camera)) &&
    (fromMs === null || event.endedAtMs === null || event.endedAtMs >= fromMs) && (toMs === null || event.startedAtMs <= toMs) &&
    (state === null || (state === 'open') === (event.endedAtMs === null)) && (verdict === null || (event.verdict ?? 'unreviewed') === verdict) &&
    (minConfidence === null || (event.confidence ?? -1) >= minConfidence) &&
    (bbox === null || (latitude >= bbox.south && latitude <= bbox.north &&
      (bbox.west <= bbox.east ? longitude >= bbox.west && longitude <= bbox.east : longitude >= bbox.west || longitude <= bbox.east))) &&
    (words === null || words.toLowerCase().split(' ').every(word => event.notes.split(' ').includes(word)))
}

/** A filter by chance; about every other thing is left open. */
function someFilter (random: () => number): EventFilter {
  const maybe = <T>(...from: readonly T[]): T | null => random() < 0.6 ? null : from[Math.floor(random() * from.length)] as T
  const fromMs = maybe(0, 20, 50, 90, 300)
  return {
    cameras: maybe(['north'], ['north', 'ship'], ['nowhere'], CAMERAS, ['south', 'nowhere']),
    fromMs: fromMs === null ? null : START_MS + fromMs * DAY_MS,
    toMs: maybe(START_MS - 1, START_MS + 50 * DAY_MS, START_MS + 95 * DAY_MS),
    state: maybe('open', 'ended'),
    verdict: maybe('confirmed', 'false_positive', 'unsure', 'unreviewed'),
    minConfidence: maybe(0, 0.5, 0.95, 1),
    bbox: maybe({ west: -1, south: -20, east: 6, north: 60 }, { west: 170, south: -90, east: -170, north: 90 }, { west: 100, south: 80, east: 110, north: 81 }),
    words: maybe('sheen', 'Sheen GLINT', 'MÖWE', 'walrus'),
    order: random() < 0.5 ? 'started_at' : '-started_at'
  }
}

/** All that is found, in pages of so many. */
function found ({ pageOfHistory }: ReturnType<typeof historyQueries>, filter: EventFilter, limit: number): { ids: number[], steps: number } {
  const ids: number[] = []
  let [place, steps]: [EventPosition | null, number] = [null, 0]
  do {
    const page = pageOfHistory(filter, place, limit)
    ids.push(...page.events.map(({ id }) => id))
    place = page.next
    steps += 1
  } while (place !== null)
  return { ids, steps }
}

const openHistory = (t: Test): Connection => {
  const database = openDatabase(join(temporaryFolder(t), 'videostream.db'))
  t.teardown(() => { database.close() })
  return database
}

t.test('every filter finds what it should, in order, once, whichever way is searched', async t => {
  const below = randomFrom(5)
  const random = (): number => below(1_000_000) / 1_000_000
  const database = openHistory(t)
  const history = makeHistory(database, random, 300)
  const ways = [historyQueries(database), historyQueries(database, TINY), historyQueries(database, { candidates: 7, walked: 0 }), historyQueries(database, { candidates: 100, walked: 0 })]
  for (let nth = 0; nth < 500; nth += 1) {
    const filter = someFilter(random)
    const sign = filter.order === 'started_at' ? 1 : -1
    const expected = history.filter(event => isWithin(filter, event)).sort((a, b) => sign * (a.startedAtMs - b.startedAtMs || a.id - b.id)).map(({ id }) => id)
    const { ids } = found(ways[nth % ways.length]!, filter, 1 + Math.floor(random() * 20))
    if (ids.join() !== expected.join()) t.strictSame(ids, expected, JSON.stringify(filter))
  }
  t.ok(history.length > 0)
})
