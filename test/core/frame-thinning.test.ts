import t from 'tap'
import { FrameThinning } from '../../src/core/frame-thinning.js'

/** Which of these times are kept. */
function kept (maxFps: number, timesMs: number[]): number[] {
  const thinning = new FrameThinning(maxFps)
  return timesMs.filter(atMs => thinning.takes(atMs))
}

/** Times of a camera from 0 on. */
const every = (intervalMs: number, count: number): number[] => Array.from({ length: count }, (_, i) => i * intervalMs)

t.test('as many frames a second are kept as there should be, whatever the camera sends', async t => {
  for (const fps of [1, 2, 3.3, 5]) {
    for (const cameraFps of [5, 10, 12.5, 25, 30]) {
      const count = kept(fps, every(1000 / cameraFps, cameraFps * 60)).length
      t.ok(Math.abs(count - fps * 60) <= 1 + fps * 60 * 0.01, `${count} of ${cameraFps} a second at ${fps}`)
    }
  }
})

t.test('a camera that sends as many as are kept loses none, though it does not keep exact time', async t => {
  const uneven = every(500, 40).map((atMs, i) => atMs + ([0, 90, -80, 40, -100][i % 5] as number))
  t.strictSame(kept(2, uneven), uneven)
  t.strictSame(kept(2, every(1000, 5)), every(1000, 5))
})

t.test('after a pause the first frame is kept, and no more than usual after it', async t => {
  t.strictSame(kept(2, [0, 10_000, 10_100, 10_200, 10_500]), [0, 10_000, 10_500])
})

t.test('a clock that was set back does not end it', async t => {
  t.strictSame(kept(2, [3_600_000, 0, 100, 500, 1000]), [3_600_000, 0, 500, 1000])
})
