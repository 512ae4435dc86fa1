import t from 'tap'
import { asObject } from '../../../src/cli/camera/json.js'

t.test('only an object has keys', async t => {
  t.strictSame(asObject({ a: 1 }), { a: 1 })
  for (const value of [null, undefined, 1, 'a', [1]]) t.equal(asObject(value), undefined)
})
