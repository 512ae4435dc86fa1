import { createHash } from 'node:crypto'
import t from 'tap'
import { contentHash, digestOf, GENESIS_HASH, headStatement, ledgerHash, linkHash } from '../../src/core/ledger.js'

const row = {
  sequence: 1,
  atMs: 1_700_000_000_000,
  actor: 'server',
  action: 'event.ended',
  subject: 'event:7',
  payload: { b: 1, a: 'ö' },
  salt: '0123456789abcdef0123456789abcdef',
  previousHash: GENESIS_HASH
}

function sha256 (text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

t.test('the hash of an entry can be made by hand', async t => {
  const content = sha256('{"action":"event.ended","actor":"server","at_ms":1700000000000,"payload":{"a":"ö","b":1},"salt":"0123456789abcdef0123456789abcdef","subject":"event:7"}')
  t.equal(contentHash(row), content)
  t.equal(ledgerHash(row), sha256(`{"content_hash":"${content}","previous_hash":"${'0'.repeat(64)}","sequence":1}`))
})

t.test('an entry of which only the hash of its content is known has the same hash', async t => {
  t.equal(linkHash(row.sequence, contentHash(row), row.previousHash), ledgerHash(row))
})

t.test('every column counts', async t => {
  const others = [{ sequence: 2 }, { atMs: 1 }, { actor: 'x' }, { action: 'x' }, { subject: 'x' }, { payload: {} }, { salt: 'f'.repeat(32) }, { previousHash: 'f'.repeat(64) }]
  const hashes = others.map(other => ledgerHash({ ...row, ...other }))
  t.equal(new Set([ledgerHash(row), ...hashes]).size, others.length + 1)
})

t.test('what is signed of a head is canonical JSON', async t => {
  t.equal(headStatement({ sequence: 3, hash: 'ab', atMs: 5, keyId: 'cd' }), '{"at_ms":5,"hash":"ab","key_id":"cd","sequence":3,"type":"videostream ledger head 1"}')
})

t.test('the digest of rows is that of their lines', async t => {
  t.equal(digestOf([{ b: 1, a: 2 }, { a: null }]), sha256('{"a":2,"b":1}\n{"a":null}\n'))
  t.equal(digestOf([]), sha256(''))
})
