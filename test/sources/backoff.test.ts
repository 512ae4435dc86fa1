import t from 'tap'
import { Backoff } from '../../src/sources/backoff.js'

t.test('waits double up to the limit, and begin anew after a reset', async t => {
  const backoff = new Backoff(1000, 5000, () => 1)
  t.strictSame([1, 2, 3, 4, 5].map(() => backoff.nextMs()), [1000, 2000, 4000, 5000, 5000])
  backoff.reset()
  t.equal(backoff.nextMs(), 1000)
})

t.test('waits differ by chance, and are never less than half', async t => {
  t.equal(new Backoff(1000, 5000, () => 0).nextMs(), 500)
  t.equal(new Backoff(1000, 5000, () => 0.5).nextMs(), 750)
})
