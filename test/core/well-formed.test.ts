import t from 'tap'
import { wellFormed } from '../../src/core/well-formed.js'

t.test('halves of surrogate pairs become what UTF-8 has for them, and all else stays', async t => {
  t.equal(wellFormed('a\ud800b\udc00'), 'a\ufffdb\ufffd')
  t.equal(wellFormed('naïve 🌊 \u0000'), 'naïve 🌊 \u0000')
})
