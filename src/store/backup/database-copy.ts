import Database from 'better-sqlite3'
import type { Connection } from '../database.js'
import { openForReading } from '../reading.js'
import type { BackedUpHead } from './manifest.js'

/** All pages in one step: a step is one transaction, and between two of them a server's write would start the copy anew. */
const ALL_PAGES = 0x7fffffff

/**
 * Copies a database as it is at one moment, while a server goes on writing it. The copy is always whole, and one file
 * without a log. Rejects with SQLite's error.
 */
export async function copyDatabase (source: string, target: string): Promise<void> {
  const database = openForReading(source, 'any')
  try {
    await database.backup(target, { progress: () => ALL_PAGES })
  } finally {
    database.close()
  }
  const copy = openCopy(target)
  try {
    copy.pragma('journal_mode = DELETE')
  } finally {
    copy.close()
  }
}

/** Opens a copy that nobody else has. Its folder need not have shared memory, as a WAL would otherwise need it. */
export function openCopy (path: string): Connection {
  const database = new Database(path, { fileMustExist: true })
  database.pragma('locking_mode = EXCLUSIVE')
  return database
}

/** What the manifest tells of a database. */
export interface HistoryFacts {
  readonly schemaVersion: number
  readonly historyId: string | null
  readonly events: number
  readonly head: BackedUpHead | null
}

/** Reads what the manifest tells of a database, whose schema may be an older one. */
export function factsOf (database: Connection): HistoryFacts {
  const has = (table: string): boolean => database.prepare('SELECT 1 FROM sqlite_schema WHERE name = ?').get(table) !== undefined
  return {
    schemaVersion: Number(database.pragma('user_version', { simple: true })),
    historyId: has('ledger') ? database.prepare<[], string>('SELECT hash FROM ledger WHERE sequence = 1').pluck().get() ?? null : null,
    events: database.prepare<[], number>('SELECT count(*) FROM oil_spill_events').pluck().get() ?? 0,
    head: has('ledger_head')
      ? database.prepare<[], BackedUpHead>('SELECT sequence, hash, at_ms, key_id, signature FROM ledger_head').get() ?? null
      : null
  }
}
