import t from 'tap'
import { PartHeaderReader } from '../../src/core/part-headers.js'

function read (...lines: string[]): { headers: Record<string, string>, problem: string | undefined, length: number | undefined, isEmpty: boolean } {
  const reader = new PartHeaderReader()
  for (const line of lines) reader.take(line)
  const length = reader.contentLength()
  return { headers: { ...reader.headers }, problem: reader.problem, length, isEmpty: reader.isEmpty }
}

t.test('names are in lower case, and values without spaces around them', async t => {
  t.strictSame(read('Content-Type: image/jpeg', 'CONTENT-LENGTH:  7 ', 'X-Empty:', 'X-Spaced : a: b'), {
    headers: { 'content-type': 'image/jpeg', 'content-length': '7', 'x-empty': '', 'x-spaced': 'a: b' }, problem: undefined, length: 7, isEmpty: false
  })
  t.strictSame(read(), { headers: {}, problem: undefined, length: undefined, isEmpty: true })
})

t.test('a line that begins with a space goes on with the one before', async t => {
  t.strictSame(read('X-Detection-Boxes: [{"x":1},', '\t{"x":2}]').headers, { 'x-detection-boxes': '[{"x":1}, {"x":2}]' })
  t.match(read(' X: 1').problem, /of the form/)
})

t.test('a header that is given twice must say the same', async t => {
  t.equal(read('X-A: 1', 'x-a:1').problem, undefined)
  t.equal(read('X-A: 1', 'x-a: 2').problem, 'its header x-a is given twice')
})

t.test('names of JavaScript\'s own are names as others', async t => {
  const { headers, problem } = read('constructor: 1', '__proto__: 2', 'toString: 3')
  t.equal(problem, undefined)
  t.strictSame(Object.keys(headers), ['constructor', '__proto__', 'tostring'])
})

t.test('lines that are no headers are a problem', async t => {
  for (const line of ['hello', ': 1', 'a b: 1', '\xff\xd8: 1']) t.match(read(line).problem, /not of the form/, line)
})

t.test('a Content-Length is a whole number', async t => {
  t.equal(read('Content-Length: 0').length, 0)
  for (const value of ['', '-1', '1.5', '0x10', '1e3', '12, 12', '9999999999999999']) {
    const { length, problem } = read(`Content-Length: ${value}`)
    t.equal(length, undefined)
    t.equal(problem, 'its Content-Length is not a whole number', value)
  }
})
