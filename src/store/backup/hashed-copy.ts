import { createHash, type Hash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { errorCode } from '../storage-errors.js'

/** What of a file was read. */
export interface HashedBytes {
  readonly sizeBytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/** A file that cannot be read, with why: whoever copies many may go on with the others. */
export class SourceUnreadable extends Error {
  override name = 'SourceUnreadable'
  readonly problem: 'missing' | 'unreadable'

  constructor (cause: unknown) {
    super('a file cannot be read', { cause })
    this.problem = ['ENOENT', 'ENOTDIR'].includes(errorCode(cause)) ? 'missing' : 'unreadable'
  }
}

/** Whom a file is made for, where root makes it. */
export interface Owner { readonly uid: number, readonly gid: number }

/** How a copy is made. */
export interface CopySettings {
  readonly mode: number
  readonly owner?: Owner | undefined
}

const BLOCK_BYTES = 256 * 1024

/**
 * Copies a file, or its beginning, and hashes what it copied. Resolves when that is flushed. The target is written over.
 * Rejects with the file system's error where that cannot be written.
 * @throws SourceUnreadable
 */
export async function copyHashed (source: string, target: string, maxBytes: number, { mode, owner }: CopySettings): Promise<HashedBytes> {
  const from = await openSource(source)
  try {
    const to = await open(target, 'w', mode)
    try {
      const copied = await readBlocks(from, maxBytes, async block => { await to.writeFile(block) })
      if (owner !== undefined) await to.chown(owner.uid, owner.gid)
      await to.sync()
      return copied
    } finally {
      await to.close()
    }
  } finally {
    await from.close()
  }
}

/**
 * Hashes a file, or its beginning.
 * @throws SourceUnreadable
 */
export async function hashFile (path: string, maxBytes = Infinity): Promise<HashedBytes> {
  const file = await openSource(path)
  try {
    return await readBlocks(file, maxBytes, async () => {})
  } finally {
    await file.close()
  }
}

async function openSource (path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (error) {
    throw new SourceUnreadable(error)
  }
}

async function readBlocks (file: FileHandle, maxBytes: number, take: (block: Buffer) => Promise<void>): Promise<HashedBytes> {
  const hash: Hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(Math.max(1, Math.min(BLOCK_BYTES, maxBytes)))
  let sizeBytes = 0
  while (sizeBytes < maxBytes) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, maxBytes - sizeBytes), null)
      .catch((error: unknown) => { throw new SourceUnreadable(error) })
    if (bytesRead === 0) break
    const block = buffer.subarray(0, bytesRead)
    hash.update(block)
    await take(block)
    sizeBytes += bytesRead
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}
