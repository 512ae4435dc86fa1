import { mkdir, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { flushFolder } from '../folder.js'
import type { NeededFile } from './evidence-rows.js'
import type { ListedFile } from './file-list.js'
import { copyHashed, hashFile, SourceUnreadable, type HashedBytes } from './hashed-copy.js'
import { isEvidencePath } from './manifest.js'

/** A file that is not there, cannot be read, or is not as it was. */
export interface FileFinding {
  readonly path: string
  readonly problem: 'missing' | 'unreadable' | 'altered'
}

/** Where the copies go, and how much is looked at. */
export interface CopierSettings {
  readonly dataFolder: string
  readonly folder: string
  /** For files that are not whole yet; on the same file system as the folder. */
  readonly partsFolder: string
  /** Whether to read what is there already, rather than to believe its size. */
  readonly rehash: boolean
}

/** Brings a backup's files of evidence up to date, each by itself. A good copy is never replaced by a bad one. */
export class EvidenceCopier {
  readonly #settings: CopierSettings
  readonly #changedFolders = new Set<string>()
  copied = 0
  copiedBytes = 0
  #nextPart = 0

  constructor (settings: CopierSettings) {
    this.#settings = settings
  }

  /**
   * Sees to it that the backup has a file.
   * @param before what the last backup's list says of it
   * @returns how the list describes it, or why there is no good copy of it to be had
   */
  async take (needed: NeededFile, before: ListedFile | undefined): Promise<ListedFile | FileFinding> {
    const { path, sizeBytes } = needed
    if (!isEvidencePath(path)) return { path, problem: 'altered' }
    const expected = needed.sha256 ?? (before?.size_bytes === sizeBytes ? before.sha256 : null)
    const isKnown = before !== undefined && before.size_bytes === sizeBytes && before.sha256 === expected
    return await this.#kept(path, sizeBytes, expected, isKnown) ?? await this.#copy(needed)
  }

  /** Flushes the folders that got new files. */
  async flush (): Promise<void> {
    for (const folder of this.#changedFolders) await flushFolder(folder)
    this.#changedFolders.clear()
  }

  /** What the backup has of a file already, where that is right. Clips grow, so a later one may have more. */
  async #kept (path: string, sizeBytes: number, sha256: string | null, isKnown: boolean): Promise<ListedFile | undefined> {
    const target = join(this.#settings.folder, path)
    const found = await stat(target).catch(() => undefined)
    if (sha256 === null || found === undefined || found.size < sizeBytes) return undefined
    if (isKnown && !this.#settings.rehash) return { path, size_bytes: sizeBytes, sha256 }
    const hashed = await hashFile(target, sizeBytes).catch(() => undefined) // what cannot be read is copied again
    return hashed?.sha256 === sha256 ? { path, size_bytes: sizeBytes, sha256 } : undefined
  }

  async #copy ({ path, sizeBytes, sha256 }: NeededFile): Promise<ListedFile | FileFinding> {
    const { dataFolder, folder, partsFolder } = this.#settings
    const part = join(partsFolder, String(this.#nextPart++))
    let copy: HashedBytes
    try {
      copy = await copyHashed(join(dataFolder, path), part, sizeBytes, { mode: 0o600 })
    } catch (error) {
      if (error instanceof SourceUnreadable) return { path, problem: error.problem }
      throw error
    }
    if (copy.sizeBytes < sizeBytes || (sha256 !== null && copy.sha256 !== sha256)) return { path, problem: 'altered' }
    const target = join(folder, path)
    await mkdir(dirname(target), { recursive: true, mode: 0o700 })
    await rename(part, target)
    this.#changedFolders.add(dirname(target))
    this.copied += 1
    this.copiedBytes += copy.sizeBytes
    return { path, size_bytes: sizeBytes, sha256: copy.sha256 }
  }
}
