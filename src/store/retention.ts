import type { Clock } from '../core/clock.js'
import { RetentionChoice, type Deletable, type Deletion, type EvidenceUsage, type RetentionPolicy } from '../core/retention.js'
import type { DiskRoom } from './disk-room.js'
import type { EventPosition } from '../core/event-filter.js'
import type { Garbage } from './garbage.js'
import type { SqlThread } from './sql-thread.js'

/** Events that are read in one go. */
const PAGE = 100

/** Events whose evidence goes in one transaction: few, so that nothing waits long for the SQL thread. */
const BATCH = 10

const BEFORE_ALL: EventPosition = { startedAtMs: Number.MIN_SAFE_INTEGER, id: 0 }

/** What retention reads. */
export interface RetentionReader {
  pageOfDeletable (unreviewed: RetentionPolicy['unreviewed'], after: EventPosition, limit: number): Promise<Deletable[]>
}

/**
 * What would go now, oldest first.
 * @param choice tells afterwards whether a limit is exceeded for all that
 */
export async function * deletionsOf (reader: RetentionReader, { unreviewed }: RetentionPolicy, choice: RetentionChoice): AsyncGenerator<Deletion> {
  let after = BEFORE_ALL
  while (!choice.isThroughAt(after.startedAtMs)) {
    const page = await reader.pageOfDeletable(unreviewed, after, PAGE)
    for (const each of page) {
      if (each.files === 0) continue
      const reason = choice.reasonFor(each)
      if (reason !== undefined) yield { ...each, reason }
    }
    const last = page.at(-1)
    if (last === undefined) return
    after = { startedAtMs: last.startedAtMs, id: last.eventId }
  }
}

/** What one round has deleted. */
export interface RetentionReport {
  readonly events: number
  readonly bytes: number
  /** The limit beyond which there still is evidence, since no more may be deleted; undefined for none. */
  readonly limitExceeded: 'total_bytes' | 'free_disk' | undefined
}

export interface RetentionOptions {
  readonly sql: Pick<SqlThread, 'ask'>
  readonly garbage: Garbage
  readonly room: DiskRoom
  readonly clock: Clock
  readonly policy: RetentionPolicy
  /** Is told of the evidence that is deleted, as it goes. */
  readonly onDeleted?: (deletions: readonly Deletion[]) => void
  /** Is told of files that could not be deleted: they are tried again. */
  readonly onUndeleted: (error: unknown, files: number) => void
}

/** Deletes evidence as the policy says, oldest first, in small steps, and the ledger tells of each. */
export class Retention {
  readonly policy: RetentionPolicy
  readonly #options: RetentionOptions
  #running: Promise<unknown> = Promise.resolve()
  #isClosed = false
  readonly #started: { readonly nowMs: number, readonly monotonicMs: number }

  constructor (options: RetentionOptions) {
    this.policy = options.policy
    this.#options = options
    this.#started = { nowMs: options.clock.nowMs(), monotonicMs: options.clock.monotonicMs() }
  }

  /** Whether there is anything that evidence is deleted for. */
  get isOn (): boolean {
    const { retainMs, maxBytes, minFreeBytes } = this.policy
    return retainMs !== undefined || maxBytes !== undefined || minFreeBytes > 0
  }

  /** What evidence uses now. Rejects with HistoryUnavailable. */
  async usage (): Promise<EvidenceUsage> {
    const { sql, room } = this.#options
    const [totalBytes, freeBytes] = await Promise.all([sql.ask('evidenceBytes'), room.look()])
    return { totalBytes, freeBytes }
  }

  /** What would be deleted now, oldest first, and whether a limit would be exceeded for all that. */
  async plan (): Promise<{ deletions: AsyncGenerator<Deletion>, choice: RetentionChoice, usage: EvidenceUsage }> {
    const usage = await this.usage()
    const choice = new RetentionChoice(this.policy, usage, this.#nowMs())
    return { deletions: deletionsOf(this.#reader, this.policy, choice), choice, usage }
  }

  /**
   * Deletes what has to go. One round after the other.
   * @param actor who wants it, as the ledger names them
   */
  async run (actor = 'server'): Promise<RetentionReport> {
    return await this.#inTurn(async () => {
      const { deletions, choice } = await this.plan()
      const { events, bytes } = await this.#delete(deletions, actor)
      return { events, bytes, limitExceeded: choice.limitExceeded }
    })
  }

  /** Deletes the oldest evidence until so many bytes are free that were not. Resolves with how many are; never rejects. */
  async makeRoom (bytes: number): Promise<number> {
    if (this.policy.minFreeBytes === 0) return 0
    try {
      return await this.#inTurn(async () => {
        const policy = { ...this.policy, retainMs: undefined, maxBytes: undefined, minFreeBytes: bytes }
        const choice = new RetentionChoice(policy, { totalBytes: 0, freeBytes: 0 }, 0)
        return (await this.#delete(deletionsOf(this.#reader, policy, choice), 'server')).bytes
      })
    } catch (error) {
      this.#options.onUndeleted(error, 0)
      return 0
    }
  }

  /** Ends the round that is under way with its next step. */
  async close (): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  /** A clock that is set ahead must not make all evidence old: before the next start only the time counts that has passed. */
  #nowMs (): number {
    const { clock } = this.#options
    return Math.min(clock.nowMs(), this.#started.nowMs + clock.monotonicMs() - this.#started.monotonicMs)
  }

  get #reader (): RetentionReader {
    const { sql } = this.#options
    return { pageOfDeletable: async (...args) => await sql.ask('pageOfDeletable', ...args) }
  }

  async #delete (deletions: AsyncGenerator<Deletion>, actor: string): Promise<{ events: number, bytes: number }> {
    let [events, bytes] = [0, 0]
    let chosen: Deletion[] = []
    const deleteChosen = async (): Promise<void> => {
      const { sql, garbage, onDeleted, onUndeleted } = this.#options
      const ordered = await sql.ask('orderDeletions', chosen.map(({ eventId, reason }) => ({ eventId, reason })), this.policy.unreviewed, actor)
      const ids = new Set(ordered.map(({ eventId }) => eventId))
      onDeleted?.(chosen.filter(({ eventId }) => ids.has(eventId)))
      chosen = []
      const { failed, error } = await garbage.collect()
      if (failed > 0) onUndeleted(error, failed)
      events += ordered.length
      bytes += ordered.reduce((sum, each) => sum + each.sizeBytes, 0)
    }
    for await (const deletion of deletions) {
      if (this.#isClosed) break
      chosen.push(deletion)
      if (chosen.length === BATCH) await deleteChosen()
    }
    if (chosen.length > 0) await deleteChosen()
    return { events, bytes }
  }

  async #inTurn<T> (task: () => Promise<T>): Promise<T> {
    const turn = this.#running.then(task)
    this.#running = turn.catch(() => {})
    return await turn
  }
}
