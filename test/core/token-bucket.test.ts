import t from 'tap'
import { TokenBuckets } from '../../src/core/token-bucket.js'
import { FakeClock } from '../helper.js'

const RATE = { perSecond: 10, burst: 3 }

function setUp () {
  const clock = new FakeClock()
  return { clock, buckets: new TokenBuckets(clock) }
}

t.test('a burst is taken at once, then one token comes every tenth of a second', async t => {
  const { clock, buckets } = setUp()
  t.strictSame(buckets.take('a', RATE), { left: 2, waitMs: 0 })
  t.strictSame(buckets.take('a', RATE), { left: 1, waitMs: 0 })
  t.strictSame(buckets.take('a', RATE), { left: 0, waitMs: 100 })
  t.strictSame(buckets.take('a', RATE), { left: -1, waitMs: 100 })
  clock.advance(75)
  t.strictSame(buckets.take('a', RATE), { left: -1, waitMs: 25 })
  clock.advance(25)
  t.strictSame(buckets.take('a', RATE), { left: 0, waitMs: 100 }, 'the wait that was told is enough')
  t.equal(buckets.take('a', RATE).left, -1)
})

t.test('a refused take costs nothing: trying all the time does not keep the bucket empty', async t => {
  const { clock, buckets } = setUp()
  for (let i = 0; i < 3; i += 1) buckets.take('a', RATE)
  let taken = 0
  for (let ms = 0; ms < 1000; ms += 1) {
    clock.advance(1)
    if (buckets.take('a', RATE).left >= 0) taken += 1
  }
  t.equal(taken, 10)
})

t.test('however long the rest, no more than the burst is saved', async t => {
  const { clock, buckets } = setUp()
  buckets.take('a', RATE)
  clock.advance(86_400_000)
  t.strictSame([1, 2, 3, 4].map(() => buckets.take('a', RATE).left), [2, 1, 0, -1])
})

t.test('over a long time the rate holds, at less than one a second too', async t => {
  const { clock, buckets } = setUp()
  const rate = { perSecond: 0.5, burst: 1 }
  let taken = 0
  for (let second = 0; second < 100; second += 1) {
    if (buckets.take('a', rate).left >= 0) taken += 1
    clock.advance(1000)
  }
  t.equal(taken, 50)
  t.strictSame(buckets.take('b', rate), { left: 0, waitMs: 2000 })
})

t.test('keys do not share', async t => {
  const { buckets } = setUp()
  for (let i = 0; i < 4; i += 1) buckets.take('a', RATE)
  t.strictSame(buckets.take('b', RATE), { left: 2, waitMs: 0 })
})

t.test('to look takes nothing', async t => {
  const { clock, buckets } = setUp()
  t.strictSame(buckets.peek('a', RATE), { left: 3, waitMs: 0 })
  for (let i = 0; i < 3; i += 1) buckets.take('a', RATE)
  t.strictSame(buckets.peek('a', RATE), { left: 0, waitMs: 100 })
  clock.advance(250)
  t.strictSame(buckets.peek('a', RATE), { left: 2, waitMs: 0 })
  t.strictSame(buckets.peek('a', RATE), { left: 2, waitMs: 0 })
})

t.test('the wall clock may be set either way: nobody is refused for it, and nobody gains', async t => {
  const { clock, buckets } = setUp()
  for (let i = 0; i < 3; i += 1) buckets.take('a', RATE)
  clock.setWallClock(clock.nowMs() + 3_600_000)
  t.equal(buckets.take('a', RATE).left, -1)
  clock.setWallClock(clock.nowMs() - 7_200_000)
  clock.advance(100)
  t.equal(buckets.take('a', RATE).left, 0)
})

t.test('of more than 10 000 keys the one that was longest unused is forgotten', async t => {
  const { buckets } = setUp()
  for (const key of ['old', 'used', 'kept']) for (let i = 0; i < 3; i += 1) buckets.take(key, RATE)
  for (let i = 0; i < 9_996; i += 1) buckets.take(`key ${i}`, RATE)
  buckets.take('used', RATE)
  buckets.take('one more', RATE)
  t.equal(buckets.peek('old', RATE).left, 0, '10 000 fit')
  buckets.take('too many', RATE)
  t.equal(buckets.peek('old', RATE).left, 3, 'forgotten')
  t.equal(buckets.peek('used', RATE).left, 0, 'kept, since it was used')
  t.equal(buckets.peek('kept', RATE).left, 0)
})

t.test('a token that is given back is there again, and no more than the burst', async t => {
  const buckets = new TokenBuckets(new FakeClock())
  const rate = { burst: 2, perSecond: 1 }
  buckets.giveBack('a', rate)
  buckets.take('a', rate)
  buckets.take('a', rate)
  buckets.giveBack('a', rate)
  t.equal(buckets.peek('a', rate).left, 1)
  for (let i = 0; i < 5; i += 1) buckets.giveBack('a', rate)
  t.equal(buckets.peek('a', rate).left, 2)
})
