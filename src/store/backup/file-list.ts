import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { StartupError } from '../../errors.js'
import { isBackedUpFile, isEvidencePath, type BackedUpFile } from './manifest.js'

/** A file of evidence in the list of a backup. */
export interface ListedFile extends BackedUpFile {
  /** The history does not have it any more: retention has deleted it. */
  readonly former?: boolean
}

/**
 * Reads a list line by line, so that a million files take no more memory than one.
 * @throws StartupError for a line that is none; the list's own hash is to be compared before
 */
export async function * readList (path: string): AsyncGenerator<ListedFile, void, undefined> {
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const file: unknown = JSON.parse(line)
    if (!isBackedUpFile(file) || !isEvidencePath(file.path)) throw new StartupError(`${path} is damaged: use another backup`)
    yield file
  }
}

/** Finds files in a list while somebody goes through the same paths in the same order. */
export class ListReader {
  readonly #files: AsyncGenerator<ListedFile, void, undefined>
  #next: ListedFile | undefined
  #hasNext = false

  constructor (files: AsyncGenerator<ListedFile, void, undefined>) {
    this.#files = files
  }

  /** Returns the file of this path, if it is listed, and all that are listed before it and were not returned yet. */
  async upTo (path: string | undefined): Promise<{ found: ListedFile | undefined, passed: ListedFile[] }> {
    const passed: ListedFile[] = []
    for (let next = await this.#peek(); next !== undefined; next = await this.#peek()) {
      if (path !== undefined && next.path > path) break
      this.#hasNext = false
      if (next.path === path) return { found: next, passed }
      passed.push(next)
    }
    return { found: undefined, passed }
  }

  async #peek (): Promise<ListedFile | undefined> {
    if (!this.#hasNext) {
      const { value } = await this.#files.next()
      this.#next = value ?? undefined
      this.#hasNext = true
    }
    return this.#next
  }
}

/** Writes a list. */
export class ListWriter {
  readonly #file: FileHandle
  readonly #hash = createHash('sha256')
  #sizeBytes = 0

  private constructor (file: FileHandle) {
    this.#file = file
  }

  static async open (path: string): Promise<ListWriter> {
    return new ListWriter(await open(path, 'w', 0o600))
  }

  async add (files: readonly ListedFile[]): Promise<void> {
    const lines = Buffer.from(files.map(file => `${JSON.stringify(file)}\n`).join(''))
    await this.#file.writeFile(lines)
    this.#hash.update(lines)
    this.#sizeBytes += lines.length
  }

  /** Flushes it. Returns how the manifest describes it, but for its path. */
  async close (): Promise<Omit<BackedUpFile, 'path'>> {
    await this.#file.sync()
    await this.#file.close()
    return { size_bytes: this.#sizeBytes, sha256: this.#hash.digest('hex') }
  }

  /** Lets go of it after something went wrong. */
  async abandon (): Promise<void> {
    await this.#file.close().catch(() => {})
  }
}
