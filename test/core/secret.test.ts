import t from 'tap'
import { hashSecret, makeSecret } from '../../src/core/secret.js'

t.test('a secret is 256 random bits behind its prefix, another each time', async t => {
  t.match(makeSecret('vst_').secret, /^vst_[\w-]{43}$/)
  t.match(makeSecret('').secret, /^[\w-]{43}$/)
  t.equal(new Set(Array.from({ length: 100 }, () => makeSecret('').secret)).size, 100)
})

t.test('what is kept is the SHA-256', async t => {
  t.equal(hashSecret('abc'), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  const { secret, hash } = makeSecret('vst_')
  t.equal(hash, hashSecret(secret))
})
