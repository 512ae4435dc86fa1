import { checkpointDocument, type CheckpointDocument } from '../core/checkpoint.js'
import type { Integrity, KeyedHead } from './checkpoint-queries.js'
import type { SqlThread } from './sql-thread.js'

/** How often the ledger's head is kept, and who is told. */
export interface CheckpointOptions {
  /** Entries. */
  readonly every: number
  readonly onKept: (checkpoint: CheckpointDocument) => void
  /** A checkpoint that could not be kept; the next entry tries again. */
  readonly onFailed: (error: unknown) => void
}

/**
 * Keeps signed heads of the ledger, so that whoever has one of them from outside the machine can tell that nothing
 * before it was changed since.
 */
export class Checkpoints {
  readonly #sql: SqlThread
  readonly #options: CheckpointOptions
  readonly #stopListening: () => void
  #last: number
  #keeping: Promise<void> | undefined

  private constructor (sql: SqlThread, options: CheckpointOptions, last: number) {
    this.#sql = sql
    this.#options = options
    this.#last = last
    this.#stopListening = sql.onLedger(sequence => { if (sequence - this.#last >= options.every) void this.keep() })
  }

  /** Rejects with the error of the SQL thread. */
  static async open (sql: SqlThread, options: CheckpointOptions): Promise<Checkpoints> {
    return new Checkpoints(sql, options, (await sql.call('newestCheckpoint'))?.sequence ?? 0)
  }

  /** Keeps the head, where the ledger has grown since the last time. Never rejects. */
  async keep (): Promise<void> {
    this.#keeping ??= this.#keep().catch(this.#options.onFailed).finally(() => { this.#keeping = undefined })
    await this.#keeping
  }

  /** Keeps the head for the last time. */
  async close (): Promise<void> {
    this.#stopListening()
    await this.#keeping
    await this.keep()
  }

  /** How far the ledger goes and what proves it. Throws HistoryUnavailable. */
  async integrity (): Promise<Omit<Integrity, 'head' | 'checkpoint'> & { head: CheckpointDocument | undefined, checkpoint: CheckpointDocument | undefined }> {
    const { head, checkpoint, ...rest } = await this.#sql.ask('integrity')
    return { ...rest, head: documentOf(head), checkpoint: documentOf(checkpoint) }
  }

  /** The oldest checkpoint that was not posted. Rejects with the error of the SQL thread. */
  async unposted (): Promise<CheckpointDocument | undefined> {
    return documentOf(await this.#sql.call('unpostedCheckpoint'))
  }

  /** Notes that a checkpoint was posted. Rejects with the error of the SQL thread. */
  async setPosted (sequence: number, atMs: number): Promise<void> {
    await this.#sql.call('setCheckpointPosted', sequence, atMs)
  }

  async #keep (): Promise<void> {
    const kept = await this.#sql.call('keepCheckpoint')
    if (kept === undefined) return
    this.#last = kept.sequence
    this.#options.onKept(checkpointDocument(kept, kept.publicKey))
  }
}

function documentOf (head: KeyedHead | undefined): CheckpointDocument | undefined {
  return head === undefined ? undefined : checkpointDocument(head, head.publicKey)
}
