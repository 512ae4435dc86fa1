import { constants } from 'node:fs'
import fs from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { ClipFiles } from './clip-files.js'
import type { CheckFinding } from './data-check.js'
import { UNCLAIMED_FOLDER } from './evidence-store.js'
import { flushFolder, makeFolder } from './folder.js'
import { Garbage } from './garbage.js'
import type { SqlThread } from './sql-thread.js'
import { errorCode } from './storage-errors.js'

/**
 * Mends what a check has found, as far as that is possible without losing a byte of evidence: what the history does not
 * know is moved to `unclaimed_frames`. The ledger tells of it. No server may run on the data folder meanwhile.
 */
export class DataRepair {
  readonly #sql: SqlThread
  readonly #dataFolder: string

  constructor (sql: SqlThread, dataFolder: string) {
    this.#sql = sql
    this.#dataFolder = dataFolder
  }

  /** Resolves with what was done; undefined where nothing can be. Rejects with the error of SQLite or of the file system. */
  async mend (finding: CheckFinding): Promise<string | undefined> {
    const { kind, subject, eventId, sizeBytes } = finding
    switch (kind) {
      case 'unclaimed_file':
      case 'unfinished_file': return await this.#setAside(finding)
      case 'clip_tail': return await this.#setTailAside(subject, sizeBytes ?? Infinity)
      // It is made of evidence and is none.
      case 'stale_thumbnail': {
        await fs.unlink(join(this.#dataFolder, subject))
        return 'it was deleted'
      }
      case 'unfinished_deletion': {
        const { failed, error } = await new Garbage(this.#sql, this.#dataFolder, fs).collect()
        if (failed > 0) throw error
        return 'its deletion was finished'
      }
      case 'orphaned_event': {
        if (eventId !== undefined) await this.#sql.call('endOrphan', eventId, 'command')
        return 'it was ended with its last detection'
      }
      case 'evidence_total': {
        await this.#sql.call('recountEvidence')
        return 'it was counted anew'
      }
      // So does the SQL thread when it opens.
      case 'ledger_head': return 'the ledger notes it for good and goes on behind it: verify says what is wrong'
      case 'database_damaged':
      case 'foreign_key':
      case 'missing_file':
      case 'wrong_size':
      case 'clip_too_short': return undefined
    }
  }

  async #setAside ({ kind, subject }: CheckFinding): Promise<string> {
    const target = await this.#freePath(basename(subject).replace(/^\./, ''))
    await fs.rename(join(this.#dataFolder, subject), join(this.#dataFolder, target))
    await flushFolder(join(this.#dataFolder, dirname(subject)))
    await flushFolder(join(this.#dataFolder, UNCLAIMED_FOLDER))
    await this.#tell({ kind, path: subject, moved_to: target })
    return `it was moved to ${target}`
  }

  async #setTailAside (path: string, sizeBytes: number): Promise<string> {
    const tail = await new ClipFiles(this.#dataFolder).setTailAside(path, sizeBytes)
    if (tail === undefined) return 'they are gone already'
    await this.#tell({ kind: 'clip_tail', path, moved_to: tail.path, size_bytes: tail.bytes, sha256: tail.sha256 })
    return `they were moved to ${tail.path}`
  }

  async #tell (payload: { readonly [key: string]: string | number }): Promise<void> {
    await this.#sql.call('appendToLedger', { actor: 'command', action: 'evidence.repaired', subject: 'server', payload })
  }

  /** A name in the folder of what nothing claims that is not taken. */
  async #freePath (name: string): Promise<string> {
    await makeFolder(join(this.#dataFolder, UNCLAIMED_FOLDER))
    const extension = extname(name)
    for (let nth = 1; ; nth += 1) {
      const path = `${UNCLAIMED_FOLDER}/${basename(name, extension)}${nth === 1 ? '' : `-${nth}`}${extension}`
      if (!await exists(join(this.#dataFolder, path))) return path
    }
  }
}

async function exists (path: string): Promise<boolean> {
  try {
    await fs.access(path, constants.F_OK)
    return true
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return false
    throw error
  }
}
