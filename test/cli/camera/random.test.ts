import t from 'tap'
import { createRandom } from '../../../src/cli/camera/random.js'

const take = (seed: number) => Array.from({ length: 1000 }, createRandom(seed))

t.test('the same seed gives the same numbers, spread evenly from 0 to 1', async t => {
  const numbers = take(1)
  t.strictSame(take(1), numbers)
  t.notSame(take(2), numbers)
  t.ok(numbers.every(number => number >= 0 && number < 1))
  const mean = numbers.reduce((total, number) => total + number) / numbers.length
  t.ok(Math.abs(mean - 0.5) < 0.05, `mean ${mean}`)
})
