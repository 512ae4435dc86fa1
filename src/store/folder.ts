import { mkdirSync, statSync } from 'node:fs'
import fs from 'node:fs/promises'
import { dirname } from 'node:path'
import { errorCode } from './storage-errors.js'

/** The database, in the data folder. */
export const DATABASE_FILE = 'videostream.db'

/** What of the file system folders need, so that tests can make it fail. */
type FolderFiles = Pick<typeof fs, 'open'>

/** Has the names in a folder survive a power cut. Rejects with the file system's error. */
export async function flushFolder (path: string, files: FolderFiles = fs): Promise<void> {
  const folder = await files.open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Makes a folder where there is none, so that it survives a power cut. Rejects with the file system's error. */
export async function makeFolder (path: string, files: FolderFiles & Pick<typeof fs, 'mkdir'> = fs): Promise<void> {
  if (await files.mkdir(path, { recursive: true }) !== undefined) await flushFolder(dirname(path), files)
}

/**
 * Makes a folder that a person named, and those above it, where there are none. Node's own way to do that never ends
 * where a file system says of a new name that it is not there, as /proc does.
 * @throws the file system's error; EEXIST or ENOTDIR where a file is in the way
 */
export function makeFolders (path: string, mode = 0o777): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (isFolder(path)) return
    const above = dirname(path)
    if (errorCode(error) !== 'ENOENT' || isFolder(above)) throw error
    makeFolders(above, mode)
    makeFolders(path, mode)
  }
}

function isFolder (path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}
