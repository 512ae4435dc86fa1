import { scryptSync } from 'node:crypto'
import t from 'tap'
import { PASSWORD_COST, PasswordHasher } from '../../src/store/password-hash.js'
import { CHEAP } from '../helper.js'

t.test('a hash is scrypt with its cost and salt in it, another each time', async t => {
  const hasher = new PasswordHasher(PASSWORD_COST)
  const hash = await hasher.hash('correct horse')
  const [, salt = '', digest = ''] = /^\$scrypt\$ln=15,r=8,p=3\$([\w+/]{22})\$([\w+/]{43})$/.exec(hash) ?? []
  t.strictSame(Buffer.from(digest, 'base64'), scryptSync('correct horse', Buffer.from(salt, 'base64'), 32, { N: 32768, r: 8, p: 3, maxmem: 2 ** 27 }))
  t.not(hash, await hasher.hash('correct horse'))
  t.equal(await hasher.verify('correct horse', hash), true)
  t.equal(await hasher.verify('correct horsf', hash), false)
})

t.test('hashes of another cost go on being checked', async t => {
  const hash = await new PasswordHasher(CHEAP).hash('correct horse')
  t.equal(await new PasswordHasher({ ...CHEAP, logN: 2 }).verify('correct horse', hash), true)
})

t.test('what is no hash fits nothing', async t => {
  const hasher = new PasswordHasher(CHEAP)
  for (const kept of [undefined, '', 'correct horse', '$scrypt$ln=15,r=8,p=3$$', (await hasher.hash('x')).slice(0, -1)]) t.equal(await hasher.verify('correct horse', kept), false)
})

t.test('a hash in the database cannot ask for all memory', async t => {
  const hasher = new PasswordHasher(CHEAP)
  await t.rejects(hasher.verify('x', (await hasher.hash('x')).replace('ln=1,', 'ln=30,')))
  t.equal(await hasher.verify('x', await hasher.hash('x')), true, 'and the next is looked at')
})

t.test('the same characters are the same however they were typed', async t => {
  const hasher = new PasswordHasher(CHEAP)
  t.equal(await hasher.verify('pässword', await hasher.hash('pa\u0308ssword')), true)
})

t.test('one at a time, and only so many wait', async t => {
  const hasher = new PasswordHasher({ logN: 10, blockSize: 8, parallelization: 1 })
  const done: number[] = []
  const tries = await Promise.allSettled(Array.from({ length: 30 }, async (_, i) => {
    await hasher.hash(String(i))
    done.push(i)
  }))
  const taken = tries.flatMap(({ status }, i) => status === 'fulfilled' ? [i] : [])
  t.strictSame(done, taken, 'in the order they came')
  t.equal(taken.length, 17)
  t.match(tries.at(-1), { reason: { code: 'LOGINS_BUSY', statusCode: 503 } })
  t.ok(await hasher.hash('afterwards'))
})
