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
  /** 128 random bits in lower-case hexadecimal, so that nobody can find out what an entry says by trying what its hash is of. */
  readonly salt: string
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
 * The hash of an entry: of its place, and of the hash of what it says. It covers the hash of the entry before, and so all
 * that went before. The ledger can be shown with single entries withheld: their places still prove all others.
 */
export function ledgerHash (row: LedgerRow): string {
  return linkHash(row.sequence, contentHash(row), row.previousHash)
}

/**
 * The hash of what an entry says: SHA-256, in lower-case hexadecimal, of the canonical JSON (RFC 8785) of these columns,
 * named as in the table.
 */
export function contentHash ({ salt, atMs, actor, action, subject, payload }: Omit<LedgerRow, 'sequence' | 'previousHash'>): string {
  return sha256Hex(canonicalJson({ salt, at_ms: atMs, actor, action, subject, payload }))
}

/** The hash of an entry of which no more is known than its place and the hash of what it says. */
export function linkHash (sequence: number, contentHash: string, previousHash: string): string {
  return sha256Hex(canonicalJson({ sequence, content_hash: contentHash, previous_hash: previousHash }))
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
