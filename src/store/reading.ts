import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { StartupError } from '../errors.js'
import { APPLICATION_ID, type Connection } from './database.js'
import { DATABASE_FILE } from './folder.js'
import { MIGRATIONS } from './migrations/index.js'
import { errorCode, toStartupError } from './storage-errors.js'

/** How long a statement waits for a lock of the server's, in milliseconds. */
const BUSY_TIMEOUT_MS = 10_000

/**
 * Opens a history that is only read, as the operator's commands do, while a server runs and while none does. It changes
 * nothing and leaves nothing behind. What cannot be opened where it is, since its folder cannot be written, is read in
 * a copy.
 * @param schema `current` refuses the schema of an older version, which has not all tables
 * @throws StartupError with one line that says what to do
 */
export function openForReading (path: string, schema: 'current' | 'any' = 'current'): Connection {
  try {
    return checked(inPlace(path), path, schema)
  } catch (error) {
    if (!/^SQLITE_(CANTOPEN|READONLY)/.test(errorCode(error)) || !existsSync(path)) throw toStartupError(error, path)
    return checked(inCopy(path), path, schema)
  }
}

/**
 * Where there is no log beside the database, SQLite makes an empty one for the time. A connection that may not write
 * would not remove it again; so one may, and does not. Where there is a log, that one would move it into the database
 * when it closes as the last; so it may not.
 */
function inPlace (path: string): Connection {
  return new Database(path, { timeout: BUSY_TIMEOUT_MS, fileMustExist: true, readonly: existsSync(`${path}-wal`) })
}

/** The copy has no name any more when this returns, so that it goes with the connection. */
function inCopy (path: string): Connection {
  const folder = mkdtempSync(join(tmpdir(), 'videostream-read-'))
  try {
    const copy = join(folder, DATABASE_FILE)
    copyFileSync(path, copy)
    if (existsSync(`${path}-wal`)) copyFileSync(`${path}-wal`, `${copy}-wal`)
    const database = new Database(copy, { fileMustExist: true })
    database.pragma('journal_mode = DELETE')
    return database
  } catch (error) {
    throw toStartupError(error, path)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function checked (database: Connection, path: string, schema: 'current' | 'any'): Connection {
  try {
    database.pragma('query_only = ON')
    if (database.pragma('application_id', { simple: true }) !== APPLICATION_ID) {
      throw new StartupError(`${path} belongs to another program, or is empty`)
    }
    const version = Number(database.pragma('user_version', { simple: true }))
    if (version > MIGRATIONS.length) {
      throw new StartupError(`${path} was made by a newer version of Videostream (schema ${version}, this one knows ${MIGRATIONS.length}): use that version's commands`)
    }
    if (schema === 'current' && version < MIGRATIONS.length) {
      throw new StartupError(`${path} was made by an older version of Videostream (schema ${version}, this one has ${MIGRATIONS.length}): start the server once, which brings it up to date`)
    }
    return database
  } catch (error) {
    database.close()
    throw error
  }
}
