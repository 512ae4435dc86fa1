import t from 'tap'
import { placeOf, type EventSpan, type Reach } from '../../src/core/late-detection.js'

const NO_GAP: Reach = { gapMs: 0, silenceMs: 10_000 }
const GAP: Reach = { gapMs: 5000, silenceMs: 10_000 }

function span (id: number, startedAtMs: number, lastDetectedAtMs: number, clear: { before?: number, after?: number } = {}): EventSpan {
  return { id, startedAtMs, lastDetectedAtMs, clearBeforeMs: clear.before ?? null, clearAfterMs: clear.after ?? null, lacksEvidence: false }
}

interface Row {
  readonly what: string
  readonly before?: EventSpan
  readonly after?: EventSpan
  readonly clear?: number[]
  /** When the detection was taken. */
  readonly at: number
  /** `joins 1`, `bridges 1 and 2` or `opens`. */
  readonly place: string
}

function placed ({ before, after, clear = [], at }: Row, reach: Reach): string {
  const place = placeOf(at, { before, after, clearTimesMs: clear }, reach)
  switch (place.kind) {
    case 'joins': return `joins ${place.event.id}`
    case 'bridges': return `bridges ${place.first.id} and ${place.second.id}`
    case 'opens': return 'opens'
  }
}

const FIRST = span(1, 10_000, 20_000)
const SECOND = span(2, 30_000, 40_000)

const WITHOUT_GAP: Row[] = [
  { what: 'nothing is there', at: 25_000, place: 'opens' },
  { what: 'within an event', before: FIRST, at: 15_000, place: 'joins 1' },
  { what: 'at the start of an event', before: FIRST, at: 10_000, place: 'joins 1' },
  { what: 'at the end of an event', before: FIRST, at: 20_000, place: 'joins 1' },
  { what: 'within an event, at a frame without a spill that was taken at the same moment', before: FIRST, clear: [15_000], at: 15_000, place: 'joins 1' },
  { what: 'before the frame that ended an event, however long after its last detection', before: span(1, 10_000, 20_000, { after: 80_000 }), at: 50_000, place: 'joins 1' },
  { what: 'before the frame that ended an event, but behind another one without a spill', before: span(1, 10_000, 20_000, { after: 80_000 }), clear: [30_000], at: 50_000, place: 'opens' },
  { what: 'behind an event, and nothing is known in between', before: FIRST, at: 25_000, place: 'joins 1' },
  { what: 'behind an event, as far as the camera may be silent', before: FIRST, at: 30_000, place: 'joins 1' },
  { what: 'behind an event, a millisecond further', before: FIRST, at: 30_001, place: 'opens' },
  { what: 'behind an event, and behind its first clear frame', before: span(1, 10_000, 20_000, { after: 21_000 }), at: 22_000, place: 'opens' },
  { what: 'behind an event, and before its first clear frame', before: span(1, 10_000, 20_000, { after: 23_000 }), at: 22_000, place: 'joins 1' },
  { what: 'behind an event, before its first clear frame, after a long silence', before: span(1, 10_000, 20_000, { after: 90_000 }), at: 89_000, place: 'joins 1' },
  { what: 'at the first clear frame of an event, after a long silence', before: span(1, 10_000, 20_000, { after: 90_000 }), at: 90_000, place: 'opens' },
  { what: 'behind an event, after a long silence, and a clear frame between is remembered', before: span(1, 10_000, 20_000, { after: 90_000 }), clear: [50_000], at: 89_000, place: 'opens' },
  { what: 'behind an event, with a clear frame between that is remembered', before: FIRST, clear: [5000, 21_000, 26_000], at: 22_000, place: 'opens' },
  { what: 'behind an event, with clear frames around that are remembered', before: FIRST, clear: [19_000, 20_000, 22_000, 23_000], at: 22_000, place: 'joins 1' },
  { what: 'before an event, and nothing is known in between', after: SECOND, at: 25_000, place: 'joins 2' },
  { what: 'before an event, as far as the camera may be silent', after: SECOND, at: 20_000, place: 'joins 2' },
  { what: 'before an event, a millisecond further', after: SECOND, at: 19_999, place: 'opens' },
  { what: 'before an event, and before the clear frame that is known before it', after: span(2, 30_000, 40_000, { before: 29_000 }), at: 28_000, place: 'opens' },
  { what: 'before an event, and behind the clear frame that is known before it', after: span(2, 30_000, 40_000, { before: 27_000 }), at: 28_000, place: 'joins 2' },
  { what: 'before an event, with a clear frame between that is remembered', after: SECOND, clear: [29_000], at: 28_000, place: 'opens' },
  { what: 'between two events, and nothing is known in between', before: FIRST, after: SECOND, at: 25_000, place: 'bridges 1 and 2' },
  { what: 'between two events, with a clear frame before it', before: FIRST, after: SECOND, clear: [24_000], at: 25_000, place: 'joins 2' },
  { what: 'between two events, with a clear frame behind it', before: FIRST, after: SECOND, clear: [26_000], at: 25_000, place: 'joins 1' },
  { what: 'between two events, with clear frames on both sides', before: FIRST, after: SECOND, clear: [24_000, 26_000], at: 25_000, place: 'opens' },
  { what: 'the clear frame of the event before lies behind it', before: span(1, 10_000, 20_000, { after: 26_000 }), after: SECOND, at: 25_000, place: 'joins 1' },
  { what: 'the clear frame of the event after lies before it', before: FIRST, after: span(2, 30_000, 40_000, { before: 24_000 }), at: 25_000, place: 'joins 2' },
  {
    what: 'the clear frames of both events lie before it',
    before: span(1, 10_000, 20_000, { after: 21_000 }),
    after: span(2, 30_000, 40_000, { before: 24_000 }),
    at: 25_000,
    place: 'joins 2'
  },
  {
    what: 'the clear frames of both events lie on its sides',
    before: span(1, 10_000, 20_000, { after: 21_000 }),
    after: span(2, 30_000, 40_000, { before: 29_000 }),
    at: 25_000,
    place: 'opens'
  },
  { what: 'between two events that are both too far', before: span(1, 10_000, 14_000), after: span(2, 36_000, 40_000), at: 25_000, place: 'opens' }
]

const WITH_GAP: Row[] = [
  { what: 'nothing is there', at: 25_000, place: 'opens' },
  { what: 'within an event', before: FIRST, at: 15_000, place: 'joins 1' },
  { what: 'behind an event, within the gap', before: FIRST, at: 24_999, place: 'joins 1' },
  { what: 'behind an event, and the gap has passed', before: FIRST, at: 25_000, place: 'opens' },
  { what: 'behind an event, with clear frames between', before: span(1, 10_000, 20_000, { after: 21_000 }), clear: [22_000], at: 24_000, place: 'joins 1' },
  { what: 'before an event, within the gap', after: SECOND, at: 25_001, place: 'joins 2' },
  { what: 'before an event, and the gap has passed', after: SECOND, at: 25_000, place: 'opens' },
  { what: 'before an event, with clear frames between', after: span(2, 30_000, 40_000, { before: 29_000 }), clear: [28_000], at: 26_000, place: 'joins 2' },
  { what: 'between two events, within the gap of both', before: FIRST, after: span(2, 26_000, 40_000), clear: [23_000], at: 22_000, place: 'bridges 1 and 2' },
  { what: 'between two events, within the gap of one', before: FIRST, after: SECOND, at: 24_000, place: 'joins 1' },
  { what: 'between two events, within the gap of the other', before: FIRST, after: SECOND, at: 26_000, place: 'joins 2' },
  { what: 'between two events, and the gaps of both have passed', before: FIRST, after: SECOND, at: 25_000, place: 'opens' }
]

for (const [name, rows, reach] of [['without a gap', WITHOUT_GAP, NO_GAP], ['with a gap', WITH_GAP, GAP]] as const) {
  t.test(name, async t => {
    for (const row of rows) t.equal(placed(row, reach), row.place, row.what)
  })
}

t.test('of one that opens an event it is told which frames without a spill are next to it', async t => {
  const before = span(1, 10_000, 14_000, { before: 9000, after: 15_000 })
  const after = span(2, 36_000, 40_000, { before: 35_000, after: 41_000 })
  t.strictSame(placeOf(25_000, { before, after, clearTimesMs: [16_000, 23_000, 27_000, 30_000] }, NO_GAP), { kind: 'opens', clearBeforeMs: 23_000, clearAfterMs: 27_000 })
  t.strictSame(placeOf(25_000, { before, after, clearTimesMs: [] }, NO_GAP), { kind: 'opens', clearBeforeMs: 15_000, clearAfterMs: 35_000 })
  t.strictSame(placeOf(24_999, { before, after, clearTimesMs: [] }, NO_GAP), { kind: 'opens', clearBeforeMs: 15_000, clearAfterMs: null }, 'but not after a silence')
  t.strictSame(placeOf(25_000, { before, after, clearTimesMs: [29_999] }, GAP), { kind: 'opens', clearBeforeMs: 15_000, clearAfterMs: 29_999 })
  t.strictSame(placeOf(25_000, { before, after, clearTimesMs: [30_001] }, GAP), { kind: 'opens', clearBeforeMs: 15_000, clearAfterMs: null })
  t.strictSame(placeOf(25_000, { before: undefined, after: undefined, clearTimesMs: [] }, NO_GAP), { kind: 'opens', clearBeforeMs: null, clearAfterMs: null })
})
