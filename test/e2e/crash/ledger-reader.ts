import { createPublicKey, verify } from 'node:crypto'
import type Database from 'better-sqlite3'
import { GENESIS_HASH, headStatement, ledgerHash, type LedgerPayload } from '../../../src/core/ledger.js'

interface Row { sequence: number, at_ms: number, actor: string, action: string, subject: string, payload: string, salt: string, previous_hash: string, hash: string }

interface Head { sequence: number, hash: string, at_ms: number, key_id: string, signature: string }

/** Reads the ledger on from where it was, and says what is wrong with its chain, its head and what it tells of events. */
export class LedgerReader {
  #sequence = 0
  #hash = GENESIS_HASH
  readonly #keys = new Map<string, string>()
  /** What the newest entry of each event says of its row, by the event's id. */
  readonly newest = new Map<number, unknown>()
  /** The SHA-256 of every frame with which an event opened. */
  readonly opened = new Set<string>()

  read (database: Database.Database): string[] {
    const faults: string[] = []
    for (const row of database.prepare<[number], Row>('SELECT * FROM ledger WHERE sequence > ? ORDER BY sequence').iterate(this.#sequence)) {
      const { sequence, at_ms: atMs, actor, action, subject, salt } = row
      const payload = JSON.parse(row.payload) as LedgerPayload
      if (sequence !== this.#sequence + 1 || row.previous_hash !== this.#hash) faults.push(`ledger row ${sequence} does not follow`)
      if (ledgerHash({ sequence, atMs, actor, action, subject, payload, salt, previousHash: this.#hash }) !== row.hash) faults.push(`ledger row ${sequence} is altered`)
      if (action === 'ledger.broken') faults.push(`ledger row ${sequence} says that the ledger was broken: ${row.payload}`)
      this.#note(action, subject, payload)
      this.#sequence = sequence
      this.#hash = row.hash
    }
    return [...faults, ...this.#headFaults(database.prepare<[], Head>('SELECT * FROM ledger_head').get())]
  }

  #note (action: string, subject: string, payload: LedgerPayload): void {
    if (action === 'key.made') this.#keys.set(String(payload['key_id']), String(payload['public_key']))
    const eventId = /^event:(\d+)$/.exec(subject)?.[1]
    if (eventId === undefined || payload['event'] === undefined) return
    this.newest.set(Number(eventId), payload['event'])
    if (action === 'event.opened') this.opened.add(String(Object(payload['event'])['frame_sha256']))
  }

  #headFaults (head: Head | undefined): string[] {
    if (head?.sequence !== this.#sequence || head.hash !== this.#hash) return ['the ledger\'s head is not its last row']
    const key = this.#keys.get(head.key_id)
    if (key === undefined) return ['the ledger\'s key is not in it']
    const statement = headStatement({ sequence: head.sequence, hash: head.hash, atMs: head.at_ms, keyId: head.key_id })
    return verify(null, Buffer.from(statement), createPublicKey(key), Buffer.from(head.signature, 'base64')) ? [] : ['the ledger\'s head has a wrong signature']
  }
}
