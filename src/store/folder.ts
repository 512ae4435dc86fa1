import fs from 'node:fs/promises'
import { dirname } from 'node:path'

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
