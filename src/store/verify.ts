import type { SignedHead } from '../core/checkpoint.js'
import type { Connection } from './database.js'
import { DATABASE_FILE } from './folder.js'
import { verifyEvents } from './verify-events.js'
import { verifyFiles } from './verify-files.js'
import { signatureKeys, verifyHeads } from './verify-heads.js'
import { verifyLedger } from './verify-ledger.js'

/** One thing that is not as the ledger says. */
export interface Finding {
  /** What is wrong: `ledger row 17`, `event 4`, or the path of a file. */
  readonly subject: string
  /** What is wrong with it, in words. */
  readonly problem: string
}

/** A checkpoint that was kept outside the machine. */
export interface OutsideCheckpoint {
  /** Where it comes from, for findings. */
  readonly name: string
  readonly head: SignedHead
}

/** What to verify, and against what. */
export interface VerifyOptions {
  /** Only from this entry on, with the events that it and later ones tell of. All where it is left out. */
  readonly since?: number | undefined
  readonly checkpoints?: readonly OutsideCheckpoint[]
  /** SPKI as PEM. Where there are some, no other key counts; otherwise the keys are taken from the ledger. */
  readonly publicKeys?: readonly string[]
  /** Told of each finding as it comes. */
  readonly onFinding: (finding: Finding) => void
  /** The history as it is now, to find out whether a file that is not there was deleted meanwhile. */
  readonly openNow?: () => Connection
}

/** What was verified. */
export interface VerifySummary {
  readonly since: number
  readonly entries: number
  readonly events: number
  readonly detections: number
  readonly clipFrames: number
  readonly files: number
  readonly bytes: number
  /** Those of the database and those from outside. */
  readonly checkpoints: number
  /** The last entry. */
  readonly sequence: number
  /** Its hash. */
  readonly hash: string
  /** Of the keys that count, as they are called. */
  readonly keyIds: readonly string[]
  /** Whether they were given from outside. */
  readonly trusted: boolean
  /** Detections that are older than the ledger: nothing proves them. */
  readonly unproved: number
  readonly findings: number
}

/** What the parts of a verification share. */
export interface Verification {
  readonly database: Connection
  readonly folder: string
  readonly since: number
  /** Whether the ledger is read from its beginning. */
  readonly isWhole: boolean
  report (subject: string, problem: string): void
}

/**
 * Recomputes everything that the ledger proves: its chain, its signatures, the rows that it tells of, and the hash of
 * every file. Only reads; all of it from one state of the database, whatever a server does meanwhile, whose write-ahead
 * log grows until it is done. Memory does not grow with the history, nor with its files.
 * @param database opened for reading
 * @param folder the data folder
 */
export async function verifyHistory (database: Connection, folder: string, options: VerifyOptions): Promise<VerifySummary> {
  let findings = 0
  const since = options.since ?? 1
  const verification: Verification = {
    database,
    folder,
    since,
    isWhole: since <= 1,
    report: (subject, problem) => {
      findings += 1
      options.onFinding({ subject, problem })
    }
  }
  database.exec('BEGIN')
  try {
    const damage = damageOf(database)
    if (damage !== undefined) verification.report(DATABASE_FILE, `is damaged: ${damage}`)
    const ledger = verifyLedger(verification)
    const keys = signatureKeys(verification, options.publicKeys)
    const checkpoints = verifyHeads(verification, ledger, keys, options.checkpoints ?? [])
    const events = verifyEvents(verification)
    const files = await verifyFiles(verification, options.openNow)
    return { since, ...ledger, ...events, ...files, checkpoints, keyIds: [...keys.keys()], trusted: options.publicKeys !== undefined, findings }
  } finally {
    database.exec('COMMIT')
  }
}

/** The first entry that was written at a time or later; undefined where there is none. */
export function firstEntrySince (database: Connection, atMs: number): number | undefined {
  return database.prepare<[number], number | null>('SELECT min(sequence) FROM ledger WHERE at_ms >= ?').pluck().get(atMs) ?? undefined
}

/** The number of the last entry; 0 where there is none. */
export function lastEntry (database: Connection): number {
  return database.prepare<[], number | null>('SELECT max(sequence) FROM ledger').pluck().get() ?? 0
}

/** Indexes too: rows are looked up through them. */
function damageOf (database: Connection): string | undefined {
  const finding = String(database.pragma('integrity_check(1)', { simple: true })).replaceAll('\n', ' ')
  return finding === 'ok' ? undefined : finding
}
