import t from 'tap'
import { parseDecimal } from '../../src/core/decimal.js'

t.test('plain decimal numbers are read', async t => {
  for (const [text, number] of [['0', 0], ['5', 5], ['-1', -1], ['2.5', 2.5], ['007', 7]] as const) t.equal(parseDecimal(text), number, text)
})

t.test('nothing else is', async t => {
  for (const text of ['', ' ', '1 ', '+1', '1e3', '0x10', '1.', '.5', '1,5', 'true', 'NaN', 'Infinity', '1\n']) t.equal(parseDecimal(text), undefined, JSON.stringify(text))
})
