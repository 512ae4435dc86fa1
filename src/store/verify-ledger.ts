import { canonicalJson, type Json } from '../core/canonical-json.js'
import { GENESIS_HASH, ledgerHash, type LedgerPayload } from '../core/ledger.js'
import { rowVerifier } from './verify-rows.js'
import type { Verification } from './verify.js'

/** A row of the ledger as it stands in the table. */
export interface LedgerTableRow {
  sequence: number
  at_ms: number
  actor: string
  action: string
  subject: string
  payload: string
  salt: string
  previous_hash: string
  hash: string
}

/** How far the ledger goes, and what it tells of. */
export interface LedgerExtent {
  readonly entries: number
  readonly detections: number
  readonly clipFrames: number
  readonly unproved: number
  /** The last entry; 0 where there is none. */
  readonly sequence: number
  readonly hash: string
}

/** Verifies the ledger row by row: no gaps, each the successor of the one before, each with the hash of what it says. */
export function verifyLedger (verification: Verification): LedgerExtent {
  const { database, since, isWhole, report } = verification
  const before = database.prepare<[number], { sequence: number, hash: string }>('SELECT sequence, hash FROM ledger WHERE sequence = ?').get(since - 1)
  let last = { sequence: isWhole ? 0 : since - 1, hash: isWhole ? GENESIS_HASH : before?.hash }
  let entries = 0
  const rows = rowVerifier(verification)
  // Not through an index: whoever alters the table may have forgotten it.
  const all = database.prepare<[number], LedgerTableRow>(`
    SELECT sequence, at_ms, actor, action, subject, payload, salt, previous_hash, hash FROM ledger NOT INDEXED
     WHERE sequence >= ? ORDER BY sequence`)
  for (const row of all.iterate(isWhole ? Number.MIN_SAFE_INTEGER : since)) {
    const gap = row.sequence - last.sequence - 1
    if (gap < 0) {
      report(`ledger row ${row.sequence}`, 'does not belong here: the first one is row 1')
      continue
    }
    if (gap > 0) report(gapName(last.sequence + 1, gap), `missing: row ${row.sequence} comes next`)
    const payload = payloadOf(row)
    const problem = gap === 0 && last.hash !== undefined && row.previous_hash !== last.hash
      ? `it does not follow row ${last.sequence}: one of them was replaced`
      : problemOf(row, payload)
    if (problem !== undefined) report(`ledger row ${row.sequence}`, problem)
    rows.take(row, problem === undefined ? payload : undefined)
    last = row
    entries += 1
  }
  return { ...rows.end(), entries, sequence: last.sequence, hash: last.hash ?? '' }
}

/** What a payload says; undefined where it is no JSON object. */
export function payloadOf ({ payload }: Pick<LedgerTableRow, 'payload'>): LedgerPayload | undefined {
  try {
    const value: Json = JSON.parse(payload)
    return isPayload(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Whether it is a JSON object. */
export function isPayload (value: Json | undefined): value is LedgerPayload {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function problemOf (row: LedgerTableRow, payload: LedgerPayload | undefined): string | undefined {
  if (payload === undefined) return 'its payload is no JSON object'
  try {
    if (canonicalJson(payload) !== row.payload) return 'its payload is not canonical JSON'
    const { sequence, at_ms: atMs, actor, action, subject, salt, previous_hash: previousHash } = row
    const hash = ledgerHash({ sequence, atMs, actor, action, subject, payload, salt, previousHash })
    return hash === row.hash ? undefined : 'its hash is not that of its content'
  } catch {
    return 'its text is not well-formed'
  }
}

function gapName (first: number, count: number): string {
  return count === 1 ? `ledger row ${first}` : `ledger rows ${first} to ${first + count - 1}`
}
