import t from 'tap'
import { ALL_EVENTS, cursorOf, parseBoundingBox, parseCursor, parseWindowEdge } from '../../src/core/event-filter.js'

t.test('the edges of a window of time', async t => {
  const table: Array<[text: string, from: number | undefined, to?: number | undefined]> = [
    ['2026-03-02', Date.UTC(2026, 2, 2), Date.UTC(2026, 2, 3) - 1],
    ['2026-03-02T14:30:00Z', Date.UTC(2026, 2, 2, 14, 30)],
    ['2026-03-02T14:30:00.250+02:00', Date.UTC(2026, 2, 2, 12, 30, 0, 250)],
    ['2026-03-02T14:30:00.250 02:00', Date.UTC(2026, 2, 2, 12, 30, 0, 250)],
    ['2026-03-02T14:30:00 02:00', Date.UTC(2026, 2, 2, 12, 30)],
    ['2026-03-02T14:30:00.123456', Date.UTC(2026, 2, 2, 14, 30, 0, 123)],
    ['2026-03-02 14:30:00', Date.UTC(2026, 2, 2, 14, 30)],
    ['2026-03-02T14:30', undefined],
    ['2026-02-30', undefined],
    ['2026-02-30T00:00:00', undefined],
    ['1772366400', undefined],
    ['', undefined]
  ]
  for (const [text, from, to = from] of table) {
    t.equal(parseWindowEdge(text, 'from'), from, text)
    t.equal(parseWindowEdge(text, 'to'), to, text)
  }
})

t.test('a bounding box', async t => {
  t.strictSame(parseBoundingBox([170, -20, -170, 20]), { west: 170, south: -20, east: -170, north: 20 })
  for (const wrong of [[], [1, 2, 3], [0, 10, 1, 5], [0, -91, 1, 5], [0, 0, 181, 5]]) t.equal(parseBoundingBox(wrong), undefined, wrong.join())
})

t.test('a cursor is read for its own filters and order only', async t => {
  const filter = { ...ALL_EVENTS, cameras: ['a', 'b'], bbox: { west: 1, south: 2, east: 3, north: 4 } }
  const place = { startedAtMs: 1_772_366_400_123, id: 17 }
  const cursor = cursorOf(filter, place)
  t.match(cursor, /^[\w-]+$/)
  t.strictSame(parseCursor(filter, cursor), place)
  t.strictSame(parseCursor({ ...filter, cameras: ['b', 'a'] }, cursor), place, 'the order in which cameras are named does not matter')
  t.strictSame(parseCursor(filter, cursorOf(filter, { startedAtMs: -5, id: 1 })), { startedAtMs: -5, id: 1 })
  for (const other of [{ cameras: ['a'] }, { order: '-started_at' }, { words: 'x' }, { minConfidence: 0.5 }, { bbox: null }, { toMs: 1 }] as const) t.equal(parseCursor({ ...filter, ...other }, cursor), undefined)
  for (const broken of ['', cursor.slice(1), cursor.slice(0, -1), `${cursor}A`, `${cursor}=`, 'ä', Buffer.from('1 x y z').toString('base64url')]) t.equal(parseCursor(filter, broken), undefined, broken)
})
