import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Writes a small file that only its owner can read. Under its own name it is always whole, also after a crash or on a
 * full disk. Synchronous: for the start and for the operator's commands.
 * @throws the file system's error
 */
export function writeWhole (path: string, text: string): void {
  const part = `${path}.part`
  try {
    rmSync(part, { force: true })
    const file = openSync(part, 'wx', 0o600)
    try {
      writeFileSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(part, path)
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
  const folder = openSync(dirname(path), 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
