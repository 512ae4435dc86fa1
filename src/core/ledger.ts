import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from './canonical-json.js'

/** What happened, before it has a place in the ledger. */
export interface LedgerEntry {
  /** Who did it: `camera:<id>`, `user:<name>`, `server`, or `command` for the operator's commands. */
  readonly actor: string
  /** What it was, such as `event.opened`. */
  readonly action: string
  /** To what: `event:<id>`, `camera:<id>`, `user:<name>` or `server`. */
  readonly subject: string
  readonly payload: LedgerPayload
}

/** What an entry says beside who, what and to what. */
export interface LedgerPayload { readonly [key: string]: Json }

/** An entry in its place. */
export interface LedgerRow extends LedgerEntry {
  /** 1, 2, 3 and so on, without gaps. */
  readonly sequence: number
  /** When it was written: milliseconds since 1970, UTC, by the server's clock. */
  readonly atMs: number
  /** The hash of the entry before it; GENESIS_HASH for the first. Lower-case hexadecimal. */
  readonly previousHash: string
}

/** The signed statement that the ledger went up to an entry at a time. */
export interface LedgerHead {
  readonly sequence: number
  /** Of that entry. */
  readonly hash: string
  /** When it was signed: milliseconds since 1970, UTC. */
  readonly atMs: number
  /** Names the public key: the first 16 hexadecimal digits of the SHA-256 of its SPKI form in DER. */
  readonly keyId: string
}

/** What stands before the first entry. */
export const GENESIS_HASH = '0'.repeat(64)

/**
 * The hash of an entry: SHA-256, in lower-case hexadecimal, of the canonical JSON (RFC 8785) of all its columns but the
 * hash itself, named as in the table. It covers the hash of the entry before, and so all that went before.
 */
export function ledgerHash ({ sequence, atMs, actor, action, subject, payload, previousHash }: LedgerRow): string {
  return sha256Hex(canonicalJson({ sequence, at_ms: atMs, actor, action, subject, payload, previous_hash: previousHash }))
}

/** What is signed of a head: the canonical JSON of its parts. Signature: Ed25519 (RFC 8032) over its UTF-8 bytes. */
export function headStatement ({ sequence, hash, atMs, keyId }: LedgerHead): string {
  return canonicalJson({ type: 'videostream ledger head 1', sequence, hash, at_ms: atMs, key_id: keyId })
}

/** One hash for many rows: SHA-256, in lower-case hexadecimal, of the canonical JSON of each with a line feed behind it. */
export function digestOf (rows: ReadonlyArray<{ readonly [key: string]: Json }>): string {
  return sha256Hex(rows.map(row => `${canonicalJson(row)}\n`).join(''))
}

function sha256Hex (text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
