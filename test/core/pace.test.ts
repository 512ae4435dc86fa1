import t from 'tap'
import { Pace } from '../../src/core/pace.js'

/** Times at which frames of a camera come, each early or late by up to `jitterMs`, the same at every run. */
function arrivals (fps: number, seconds: number, jitterMs: number): number[] {
  let seed = 1
  const random = (): number => {
    seed = seed * 48_271 % 2_147_483_647
    return seed / 2_147_483_647
  }
  return Array.from({ length: fps * seconds }, (_, i) => i * 1000 / fps + (2 * random() - 1) * jitterMs)
}

/** Which of these frames are sent, by their times. */
function sent (maxFps: number, fps: number, times: number[]): number[] {
  const pace = new Pace(maxFps)
  return times.filter((atMs, i) => {
    if (pace.isEarly(i + 1, atMs, 500 / fps)) return false
    pace.sent(atMs)
    return true
  })
}

t.test('the rate holds, evenly, though frames come early and late', async t => {
  for (const [maxFps, fps, jitterMs] of [[10, 30, 10], [5, 25, 15], [1, 30, 16], [12, 30, 5], [20, 30, 10]] as const) {
    const times = sent(maxFps, fps, arrivals(fps, 60, jitterMs))
    t.ok(Math.abs(times.length - 60 * maxFps) <= 1, `${times.length} frames in 60 s at ${maxFps} of ${fps} fps`)
    const furthestMs = Math.max(...times.slice(1).map((each, i) => Math.abs(each - (times[i] ?? 0) - 1000 / maxFps)))
    // Each frame is the nearest to its time: off by half a frame at most, and by what it is early or late itself.
    t.ok(furthestMs <= 1000 / fps + 2 * jitterMs, `${furthestMs} ms off at ${maxFps} of ${fps} fps`)
  }
})

t.test('where the rate divides the camera\'s, every nth frame is sent, however early or late it is', async t => {
  const times = arrivals(30, 20, 5)
  t.strictSame(sent(10, 30, times), times.filter((_, i) => i % 3 === 0))
})

t.test('a camera that is as fast as the rate loses no frame', async t => {
  const times = arrivals(25, 20, 12)
  t.strictSame(sent(25, 25, times), times)
})

t.test('after a pause it starts anew', async t => {
  const pace = new Pace(1)
  pace.sent(0)
  pace.sent(10_500)
  t.equal(pace.isEarly(3, 11_499, 0), true)
  t.equal(pace.isEarly(4, 11_500, 0), false)
})

t.test('what was left out is known', async t => {
  const pace = new Pace(1)
  t.equal(pace.thinnedSequence, 0)
  t.equal(pace.isEarly(1, 0, 0), false, 'the first is never too soon')
  pace.sent(0)
  t.equal(pace.thinnedSequence, 0)
  pace.isEarly(2, 100, 0)
  pace.isEarly(3, 200, 0)
  t.equal(pace.thinnedSequence, 3)
})
