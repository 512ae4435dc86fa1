import { dirname, join } from 'node:path'
import { thumbnailPath } from '../core/event.js'
import type { EvidenceFiles } from './evidence-store.js'
import { flushFolder } from './folder.js'
import type { SqlThread } from './sql-thread.js'
import { errorCode } from './storage-errors.js'

/** Files that are deleted before the folder is flushed: few, so that nothing waits long for the disk. */
const BATCH = 50

/** What became of files that were to be deleted. */
export interface Collected {
  readonly files: number
  /** Those that could not be deleted; they are tried again with the next ones. */
  readonly failed: number
  /** Why the last of them could not. */
  readonly error: unknown
}

/**
 * Deletes the files that the history has given up. The row of a file goes when the file is gone for good, so that what
 * a crash breaks off is finished by the next start.
 */
export class Garbage {
  readonly #sql: Pick<SqlThread, 'ask'>
  readonly #dataFolder: string
  readonly #files: Pick<EvidenceFiles, 'open' | 'unlink'>
  #collecting: Promise<unknown> = Promise.resolve()

  constructor (sql: Pick<SqlThread, 'ask'>, dataFolder: string, files: Pick<EvidenceFiles, 'open' | 'unlink'>) {
    this.#sql = sql
    this.#dataFolder = dataFolder
    this.#files = files
  }

  /** Deletes all files that are to be deleted. Rejects with HistoryUnavailable, or with the error of flushing a folder. */
  async collect (): Promise<Collected> {
    const turn = this.#collecting.then(async () => await this.#collectAll())
    this.#collecting = turn.catch(() => {})
    return await turn
  }

  async #collectAll (): Promise<Collected> {
    let [files, failed, after] = [0, 0, '']
    let error: unknown
    while (true) {
      const page = await this.#sql.ask('pageOfGarbage', after, BATCH)
      const last = page.at(-1)
      if (last === undefined) return { files, failed, error }
      const gone: string[] = []
      for (const { path } of page) {
        try {
          await this.#delete(path)
          gone.push(path)
        } catch (cause) {
          failed += 1
          error = cause
        }
      }
      for (const folder of new Set(gone.map(dirname))) await flushFolder(join(this.#dataFolder, folder), this.#files)
      if (gone.length > 0) await this.#sql.ask('dropGarbage', gone)
      files += gone.length
      after = last.path
    }
  }

  /** What was made of a frame goes before it. */
  async #delete (path: string): Promise<void> {
    if (path.endsWith('.jpg')) await this.#unlink(thumbnailPath(path))
    await this.#unlink(path)
  }

  async #unlink (path: string): Promise<void> {
    try {
      await this.#files.unlink(join(this.#dataFolder, path))
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
    }
  }
}
