import t from 'tap'
import { canonicalJson } from '../../src/core/canonical-json.js'

t.test('the example of RFC 8785, section 3.2.2', async t => {
  const value = {
    numbers: [Number('333333333.33333329'), 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\\u0022/',
    literals: [null, true, false]
  }
  t.equal(canonicalJson(value), '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}')
})

t.test('keys are sorted by UTF-16 code units, as in RFC 8785, section 3.2.3', async t => {
  const value = { '\u20ac': 'Euro Sign', '\r': 'Carriage Return', דּ: 'Hebrew', 1: 'One', '\ud83d\ude00': 'Emoji', '\u0080': 'Control', ö: 'Latin' }
  t.equal(canonicalJson(value), '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin","€":"Euro Sign","😀":"Emoji","\ufb33":"Hebrew"}')
})

t.test('the order in which keys were written does not matter', async t => {
  t.equal(canonicalJson({ b: 1, a: { d: 2, c: -0 } }), canonicalJson({ a: { c: 0, d: 2 }, b: 1 }))
})

t.test('what JSON cannot say is refused', async t => {
  for (const value of [NaN, Infinity, '\ud800', ['\udc00'], { a: -Infinity }, { '\ud800': 1 }]) t.throws(() => canonicalJson(value), TypeError)
})
