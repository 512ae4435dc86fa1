import t from 'tap'
import { ByteBudget } from '../../src/core/byte-budget.js'

t.test('bytes are given as long as there are enough left', async t => {
  const budget = new ByteBudget(100)
  t.equal(budget.take(60), true)
  t.equal(budget.take(41), false)
  t.equal(budget.take(40), true)
  t.equal(budget.take(1), false)
  budget.give(60)
  t.equal(budget.take(60), true)
})

t.test('what was refused has taken nothing', async t => {
  const budget = new ByteBudget(100)
  budget.take(50)
  for (let i = 0; i < 10; i += 1) t.equal(budget.take(51), false)
  t.equal(budget.take(50), true)
})

t.test('one that is larger than all passes where nobody has any, and keeps others out until it gives it back', async t => {
  const budget = new ByteBudget(100)
  t.equal(budget.take(1000), true)
  t.equal(budget.take(1), false)
  budget.give(1000)
  t.equal(budget.take(1), true)
  t.equal(budget.take(1000), false)
})
