import t from 'tap'
import { parseSpillHeader } from '../../src/core/frame.js'

t.test('true and 1 report a spill, in any letter case', async t => {
  for (const value of ['true', 'True', 'TRUE', 'tRuE', '1', ' true ', '\t1']) t.equal(parseSpillHeader(value), true, value)
})

t.test('false, 0 and no header report none', async t => {
  for (const value of ['false', 'False', 'FALSE', '0', ' 0 ', undefined]) t.equal(parseSpillHeader(value), false, String(value))
})

t.test('nothing else is guessed at', async t => {
  for (const value of ['', 'yes', 'no', 'on', 'Treu', '2', '-1', '01', '1.0', 'true, false', 'true true', 'null', ['true'], ['true', 'false'], []]) {
    t.equal(parseSpillHeader(value), undefined, JSON.stringify(value))
  }
})
