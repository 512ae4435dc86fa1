import { mkdirSync } from 'node:fs'
import { chown, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { DATABASE_FILE, flushFolder } from '../folder.js'
import { readList, type ListedFile } from './file-list.js'
import { copyHashed, hashFile, SourceUnreadable, type HashedBytes, type Owner } from './hashed-copy.js'
import type { BackedUpFile, Manifest } from './manifest.js'

/** A file of a backup that is not there, cannot be read, or is not as it was backed up. */
export interface RestoreFinding {
  /** Below the folder of the backup. */
  readonly path: string
  readonly problem: 'missing' | 'unreadable' | 'altered'
}

/** What is left of a backup. */
export interface RestoreCopied {
  readonly isDatabaseWhole: boolean
  readonly files: number
  readonly bytes: number
  readonly findings: readonly RestoreFinding[]
  readonly secrets: readonly string[]
}

/** Files that are copied at once. */
const BATCH = 16
const [SHARED_MODE, SECRET_MODE] = [0o640, 0o600]

/** Reads every file of a backup, compares it with the manifest, and copies it where that is wanted. */
export class RestoreCopy {
  readonly #folder: string
  readonly #manifest: Manifest
  readonly #target: string | undefined
  readonly #owner: Owner | undefined
  readonly #findings: RestoreFinding[] = []
  readonly #folders = new Set<string>()

  /** @param target where the copies go; undefined only compares */
  constructor (folder: string, manifest: Manifest, target: string | undefined, owner: Owner | undefined) {
    this.#folder = folder
    this.#manifest = manifest
    this.#target = target
    this.#owner = owner
  }

  /** Rejects with the file system's error where a copy cannot be written. */
  async run (): Promise<RestoreCopied> {
    const { database, list, secrets } = this.#manifest
    const isDatabaseWhole = await this.#take(database, DATABASE_FILE, SHARED_MODE)
    const isListWhole = await this.#isAsBackedUp(list, async () => await hashFile(join(this.#folder, list.path), list.size_bytes + 1))
    const totals = { files: 0, bytes: 0 }
    if (isListWhole) {
      for await (const batch of batchesOf(readList(join(this.#folder, list.path)))) {
        const taken = await Promise.all(batch.map(async file => await this.#take(file, file.path, SHARED_MODE)))
        totals.files += taken.filter(Boolean).length
        totals.bytes += batch.reduce((sum, { size_bytes: bytes }, i) => taken[i] === true ? sum + bytes : sum, 0)
      }
    }
    const taken: string[] = []
    for (const file of secrets) if (await this.#take(file, file.path, SECRET_MODE)) taken.push(file.path)
    for (const folder of this.#folders) await flushFolder(folder)
    return { isDatabaseWhole: isDatabaseWhole && isListWhole, ...totals, findings: this.#findings.sort((a, b) => a.path < b.path ? -1 : 1), secrets: taken }
  }

  async #take (file: BackedUpFile, name: string, mode: number): Promise<boolean> {
    const source = join(this.#folder, file.path)
    if (this.#target === undefined) return await this.#isAsBackedUp(file, async () => await hashFile(source, file.size_bytes))
    const path = join(this.#target, name)
    await this.#makeFolder(dirname(path))
    const isGood = await this.#isAsBackedUp(file, async () => await copyHashed(source, path, file.size_bytes, { mode, owner: this.#owner }))
    if (!isGood) await rm(path, { force: true })
    return isGood
  }

  async #isAsBackedUp (file: BackedUpFile, read: () => Promise<HashedBytes>): Promise<boolean> {
    try {
      const { sizeBytes, sha256 } = await read()
      if (sizeBytes === file.size_bytes && sha256 === file.sha256) return true
      this.#findings.push({ path: file.path, problem: 'altered' })
    } catch (error) {
      if (!(error instanceof SourceUnreadable)) throw error
      this.#findings.push({ path: file.path, problem: error.problem })
    }
    return false
  }

  async #makeFolder (path: string): Promise<void> {
    if (this.#folders.has(path)) return
    this.#folders.add(path)
    mkdirSync(path, { recursive: true }) // at once, before the others of the batch ask
    if (this.#owner !== undefined) await chown(path, this.#owner.uid, this.#owner.gid)
  }
}

async function * batchesOf (files: AsyncIterable<ListedFile>): AsyncGenerator<ListedFile[], void, undefined> {
  let batch: ListedFile[] = []
  for await (const file of files) {
    if (file.former === true) continue
    batch.push(file)
    if (batch.length < BATCH) continue
    yield batch
    batch = []
  }
  yield batch
}
