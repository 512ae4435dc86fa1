import t from 'tap'
import { StartupError } from '../../src/errors.js'
import { errorCode, isDiskFull, toStartupError, toStorageError } from '../../src/store/storage-errors.js'

function failure (code: string): Error {
  return Object.assign(new Error('what the system says'), { code })
}

t.test('the code of an error is its own, or UNKNOWN', async t => {
  t.equal(errorCode(failure('ENOSPC')), 'ENOSPC')
  for (const error of [new Error('no code'), Object.assign(new Error(), { code: 7 }), 'a text', undefined, null, { code: 'ENOSPC' }]) {
    t.equal(errorCode(error), 'UNKNOWN')
  }
})

t.test('no room is told from other failures', async t => {
  for (const code of ['ENOSPC', 'EDQUOT', 'SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE']) t.ok(isDiskFull(failure(code)), code)
  for (const code of ['EIO', 'SQLITE_IOERR', 'SQLITE_BUSY']) t.notOk(isDiskFull(failure(code)), code)
})

t.test('a camera is told what stands in the way, and to send again', async t => {
  const table: Array<[code: string, status: number, reason: RegExp]> = [
    ['ENOSPC', 507, /the disk is full/],
    ['SQLITE_FULL', 507, /the disk is full/],
    ['SQLITE_BUSY', 503, /locked by another program/],
    ['SQLITE_BUSY_SNAPSHOT', 503, /locked by another program/],
    ['SQLITE_LOCKED', 503, /locked by another program/],
    ['SQLITE_READONLY', 503, /not writable/],
    ['EACCES', 503, /not writable/],
    ['EPERM', 503, /not writable/],
    ['EROFS', 503, /not writable/],
    ['EIO', 503, /storage error EIO/],
    ['SQL_THREAD_LOST', 503, /storage error SQL_THREAD_LOST/]
  ]
  for (const [code, statusCode, reason] of table) {
    t.match(toStorageError(failure(code)), { statusCode, message: reason }, code)
    t.match(toStorageError(failure(code)).message, /[Ss]end this frame again/)
  }
})

t.test('who starts the server is told in one line what to do', async t => {
  const table: Array<[error: unknown, line: RegExp]> = [
    [failure('ENOSPC'), /^no room is left on the disk of \/data;/],
    [failure('SQLITE_BUSY'), /^\/data is locked by another program;/],
    [failure('SQLITE_LOCKED_SHAREDCACHE'), /^\/data is locked by another program;/],
    [failure('SQLITE_NOTADB'), /^\/data is damaged or not a database; nothing was changed/],
    [failure('SQLITE_CORRUPT_VTAB'), /^\/data is damaged or not a database; nothing was changed/],
    [failure('SQLITE_READONLY_DIRECTORY'), /^\/data cannot be written \(SQLITE_READONLY_DIRECTORY\);/],
    [failure('SQLITE_CANTOPEN'), /^\/data cannot be written \(SQLITE_CANTOPEN\);/],
    [failure('EACCES'), /^\/data cannot be written \(EACCES\);/],
    [failure('EEXIST'), /^\/data cannot be written \(EEXIST\);/],
    [failure('EIO'), /^\/data cannot be used: what the system says \(EIO\)$/],
    ['a text', /^\/data cannot be used: a text \(UNKNOWN\)$/]
  ]
  for (const [error, line] of table) {
    const startupError = toStartupError(error, '/data')
    t.type(startupError, StartupError)
    t.match(startupError.message, line)
    t.notOk(startupError.message.includes('\n'))
  }
})

t.test('what is said already is not said anew', async t => {
  const error = new StartupError('said')
  t.equal(toStartupError(error, '/data'), error)
})
