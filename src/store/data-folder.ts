import { randomBytes } from 'node:crypto'
import { accessSync, constants, existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { passwordProblem } from '../core/camera.js'
import { EVIDENCE_FOLDER } from '../core/event.js'
import { StartupError } from '../errors.js'
import { DATABASE_FILE, makeFolders } from './folder.js'
import { errorCode, toStartupError } from './storage-errors.js'
import { writeWhole } from './whole-file.js'

/** The file with the password that was made on the first run. */
const PASSWORD_FILE = 'camera_password'

/** What a server locks while it runs. */
export const LOCK_FILE = 'videostream.lock'

/** Where a restore gathers its copies. It gets another name before anything is moved, and then no server starts until the end. */
export const COPIES_FOLDER = '.restore-copies'

/** From where a restore moves what it has copied into the data folder. While it is there, that is not done. */
export const RESTORING_FOLDER = '.restoring'

/** A data folder that no other server uses. */
export interface DataFolder {
  readonly path: string
  /** Lets another server use it. */
  release (): void
}

/**
 * Makes the data folder where there is none and claims it for this process, so that two servers never write the same
 * history.
 * @throws StartupError with one line that says what to do
 */
export function claimDataFolder (path: string): DataFolder {
  try {
    makeFolders(path)
    return { path, ...claimFile(join(path, LOCK_FILE), `another Videostream server is using ${path}; stop it, or give this one its own DATA_DIR`) }
  } catch (error) {
    throw toStartupError(error, path)
  }
}

/** Whether a server is using this data folder. Changes nothing, and makes nothing where there is no such folder. */
export function isDataFolderInUse (path: string): boolean {
  const lockPath = join(path, LOCK_FILE)
  if (!existsSync(lockPath)) return false
  const lock = new Database(lockPath, { timeout: 0, readonly: true })
  try {
    lock.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (error) {
    if (errorCode(error) !== 'SQLITE_BUSY') throw toStartupError(error, lockPath)
    return true
  } finally {
    lock.close()
  }
}

/**
 * Claims a file, made where there is none, for this process. The claim is a lock that the operating system drops with
 * the process, however it ends.
 * @throws StartupError with `heldMessage` where another process has it, or one that says what to do
 */
export function claimFile (path: string, heldMessage: string): { release: () => void } {
  const lock = openLock(path)
  try {
    // Where SQLite may only read, it begins without a lock and says nothing.
    accessSync(path, constants.W_OK)
    lock.exec('BEGIN EXCLUSIVE')
    return { release: () => { lock.close() } }
  } catch (error) {
    lock.close()
    throw errorCode(error) === 'SQLITE_BUSY' ? new StartupError(heldMessage) : toStartupError(error, path)
  }
}

function openLock (path: string) {
  try {
    return new Database(path, { timeout: 0 })
  } catch (error) {
    throw toStartupError(error, path)
  }
}

/**
 * The camera password that is kept in the data folder, made on the first run: 192 random bits, readable by the owner only.
 * @throws StartupError where it cannot be read or written, or is no good
 */
export function generatedPassword (folder: string): { password: string, madeNow: boolean } {
  const path = join(folder, PASSWORD_FILE)
  try {
    const kept = readPassword(path)
    if (kept !== undefined) {
      const problem = passwordProblem(kept)
      if (problem !== undefined) throw new StartupError(`the password in ${path} ${problem}; delete the file to have a new one made`)
      return { password: kept, madeNow: false }
    }
    const password = randomBytes(24).toString('base64url')
    writeWhole(path, `${password}\n`)
    return { password, madeNow: true }
  } catch (error) {
    throw toStartupError(error, path)
  }
}

/**
 * Refuses a folder that a restore has not finished, and one that has evidence but no history: an empty database would
 * be made beside it, and all of the evidence would count as unclaimed. A power cut can empty a file. A restore that only
 * copied has touched nothing: where there was a history, it goes on.
 * @throws StartupError with one line that says what to do
 */
export function refuseLostHistory (folder: string): void {
  const database = join(folder, DATABASE_FILE)
  const evidence = join(folder, EVIDENCE_FOLDER)
  if (existsSync(join(folder, RESTORING_FOLDER))) {
    throw new StartupError(`a restore into ${folder} was not finished: run it again, with --replace`)
  }
  try {
    if ((statSync(database, { throwIfNoEntry: false })?.size ?? 0) > 0) return
    if (existsSync(join(folder, COPIES_FOLDER))) {
      throw new StartupError(`a restore into ${folder} was not finished: run it again, or remove ${join(folder, COPIES_FOLDER)} to begin a new history`)
    }
    if (!existsSync(evidence)) return
    if (readdirSync(evidence).every(name => !name.endsWith('.jpg'))) return
  } catch (error) {
    throw toStartupError(error, evidence)
  }
  throw new StartupError(`${database} is missing or empty, but there is evidence in ${evidence}; nothing was changed: restore the database from a backup, or move the evidence away`)
}

/** Removes the password that was made, so that the next start makes another one. */
export function forgetPassword (folder: string): void {
  rmSync(join(folder, PASSWORD_FILE), { force: true })
}

function readPassword (path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trimEnd()
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
}
