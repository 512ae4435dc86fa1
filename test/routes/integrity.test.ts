import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { startServer, upload } from '../helper.js'

t.test('the head, the key and the state of posting', async t => {
  const { url } = await startServer(t)
  await upload(url, { spill: true })
  const response = await fetch(`${url}/api/integrity`)
  t.equal(response.headers.get('cache-control'), 'no-store')
  const body = await response.json() as Record<string, never>
  t.match(body, {
    head: { sequence: Number, hash: /^[0-9a-f]{64}$/, signature: String, public_key: /^-----BEGIN PUBLIC KEY-----/ },
    checkpoint: null,
    public_keys: [{ key_id: /^[0-9a-f]{16}$/, since: 1 }],
    broken_at: null,
    posting: { enabled: false, waiting: 0, last_taken_at: null }
  })
})

t.test('that something else has written to the ledger shows', async t => {
  const { url, app, config } = await startServer(t)
  await upload(url, { spill: true })
  const other = new Database(join(config.dataDir, 'videostream.db'))
  other.exec('DROP TRIGGER ledger_rows_are_not_deleted; DELETE FROM ledger WHERE sequence = (SELECT max(sequence) FROM ledger)')
  other.close()
  await app.sql.call('appendToLedger', { actor: 'server', action: 'export', subject: 'server', payload: {} })
  t.match(await (await fetch(`${url}/api/integrity`)).json(), { broken_at: Number })
})
