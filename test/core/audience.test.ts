import t from 'tap'
import { Audience } from '../../src/core/audience.js'

t.test('there is room until as many watch as may, and again when one has left', async t => {
  const audience = new Audience(2)
  t.equal(audience.maxViewers, 2)
  t.equal(audience.hasRoom, true)
  audience.joined()
  audience.joined()
  t.equal(audience.count, 2)
  t.equal(audience.hasRoom, false)
  audience.left()
  t.equal(audience.count, 1)
  t.equal(audience.hasRoom, true)
})
