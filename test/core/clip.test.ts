import t from 'tap'
import { ClipSelection, hasRoom, openingFrames, type ClipRole, type KeptFrame } from '../../src/core/clip.js'
import { FrameMemory } from '../../src/core/frame-memory.js'
import type { Frame } from '../../src/core/frame.js'
import { FakeClock, frame } from '../helper.js'

const START_MS = new FakeClock().nowMs()

/** A frame that was taken this long after the start. */
function taken (afterMs: number, options: { confidence?: number, spill?: boolean, bytes?: number } = {}): Frame {
  const { confidence, spill = true, bytes = 100 } = options
  return {
    ...frame(new FakeClock(), { spill, details: confidence === undefined ? {} : { confidence } }), receivedAtMs: START_MS + afterMs, memory: new FrameMemory(bytes)
  }
}

const kept = (role: ClipRole, bytes: number): KeptFrame => ({ frame: taken(0, { bytes }), role })

t.test('the run is thinned by the times at which its frames were taken', async t => {
  const selection = new ClipSelection({ maxFps: 2, postMs: 5000 })
  selection.opened(taken(0))
  const roles = [100, 200, 500, 600, 1000, 1100, 5000].map(afterMs => selection.during(taken(afterMs)))
  t.strictSame(roles, [undefined, undefined, 'during', undefined, 'during', undefined, 'during'])
})

t.test('the frame of which the detector is surest so far is kept whenever it comes', async t => {
  const selection = new ClipSelection({ maxFps: 2, postMs: 5000 })
  selection.opened(taken(0, { confidence: 0.5 }))
  t.equal(selection.during(taken(100, { confidence: 0.4 })), undefined)
  t.equal(selection.during(taken(150, { confidence: 0.5 })), undefined, 'as sure is not surer')
  t.equal(selection.during(taken(200, { confidence: 0.7 })), 'peak')
  t.equal(selection.during(taken(300)), undefined)
  t.equal(selection.during(taken(350, { confidence: 0.9, spill: false })), undefined, 'sure that there is none')
  t.equal(selection.during(taken(500, { confidence: 0.6 })), 'during', 'and the thinning goes on beside it')
  t.equal(selection.during(taken(1000, { confidence: 0.8 })), 'peak')
  selection.opened(taken(2000))
  t.equal(selection.during(taken(2100, { confidence: 0.1 })), 'peak', 'each event has its own')
})

t.test('frames after the end are kept for some seconds, thinned, until another event opens', async t => {
  const selection = new ClipSelection({ maxFps: 2, postMs: 2000 })
  t.equal(selection.after(taken(0, { spill: false })), undefined, 'before the first event')
  selection.opened(taken(0))
  selection.ended(7, START_MS + 1000)
  const clear = (afterMs: number) => selection.after(taken(afterMs, { spill: false }))
  t.strictSame([1000, 1100, 1500, 2000, 2500, 3000, 3001].map(clear), [7, undefined, 7, 7, 7, 7, undefined])
  t.equal(clear(2900), undefined, 'over is over')
  selection.ended(8, START_MS + 4000)
  selection.opened(taken(4500))
  t.equal(clear(5000), undefined)
})

t.test('nothing is kept after the end where that is not wanted', async t => {
  const selection = new ClipSelection({ maxFps: 2, postMs: 0 })
  selection.opened(taken(0))
  selection.ended(7, START_MS + 500)
  t.equal(selection.after(taken(1000, { spill: false })), undefined)
})

t.test('an event that was taken up after a restart goes on with its clip', async t => {
  const selection = new ClipSelection({ maxFps: 2, postMs: 2000 })
  t.equal(selection.during(taken(0)), 'during')
  t.equal(selection.during(taken(100)), undefined)
})

t.test('late detections are thinned among themselves', async t => {
  const selection = new ClipSelection({ maxFps: 2, postMs: 2000 })
  selection.opened(taken(60_000))
  t.strictSame([0, 100, 500, 600, 1000].map(afterMs => selection.late(taken(afterMs))), [true, false, true, false, true])
})

t.test('a clip has so many bytes, the last of them for what tells most', async t => {
  for (const role of ['pre', 'during'] as const) {
    t.equal(hasRoom(700, kept(role, 175), 1000), true)
    t.equal(hasRoom(700, kept(role, 176), 1000), false, role)
  }
  for (const role of ['opening', 'peak', 'post'] as const) {
    t.equal(hasRoom(700, kept(role, 300), 1000), true)
    t.equal(hasRoom(700, kept(role, 301), 1000), false, role)
  }
})

t.test('a clip opens with the opening frame and what there is room for before it', async t => {
  const before = [1, 2, 3].map(nth => taken(nth, { spill: false }))
  const opening = taken(4)
  const rolesOf = (maxBytes: number) => {
    const { frames, isTruncated } = openingFrames(before, opening, maxBytes)
    return [frames.map(each => `${each.role} ${each.frame.receivedAtMs - START_MS}`).join(', '), isTruncated]
  }
  t.strictSame(rolesOf(1000), ['pre 1, pre 2, pre 3, opening 4', false])
  t.strictSame(rolesOf(400), ['pre 2, pre 3, opening 4', true], 'the newest are kept')
  t.strictSame(rolesOf(100), ['opening 4', true])
  t.strictSame(rolesOf(99), ['', true], 'the opening frame has a file of its own besides')
  t.match(openingFrames(before, taken(4, { bytes: 1001 }), 1000), { frames: [{}, {}, {}], isTruncated: true })
})
