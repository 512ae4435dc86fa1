import t from 'tap'
import { LineSearch } from '../../src/core/line-search.js'

/** Where a search finds its line in pieces of a size, as places in the whole text. */
function places (line: string, text: string, size: number, atLineStart = false): number[] {
  const search = new LineSearch(line, atLineStart)
  const found: number[] = []
  for (let start = 0; start < text.length; start += size) {
    const piece = Buffer.from(text.slice(start, start + size), 'latin1')
    for (let at = 0; (at = search.find(piece, at)) !== -1;) found.push(start + at)
  }
  return found
}

t.test('a line is found however the bytes come in pieces', async t => {
  const table: Array<[name: string, line: string, text: string, places: number[]]> = [
    ['none', '--x', 'abc\n--y\n--', []],
    ['in the middle', '--x', 'abc\n--x\nabc', [7]],
    ['at the end', '--x', 'abc\n--x', [7]],
    ['not within a line', '--x', 'abc--x', []],
    ['behind what begins like it', '--x', '\n-\n--\n\n--x', [10]],
    ['behind dashes', '--x', '\n---x\n--x', [9]],
    ['as a whole, twice in a row', '--x\r\n', 'a\n--x\r\n--x\r\nb', [7, 12]],
    ['as a whole only', '--x\r\n', '\n--x \r\n--xx\r\n--x\n', []]
  ]
  for (const [name, line, text, expected] of table) {
    for (let size = 1; size <= text.length; size++) t.strictSame(places(line, text, size), expected, `${name}, ${size} at once`)
  }
})

t.test('the first byte begins a line where it is said to', async t => {
  for (const size of [1, 2, 100]) {
    t.strictSame(places('--x', '--xabc', size, true), [3])
    t.strictSame(places('--x', '--xabc', size, false), [])
  }
})

t.test('it goes on from a place', async t => {
  const search = new LineSearch('--x', false)
  t.equal(search.find(Buffer.from('\n--x..\n--x'), 4), 10)
  t.equal(search.length, 4)
})
