import { StartupError, StorageFull, StorageUnavailable } from '../errors.js'

/** The code of an error of SQLite or of the file system, such as `SQLITE_BUSY` or `ENOSPC`. */
export function errorCode (error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
}

/** Whether an error means that there is no room left. SHMSIZE is how SQLite says it of the index beside its log. */
export function isDiskFull (error: unknown): boolean {
  return ['ENOSPC', 'EDQUOT', 'SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE'].includes(errorCode(error))
}

/** The answer to a camera whose frame opens or ends an event that could not be stored: 507 or 503, both say to send it again. */
export function toStorageError (error: unknown): Error {
  if (isDiskFull(error)) return new StorageFull()
  return new StorageUnavailable(reasonOf(errorCode(error)))
}

/** Says in a few words what an error code means for the person who can do something about it. */
function reasonOf (code: string): string {
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return 'the database is locked by another program'
  if (code.startsWith('SQLITE_READONLY') || ['EACCES', 'EPERM', 'EROFS'].includes(code)) return 'the data folder is not writable'
  return `storage error ${code}`
}

/** Turns whatever went wrong with the data folder at the start into one line that says what to do. */
export function toStartupError (error: unknown, path: string): StartupError {
  if (error instanceof StartupError) return error
  const code = errorCode(error)
  if (isDiskFull(error)) return new StartupError(`no room is left on the disk of ${path}; make room and start again`)
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new StartupError(`${path} is locked by another program; close that program and start again`)
  }
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new StartupError(`${path} is damaged or not a database; nothing was changed: move it away, or restore it from a backup`)
  }
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN') || ['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) {
    return new StartupError(`${path} cannot be written (${code}); give the server a folder of its own with DATA_DIR, or correct the permissions`)
  }
  return new StartupError(`${path} cannot be used: ${error instanceof Error ? error.message : String(error)} (${code})`)
}
