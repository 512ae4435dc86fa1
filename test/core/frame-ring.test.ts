import t from 'tap'
import { ByteBudget } from '../../src/core/byte-budget.js'
import { FrameRing, type FrameRingOptions } from '../../src/core/frame-ring.js'
import { FrameMemory } from '../../src/core/frame-memory.js'
import { takenAtMs, type Frame } from '../../src/core/frame.js'
import { FakeClock, frame } from '../helper.js'

const START_MS = new FakeClock().nowMs()

/** A frame that was taken this long after the start. */
function taken (afterMs: number, bytes = 100): Frame {
  return { ...frame(new FakeClock()), receivedAtMs: START_MS + afterMs, receivedAtMonotonicMs: afterMs, memory: new FrameMemory(bytes) }
}

function makeRing (options: Partial<FrameRingOptions> = {}) {
  const ring = new FrameRing({ windowMs: 5000, maxFps: 2, maxBytes: 10_000, shared: new ByteBudget(100_000), ...options })
  return { ring, note: (...timesMs: number[]) => { for (const each of timesMs) ring.note(taken(each)) }, heldAt: (afterMs: number) => ring.before(START_MS + afterMs).map(each => takenAtMs(each) - START_MS) }
}

t.test('the newest seconds are remembered, thinned', async t => {
  const { note, heldAt } = makeRing()
  note(...Array.from({ length: 200 }, (_, i) => i * 100))
  const held = heldAt(20_000)
  t.ok(held.length >= 9 && held.length <= 11, `${held.length} frames`)
  t.ok(held.every(each => each >= 15_000))
  t.strictSame(held, held.toSorted((a, b) => a - b))
})

t.test('frames are told by when they were taken: what lies before the window is not given out', async t => {
  const { note, heldAt } = makeRing()
  note(0, 1000, 2000)
  t.strictSame(heldAt(6500), [2000])
  t.strictSame(heldAt(7001), [])
  t.strictSame(heldAt(1500), [0, 1000], 'nor what lies behind it')
})

t.test('a window of nothing remembers nothing', async t => {
  const { note, heldAt } = makeRing({ windowMs: 0 })
  note(0)
  t.strictSame(heldAt(0), [])
})

t.test('a camera has so many bytes: the oldest go first', async t => {
  const { ring, note, heldAt } = makeRing({ maxBytes: 250 })
  note(0, 500, 1000)
  t.strictSame(heldAt(1000), [500, 1000])
  ring.note(taken(1500, 251))
  t.strictSame(heldAt(1500), [500, 1000], 'one that is larger than all is left out')
})

t.test('all cameras together have so many bytes: each gives up its own', async t => {
  const shared = new ByteBudget(400)
  const [a, b] = [makeRing({ shared }), makeRing({ shared })]
  a.note(0, 500, 1000)
  b.note(0, 500, 1000)
  t.strictSame(a.heldAt(1000), [0, 500, 1000])
  t.strictSame(b.heldAt(1000), [1000])
  a.ring.clear()
  t.strictSame(a.heldAt(1000), [])
  b.note(1500, 2000)
  t.strictSame(b.heldAt(2000), [1000, 1500, 2000], 'what is given back others may use')
  b.ring.clear()
  t.equal(shared.take(400), true, 'to the last byte')
})

t.test('where others have it all nothing is remembered, and nothing breaks', async t => {
  const shared = new ByteBudget(400)
  shared.take(400)
  const { note, heldAt } = makeRing({ shared })
  note(0, 500)
  t.strictSame(heldAt(500), [])
})

t.test('a camera that falls silent has its frames forgotten', async t => {
  const shared = new ByteBudget(400)
  const { ring, note, heldAt } = makeRing({ shared })
  ring.forgetIfSilent(1e9)
  note(0, 500)
  ring.forgetIfSilent(60_000)
  t.strictSame(heldAt(500), [0, 500])
  ring.forgetIfSilent(61_000)
  t.strictSame(heldAt(500), [])
  t.equal(shared.take(400), true)
})

t.test('a clock that was set back leaves no frames of the future in a clip', async t => {
  const { note, heldAt } = makeRing()
  note(3_600_000, 3_600_500, 0, 500)
  t.strictSame(heldAt(1000), [0, 500])
})
