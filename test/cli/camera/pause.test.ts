import t from 'tap'
import { Backoff, pause } from '../../../src/cli/camera/pause.js'

t.test('waits double from 0.25 s to 5 s, and start again after a success', async t => {
  const backoff = new Backoff()
  t.strictSame(Array.from({ length: 7 }, () => backoff.nextMs()), [250, 500, 1000, 2000, 4000, 5000, 5000])
  backoff.reset()
  t.equal(backoff.nextMs(), 250)
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
