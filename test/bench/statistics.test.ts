import t from 'tap'
import { median, quantile, Samples } from '../../bench/statistics.js'

t.test('a quantile is one of the samples, by nearest rank', async t => {
  const hundred = Array.from({ length: 100 }, (_, i) => 100 - i)
  t.equal(quantile(hundred, 0.5), 50)
  t.equal(quantile(hundred, 0.99), 99)
  t.equal(quantile(hundred, 1), 100)
  t.equal(quantile(hundred, 0), 1)
  t.equal(quantile([7], 0.99), 7)
  t.equal(quantile([], 0.5), undefined)
  t.equal(quantile([10, 9, 1000], 0.5), 10, 'in order of size, not of text')
})

t.test('the median is the middle, or the mean of the two in the middle', async t => {
  t.equal(median([3, 1, 20]), 3)
  t.equal(median([4, 1, 2, 30]), 3)
  t.equal(median([5]), 5)
  t.equal(median([]), undefined)
})

t.test('samples grow, and can be begun anew', async t => {
  const samples = new Samples()
  for (let i = 0; i < 200_000; i++) samples.add(i)
  t.equal(samples.values.length, 200_000)
  t.equal(samples.values[199_999], 199_999)
  t.equal(quantile(samples.values, 0.5), 99_999)
  t.equal(samples.values[0], 0, 'the samples keep their order')
  samples.clear()
  samples.add(5)
  t.strictSame([...samples.values], [5])
})
