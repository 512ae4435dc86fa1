import t from 'tap'
import { systemClock } from '../../src/core/clock.js'

t.test('the wall clock is the machine\'s, in milliseconds since 1970', async t => {
  const before = Date.now()
  const now = systemClock.nowMs()
  t.ok(now >= before && now <= Date.now())
})

t.test('the monotonic clock moves on and never back', async t => {
  const first = systemClock.monotonicMs()
  t.ok(systemClock.monotonicMs() >= first)
})
