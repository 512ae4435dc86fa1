import { existsSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { StartupError } from '../errors.js'
import { MIGRATIONS } from './migrations/index.js'
import { toStartupError } from './storage-errors.js'

/** An open connection to the event history. */
export type Connection = Database.Database

/** Marks the file as ours: the letters VSTR. Source: SQLite's `application_id`. */
export const APPLICATION_ID = 0x56535452

/** How long a statement waits for another program's lock, in milliseconds: what Litestream asks for. */
const BUSY_TIMEOUT_MS = 5000

/** A database up to this size is looked through at each start. */
const ALWAYS_CHECKED_BYTES = 64 * 1024 ** 2

/**
 * How long the log may get, in pages, where Litestream makes the checkpoints: it must not miss what the log has. A bound
 * all the same, 200 MB, for a Litestream that has stopped.
 */
const REPLICATED_CHECKPOINT_PAGES = 50_000

/**
 * Opens the database, makes it where there is none, and brings its schema up to date. An acknowledged commit survives
 * a power cut: WAL with `synchronous=FULL` (better-sqlite3's default in WAL is NORMAL, which may lose the last ones).
 * A file that is damaged, locked, foreign or from a newer version is left as it is.
 * @throws StartupError with one line that says what to do
 */
export function openDatabase (path: string, busyTimeoutMs = BUSY_TIMEOUT_MS): Connection {
  let database: Connection | undefined
  try {
    refuseUnfit(path, busyTimeoutMs)
    database = new Database(path, { timeout: busyTimeoutMs })
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('foreign_keys = ON')
    if (isReplicated(path)) database.pragma(`wal_autocheckpoint = ${REPLICATED_CHECKPOINT_PAGES}`)
    migrate(database)
    return database
  } catch (error) {
    database?.close()
    throw toStartupError(error, path)
  }
}

/** Whether Litestream has been here: its folder lies beside the database. Source: https://litestream.io/how-it-works/ */
function isReplicated (path: string): boolean {
  return existsSync(join(dirname(path), `.${basename(path)}-litestream`))
}

/**
 * Only reads. Where a crash left a log beside the database, a connection that may write would move it into the database
 * when it closes, so that one may not. (It may where there is none: then one that may not would leave an empty log.)
 */
function refuseUnfit (path: string, busyTimeoutMs: number): void {
  const database = new Database(path, { timeout: busyTimeoutMs, readonly: existsSync(path) && existsSync(`${path}-wal`) })
  try {
    check(database, path)
  } finally {
    database.close()
  }
}

function check (database: Connection, path: string): void {
  const version = database.pragma('user_version', { simple: true })
  const application = database.pragma('application_id', { simple: true })
  const tables = database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get()
  if (application !== APPLICATION_ID && (application !== 0 || tables !== 0)) {
    throw new StartupError(`${path} belongs to another program; nothing was changed: move it away, or choose another DATA_DIR`)
  }
  if (typeof version === 'number' && version > MIGRATIONS.length) {
    throw new StartupError(`${path} was made by a newer version of Videostream (schema ${version}, this one knows ${MIGRATIONS.length}); nothing was changed: update Videostream`)
  }
  if (!isToBeChecked(path)) return
  const finding = String(database.pragma('quick_check(1)', { simple: true })).replaceAll('\n', ' ')
  if (finding !== 'ok') throw new StartupError(`${path} is damaged (${finding}); nothing was changed: restore it from a backup`)
}

/** All of it is read for that: seconds for each gigabyte. So large ones are checked only where the last end was no orderly one. */
function isToBeChecked (path: string): boolean {
  // A program that only read leaves an empty one.
  const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  return logBytes > 0 || statSync(path).size <= ALWAYS_CHECKED_BYTES
}

/** One transaction, taken for writing even where there is nothing to do, so that a lock shows now and not at the first spill. */
function migrate (database: Connection): void {
  database.transaction(() => {
    const version = Number(database.pragma('user_version', { simple: true }))
    for (const migration of MIGRATIONS.slice(version)) {
      if (typeof migration === 'string') database.exec(migration)
      else migration(database)
    }
    if (version === MIGRATIONS.length) return
    database.pragma(`application_id = ${APPLICATION_ID}`)
    database.pragma(`user_version = ${MIGRATIONS.length}`)
  }).immediate()
}
