import { createPublicKey, verify } from 'node:crypto'
import { unlinkSync } from 'node:fs'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { GENESIS_HASH, headStatement, ledgerHash, type LedgerPayload } from '../../src/core/ledger.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { endOf, newDetection, newEvent, openHistory } from './support.js'

interface Row { sequence: number, at_ms: number, actor: string, action: string, subject: string, payload: string, salt: string, previous_hash: string, hash: string }

async function setUp (t: Test) {
  const history = await openHistory(t)
  return { ...history, rows: () => rowsOf(history.other) }
}

function rowsOf (database: Database.Database): Row[] {
  return database.prepare<[], Row>('SELECT sequence, at_ms, actor, action, subject, payload, salt, previous_hash, hash FROM ledger ORDER BY sequence').all()
}

function payloadOf (row: Row | undefined): LedgerPayload {
  return JSON.parse(row?.payload ?? 'null') as LedgerPayload
}

/** What is wrong with the chain and its head. */
function faultsOf (database: Database.Database): string[] {
  let previousHash = GENESIS_HASH
  const faults: string[] = []
  const rows = rowsOf(database)
  for (const row of rows) {
    const { sequence, at_ms: atMs, actor, action, subject, salt } = row
    if (row.previous_hash !== previousHash) faults.push(`${sequence} does not follow`)
    if (ledgerHash({ sequence, atMs, actor, action, subject, payload: payloadOf(row), salt, previousHash }) !== row.hash) faults.push(`${sequence} is altered`)
    previousHash = row.hash
  }
  const head = database.prepare<[], { sequence: number, hash: string, at_ms: number, key_id: string, signature: string }>('SELECT * FROM ledger_head').get()
  const made = rows.find(row => row.action === 'key.made')
  if (head === undefined || head.sequence !== rows.length || head.hash !== previousHash) return [...faults, 'the head is another one']
  const statement = headStatement({ sequence: head.sequence, hash: head.hash, atMs: head.at_ms, keyId: head.key_id })
  const isSigned = verify(null, Buffer.from(statement), createPublicKey(String(payloadOf(made)['public_key'])), Buffer.from(head.signature, 'base64'))
  return isSigned ? faults : [...faults, 'the signature is wrong']
}

t.test('a new ledger begins with the key that signs it', async t => {
  const { rows, other } = await setUp(t)
  t.match(rows(), [{ sequence: 1, actor: 'server', action: 'key.made', subject: 'server', previous_hash: GENESIS_HASH }])
  t.strictSame(faultsOf(other), [])
})

t.test('each change of an event is an entry with the row as it is then', async t => {
  const { thread, other, rows } = await setUp(t)
  await thread.call('changeEvent', undefined, newEvent(0))
  await thread.call('addDetections', [1, 2].map(nth => ({ eventId: 1, detection: newDetection(nth) })))
  await thread.call('changeEvent', endOf(1, newDetection(3).takenAtMs), newEvent(4))
  t.strictSame(rows().slice(1).map(row => [row.actor, row.action, row.subject]), [
    ['camera:default', 'event.opened', 'event:1'],
    ['camera:default', 'event.continued', 'event:1'],
    ['camera:default', 'event.ended', 'event:1'],
    ['camera:default', 'event.opened', 'event:2']
  ])
  const columns = 'camera_id, started_at_ms, last_detected_at_ms, ended_at_ms, merged_into, frame_path, frame_sha256, frame_size_bytes, evidence_state, verdict, held, acknowledged_at_ms, acknowledged_by'
  t.strictSame(payloadOf(rows()[3])['event'], other.prepare(`SELECT ${columns} FROM oil_spill_events WHERE id = 1`).get())
  t.match(payloadOf(rows()[2])['detections'], { first_id: 2, last_id: 3, count: 2, digest: /^[0-9a-f]{64}$/ })
  t.strictSame(faultsOf(other), [])
})

t.test('late detections, bridges and reopenings are entries too', async t => {
  const { thread, other, rows } = await setUp(t)
  await thread.call('changeEvent', undefined, newEvent(0, { endedAtMs: newDetection(1).takenAtMs }))
  await thread.call('changeEvent', undefined, newEvent(10, { endedAtMs: newDetection(11).takenAtMs }))
  const join = { eventId: 1, evidence: null, reopens: false }
  await thread.call('joinEvent', { ...join, mergedEventId: null, detection: newDetection(2) })
  await thread.call('joinEvent', { ...join, mergedEventId: 2, detection: newDetection(5) })
  await thread.call('joinEvent', { ...join, mergedEventId: null, reopens: true, detection: newDetection(12) })
  t.strictSame(rows().slice(3).map(row => [row.action, row.subject]), [
    ['event.joined', 'event:1'], ['event.merged', 'event:2'], ['event.joined', 'event:1'], ['event.reopened', 'event:1']
  ])
  t.match(payloadOf(rows()[4])['event'], { merged_into: 1 })
  t.strictSame(faultsOf(other), [])
})

t.test('what is told with a change is stored with it or not at all', async t => {
  const { thread, rows, other } = await setUp(t)
  const entry = { actor: 'user:anna', action: 'camera.changed', subject: 'camera:default', payload: { stopped: true } }
  await thread.record([entry], 'setStreamStopped', 'default', 1)
  t.match(rows().at(-1), { actor: 'user:anna', payload: '{"stopped":true}' })
  const before = rows().length
  await t.rejects(thread.record([entry], 'insertCameraKey', { keyId: 'k', cameraId: 'nobody', hash: 'h', createdAtMs: 0 }))
  t.equal(rows().length, before)
  t.strictSame(faultsOf(other), [])
})

t.test('the main thread hears that the ledger grew, and not of changes that it does not tell of', async t => {
  const { thread } = await setUp(t)
  const heard: number[] = []
  const end = thread.onLedger(sequence => { heard.push(sequence) })
  await thread.call('setStreamStopped', 'default', null)
  await thread.call('changeEvent', undefined, newEvent(0))
  await thread.call('findEvent', 1)
  t.strictSame(heard, [2])
  end()
  await thread.call('changeEvent', endOf(1, newDetection(2).takenAtMs), undefined)
  await thread.call('findEvent', 1)
  t.strictSame(heard, [2])
})

t.test('SQL cannot change, delete, replace or fork it', async t => {
  const { thread, other } = await setUp(t)
  await thread.call('changeEvent', undefined, newEvent(0))
  const copy = (sequence: string, previous: string): string => `INSERT OR REPLACE INTO ledger (sequence, at_ms, actor, action, subject, payload, salt, previous_hash, hash)
    SELECT ${sequence}, at_ms, actor, action, subject, payload, salt, ${previous}, hash FROM ledger WHERE sequence = 1`
  for (const sql of ['UPDATE ledger SET actor = \'x\'', 'DELETE FROM ledger WHERE sequence = 2']) t.throws(() => other.exec(sql), /append-only/)
  for (const sql of [copy('1', 'previous_hash'), copy('4', 'previous_hash'), copy('3', 'previous_hash')]) t.throws(() => other.exec(sql), /must follow/)
})

t.test('entries that something else removed or wrote are noted at the next change, and the ledger goes on', async t => {
  const { thread, other, rows } = await setUp(t)
  await thread.call('changeEvent', undefined, newEvent(0))
  await thread.call('changeEvent', endOf(1, newDetection(1).takenAtMs), newEvent(2))
  other.exec('DROP TRIGGER ledger_rows_are_not_deleted; DELETE FROM ledger WHERE sequence >= 3')
  await thread.call('changeEvent', endOf(2, newDetection(3).takenAtMs), undefined)
  t.strictSame(rows().map(row => row.action), ['key.made', 'event.opened', 'ledger.broken', 'event.ended'])
  t.match(payloadOf(rows()[2]), { found: { sequence: 2 }, signed: { sequence: 4 } })
  t.strictSame(faultsOf(other), [])
})

t.test('a head that is missing at the start is noted', async t => {
  const { thread, other, path, rows } = await setUp(t)
  await thread.close()
  other.exec('DELETE FROM ledger_head')
  const again = await SqlThread.open(path)
  t.teardown(async () => { await again.close() })
  t.strictSame(rows().map(row => row.action), ['key.made', 'ledger.broken'])
})

t.test('another key is noted, and signs from then on', async t => {
  const { thread, path, other, rows } = await setUp(t)
  await thread.close()
  unlinkSync(join(path, '..', 'ledger_key.pem'))
  const again = await SqlThread.open(path)
  t.teardown(async () => { await again.close() })
  t.strictSame(rows().map(row => row.action), ['key.made', 'key.made'])
  t.equal(other.prepare('SELECT key_id FROM ledger_head').pluck().get(), payloadOf(rows()[1])['key_id'])
})

t.test('an orderly restart adds nothing', async t => {
  const { thread, path, rows } = await setUp(t)
  await thread.close()
  const again = await SqlThread.open(path)
  t.teardown(async () => { await again.close() })
  t.equal(rows().length, 1)
})
