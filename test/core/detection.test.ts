import t from 'tap'
import { decide, decideSilence, resumeRun, withLateDetection, type OpenRun, type Sighting } from '../../src/core/detection.js'

const GAP_MS = 5000

function sighting (atMs: number, spillReported: boolean, monotonicMs = atMs): Sighting {
  return { atMs, monotonicMs, spillReported, captured: false }
}

/** The run after these sightings, which must not end it. */
function runAfter (gapMs: number, ...sightings: Sighting[]): OpenRun {
  let run: OpenRun | undefined
  for (const each of sightings) run = decide(run, each, gapMs).next
  if (run === undefined) throw new Error('no run is open')
  return run
}

t.test('a clean frame means nothing while no event is open', async t => {
  t.strictSame(decide(undefined, sighting(100, false), 0), { opens: false, next: undefined, otherwise: undefined })
})

t.test('a detection opens an event, and nothing has happened where it could not be stored', async t => {
  t.strictSame(decide(undefined, sighting(100, true, 7), 0), {
    opens: true,
    next: { startedAtMs: 100, lastDetectedAtMs: 100, lastDetectedMonotonicMs: 7, clearedAtMs: undefined, resumed: false },
    otherwise: undefined
  })
})

t.test('without a gap', async t => {
  const run = runAfter(0, sighting(100, true), sighting(200, true))

  t.test('a detection goes on with the event, however long it took to come', async t => {
    const { opens, endsAtMs, next } = decide(run, sighting(900_000, true), 0)
    t.strictSame({ opens, endsAtMs }, { opens: false, endsAtMs: undefined })
    t.match(next, { startedAtMs: 100, lastDetectedAtMs: 900_000 })
  })

  t.test('the first clean frame ends it, at that frame', async t => {
    t.match(decide(run, sighting(300, false), 0), { endsAtMs: 300, opens: false, next: undefined, otherwise: { ...run, clearedAtMs: 300 } })
  })

  t.test('an end that could not be stored is tried again at the next clean frame, with its own time', async t => {
    const { otherwise } = decide(run, sighting(300, false), 0)
    t.match(decide(otherwise, sighting(400, false), 0), { endsAtMs: 300, opens: false, next: undefined, otherwise: { clearedAtMs: 300 } })
  })

  t.test('an end that could not be stored and then a detection: two events', async t => {
    const { otherwise } = decide(run, sighting(300, false), 0)
    const decision = decide(otherwise, sighting(400, true), 0)
    t.match(decision, { endsAtMs: 300, opens: true, next: { startedAtMs: 400, clearedAtMs: undefined } })
    t.equal(decision.otherwise, otherwise, 'and once more where that fails too')
  })

  t.test('silence never ends it', async t => {
    t.equal(decideSilence(run, 1e12, 0), undefined)
  })
})

t.test('with a gap', async t => {
  const run = runAfter(GAP_MS, sighting(100, true), sighting(1000, true))

  t.test('a clean frame within it only notes when it was clear', async t => {
    t.match(decide(run, sighting(2000, false), GAP_MS), { opens: false, endsAtMs: undefined, next: { clearedAtMs: 2000, lastDetectedAtMs: 1000 } })
  })

  t.test('a detection within it goes on with the event, as if it had never been clear', async t => {
    const clear = runAfter(GAP_MS, sighting(100, true), sighting(1000, true), sighting(2000, false))
    const { opens, endsAtMs, next } = decide(clear, sighting(5999, true), GAP_MS)
    t.strictSame({ opens, endsAtMs }, { opens: false, endsAtMs: undefined })
    t.match(next, { startedAtMs: 100, lastDetectedAtMs: 5999, clearedAtMs: undefined })
  })

  t.test('a clean frame after it ends the event at the first clean frame', async t => {
    const clear = runAfter(GAP_MS, sighting(100, true), sighting(1000, true), sighting(2000, false), sighting(3000, false))
    t.match(decide(clear, sighting(6000, false), GAP_MS), { endsAtMs: 2000, opens: false, next: undefined })
  })

  t.test('a detection after it ends the event and opens another, in one change', async t => {
    t.match(decide(run, sighting(6000, true), GAP_MS), { endsAtMs: 1000, opens: true, next: { startedAtMs: 6000 }, otherwise: run })
    const clear = runAfter(GAP_MS, sighting(100, true), sighting(2000, false))
    t.match(decide(clear, sighting(6000, true), GAP_MS), { endsAtMs: 2000, opens: true })
  })

  t.test('silence ends it, at the last detection where no clean frame came', async t => {
    t.equal(decideSilence(run, 5999, GAP_MS), undefined)
    t.strictSame(decideSilence(run, 6000, GAP_MS), { endsAtMs: 1000, opens: false, next: undefined, otherwise: run })
  })

  t.test('the wall clock does not count', async t => {
    const setForward = decide(run, sighting(3_600_000, true, 1500), GAP_MS)
    t.match(setForward, { opens: false, endsAtMs: undefined })
    const setBack = decide(run, sighting(-3_600_000, true, 6000), GAP_MS)
    t.match(setBack, { opens: true, endsAtMs: 1000 })
  })
})

t.test('a wall clock that was set back never makes an event end before it began or was last seen', async t => {
  const run = runAfter(0, sighting(1000, true, 1), sighting(2000, true, 2))
  t.equal(decide(run, sighting(500, false, 3), 0).endsAtMs, 2000)
  const goesOn = decide(run, sighting(500, true, 3), 0).next
  t.match(goesOn, { startedAtMs: 1000, lastDetectedAtMs: 2000, lastDetectedMonotonicMs: 3 })
})

t.test('an event that was open at the last stop', async t => {
  const now = { nowMs: 60_000, monotonicMs: 10 }
  const resumed = resumeRun({ startedAtMs: 1000, lastDetectedAtMs: 57_000 }, now)

  t.test('goes on at a detection, and is then like any other', async t => {
    const { opens, next } = decide(resumed, sighting(60_100, true, 110), 0)
    t.equal(opens, false)
    t.match(next, { startedAtMs: 1000, lastDetectedAtMs: 60_100, resumed: false })
    t.equal(decide(next, sighting(60_200, false, 210), 0).endsAtMs, 60_200)
  })

  t.test('ends at its last detection at a clean frame, since nobody watched in between', async t => {
    t.match(decide(resumed, sighting(60_100, false, 110), 0), { endsAtMs: 57_000, opens: false, next: undefined })
  })

  t.test('and at its last detection too where that end is stored late', async t => {
    const { otherwise } = decide(resumed, sighting(60_100, false, 110), 0)
    t.match(decide(otherwise, sighting(60_200, true, 210), 0), { endsAtMs: 57_000, opens: true })
  })

  t.test('with a gap, the time that the server was down counts', async t => {
    t.equal(decideSilence(resumed, 2009, GAP_MS), undefined)
    t.match(decideSilence(resumed, 2010, GAP_MS), { endsAtMs: 57_000 })
  })

  t.test('a clock that was set back meanwhile gives it the whole gap, not an age below zero', async t => {
    const fromFuture = resumeRun({ startedAtMs: 1000, lastDetectedAtMs: 90_000 }, now)
    t.equal(fromFuture.lastDetectedMonotonicMs, 10)
    t.equal(decideSilence(fromFuture, 5009, GAP_MS), undefined)
    t.match(decideSilence(fromFuture, 5010, GAP_MS), { endsAtMs: 90_000 })
  })
})

t.test('where the camera says when frames were taken, a gap is measured by that and not by when they came', async t => {
  const captured = (atMs: number, spillReported: boolean, monotonicMs: number): Sighting => ({ ...sighting(atMs, spillReported, monotonicMs), captured: true })
  const run = runAfter(GAP_MS, captured(1000, true, 1000))
  t.match(decide(run, captured(3000, true, 60_000), GAP_MS), { opens: false, endsAtMs: undefined }, 'one that was long on its way')
  t.match(decide(run, captured(6000, true, 1001), GAP_MS), { opens: true, endsAtMs: 1000 }, 'two that came at once')
  t.match(decide(run, captured(5999, false, 60_000), GAP_MS), { endsAtMs: undefined, next: { clearedAtMs: 5999 } })
  t.match(decide(run, captured(6000, false, 1001), GAP_MS), { opens: false, endsAtMs: 6000 })
  t.match(decideSilence(run, 6000, GAP_MS), { endsAtMs: 1000 }, 'silence is measured by the clock here')
})

t.test('a detection that comes late is taken into an open event', async t => {
  const run: OpenRun = { startedAtMs: 1000, lastDetectedAtMs: 5000, lastDetectedMonotonicMs: 50_000, clearedAtMs: undefined, resumed: true }
  t.strictSame(withLateDetection(run, 3000), run, 'within it')
  t.strictSame(withLateDetection(run, 400), { ...run, startedAtMs: 400 }, 'before it')
  t.strictSame(withLateDetection(run, 7000), { ...run, lastDetectedAtMs: 7000, lastDetectedMonotonicMs: 52_000 }, 'behind it')
  const cleared = { ...run, clearedAtMs: 6000 }
  t.strictSame(withLateDetection(cleared, 5500), { ...cleared, lastDetectedAtMs: 5500, lastDetectedMonotonicMs: 50_500 }, 'and it ends at the same frame')
  t.strictSame(withLateDetection(cleared, 7000), { ...run, lastDetectedAtMs: 7000, lastDetectedMonotonicMs: 52_000 }, 'behind the frame at which it would have ended')
})
