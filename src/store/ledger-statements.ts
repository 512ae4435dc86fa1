import { randomBytes } from 'node:crypto'
import { canonicalJson } from '../core/canonical-json.js'
import { GENESIS_HASH, headStatement, ledgerHash, type LedgerEntry } from '../core/ledger.js'
import type { Connection } from './database.js'
import type { LedgerKey } from './ledger-key.js'

interface End { sequence: number, hash: string }

/** The ledger's statements, for queries that change what it tells of. */
export type Ledger = ReturnType<typeof ledgerStatements>

/** The statements on the ledger. They run in the transaction of the change that they tell of. */
export function ledgerStatements (database: Connection) {
  const tail = database.prepare<[], End>('SELECT sequence, hash FROM ledger ORDER BY sequence DESC LIMIT 1')
  const insert = database.prepare<[number, number, string, string, string, string, string, string, string]>(`
    INSERT INTO ledger (sequence, at_ms, actor, action, subject, payload, salt, previous_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const head = database.prepare<[], End>('SELECT sequence, hash FROM ledger_head')
  const setHead = database.prepare<[number, string, number, string, string]>(`
    INSERT OR REPLACE INTO ledger_head (id, sequence, hash, at_ms, key_id, signature) VALUES (1, ?, ?, ?, ?, ?)`)
  const newestKey = database.prepare<[], string>(
    'SELECT payload ->> \'key_id\' FROM ledger WHERE subject = \'server\' AND action = \'key.made\' ORDER BY sequence DESC LIMIT 1').pluck()

  /** Puts an entry behind the last one. Returns its sequence. */
  function append (entry: LedgerEntry): number {
    const last = tail.get()
    const row = {
      ...entry, sequence: (last?.sequence ?? 0) + 1, atMs: Date.now(), salt: randomBytes(16).toString('hex'), previousHash: last?.hash ?? GENESIS_HASH
    }
    insert.run(row.sequence, row.atMs, row.actor, row.action, row.subject, canonicalJson(row.payload), row.salt, row.previousHash, ledgerHash(row))
    return row.sequence
  }

  return {
    append,
    /**
     * To be called before anything is appended. The head is signed with each change: where it is not that of the last
     * entry, something else has written here. That is noted for ever, and the ledger goes on behind it.
     */
    checkHead (): void {
      const [last, signed] = [tail.get(), head.get()]
      const isFirst = signed === undefined && newestKey.get() === undefined
      if (isFirst || (last?.sequence === signed?.sequence && last?.hash === signed?.hash)) return
      append({
        actor: 'server',
        action: 'ledger.broken',
        subject: 'server',
        payload: { found: last === undefined ? null : { ...last }, signed: signed === undefined ? null : { ...signed } }
      })
    },
    /** Notes which key signs from now on, where it is another one than before. */
    takeKey ({ keyId, publicKey }: LedgerKey): void {
      if (newestKey.get() !== keyId) append({ actor: 'server', action: 'key.made', subject: 'server', payload: { key_id: keyId, public_key: publicKey } })
    },
    /** Signs how far the ledger goes, where it has grown. Returns the newest sequence then; undefined where it has not. */
    seal ({ keyId, sign }: LedgerKey): number | undefined {
      const last = tail.get()
      if (last === undefined || last.hash === head.get()?.hash) return undefined
      const atMs = Date.now()
      setHead.run(last.sequence, last.hash, atMs, keyId, sign(headStatement({ ...last, atMs, keyId })))
      return last.sequence
    }
  }
}
