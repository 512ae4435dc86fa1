import { open, rename } from 'node:fs/promises'

/**
 * Writes a file so that it is whole or not there at all, whatever happens: under another name, flushed, and then
 * renamed. The new name itself is on disk only after `syncFolder`.
 */
export async function writeWhole (path: string, chunks: readonly Uint8Array[]): Promise<void> {
  const temporary = `${path}.tmp`
  const file = await open(temporary, 'w', 0o600)
  try {
    for (const chunk of chunks) await file.writeFile(chunk)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
}

/** Flushes the names in a folder to disk. Windows knows no such thing, and needs none. */
export async function syncFolder (path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
