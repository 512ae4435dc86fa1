import t from 'tap'
import { Backoff, pause } from '../../../src/cli/camera/pause.js'

t.test('waits double from 0.25 s to 5 s, and start again after a success', async t => {
  const backoff = new Backoff({ random: () => 1 })
  t.strictSame(Array.from({ length: 7 }, () => backoff.nextMs()), [250, 500, 1000, 2000, 4000, 5000, 5000])
  backoff.reset()
  t.equal(backoff.nextMs(), 250)
})

t.test('a wait is between half and all of what it may be, and no two cameras wait alike', async t => {
  t.equal(new Backoff({ random: () => 0 }).nextMs(), 125)
  t.equal(new Backoff({ firstMs: 5000, longestMs: 60_000, random: () => 0.5 }).nextMs(), 3750)
  const first = Array.from({ length: 20 }, () => new Backoff().nextMs())
  t.ok(first.every(ms => ms >= 125 && ms <= 250))
  t.ok(new Set(first).size > 1)
})

t.test('a pause ends by itself', async t => {
  const startedMs = performance.now()
  await pause(20, new AbortController().signal)
  t.ok(performance.now() - startedMs > 15)
})

t.test('a pause ends when the signal is aborted, before or during it', async t => {
  const stop = new AbortController()
  const paused = pause(1e6, stop.signal)
  stop.abort()
  t.equal(await paused, undefined)
  t.equal(await pause(1e6, stop.signal), undefined)
})
