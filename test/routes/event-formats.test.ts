import t from 'tap'
import { csvCell } from '../../src/routes/event-formats.js'

t.test('a cell of CSV', async t => {
  const table: Array<[value: string | number | boolean | null, cell: string]> = [
    [null, ''], ['', ''], [0, '0'], [-4.5, '-4.5'], [false, 'false'], ['a b', 'a b'], ['a,b', '"a,b"'], ['say "a"', '"say ""a"""'], ['a\nb', '"a\nb"'],
    ['=1+1', '\'=1+1'], ['+1', '\'+1'], ['-1', '\'-1'], ['@SUM(A1)', '\'@SUM(A1)'], ['\t=1', '\'\t=1'], ['=HYPERLINK("x","y")', '"\'=HYPERLINK(""x"",""y"")"']
  ]
  for (const [value, cell] of table) t.equal(csvCell(value), cell, JSON.stringify(value))
})
