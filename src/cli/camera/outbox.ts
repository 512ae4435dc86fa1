import type { Shot } from './frame.js'
import type { Spool, SpoolEntry } from './spool.js'

/** What to send next: a frame that waits in the spool, or the newest one without a spill. */
export type Outgoing = { readonly entry: SpoolEntry } | { readonly shot: Shot }

/** While a backlog is sent, the live picture moves once in this time. */
const liveEveryMs = 1000

/**
 * Decides what is sent next: frames with a spill first, the oldest one before the others; but the newest frame, whatever
 * it shows, once a second. Of the frames without a spill only the newest is there, and those that ended a run: they have
 * their turn as the ones with a spill do, since they tell the server that two runs are not one.
 */
export class Outbox {
  readonly #spool: Spool
  readonly #signal: AbortSignal
  #clear: Shot | undefined
  #skippedCount = 0
  #liveSentAtMs = -Infinity
  #liveSequence = -1
  /** The end of a run that was taken out last, and the newest one that needs not be sent any more. */
  #lastEnd: SpoolEntry | undefined
  #endSequence = -1
  #wake: () => void = () => {}

  /** @param signal aborted when no more frames are wanted */
  constructor (spool: Spool, signal: AbortSignal) {
    this.#spool = spool
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  /** How many frames without a spill were put here and never taken out. */
  get skippedCount (): number {
    return this.#skippedCount
  }

  /** Puts in a frame without a spill, in the place of the one that is there. */
  putClear (shot: Shot): void {
    if (this.#clear !== undefined) this.#skippedCount++
    this.#clear = shot
    this.#wake()
  }

  /** Puts in a frame with a spill. Settles when it is on disk; only then is it sent. */
  async putSpill (shot: Shot, runId: number): Promise<void> {
    await this.#spool.add(shot, runId)
    if (this.#clear !== undefined && this.#clear.sequence < shot.sequence) {
      this.#clear = undefined
      this.#skippedCount++
    }
    this.#wake()
  }

  /**
   * Puts in the first frame without a spill after a run of them. It may be sent at once, as any other, but stays in the
   * spool until the server has it. Settles when it is on disk.
   */
  async putEnd (shot: Shot, runId: number): Promise<void> {
    this.putClear(shot)
    await this.#spool.add(shot, runId)
    this.#wake()
  }

  /** Takes out what is next, waiting for it if there is nothing. Gives undefined once the signal is aborted. */
  async next (): Promise<Outgoing | undefined> {
    while (!this.#signal.aborted) {
      const next = this.#pick(performance.now())
      if (next !== undefined) return next
      await this.#change()
    }
    return undefined
  }

  #pick (nowMs: number): Outgoing | undefined {
    const { entries } = this.#spool
    const isReady = (entry: SpoolEntry | undefined): entry is SpoolEntry => entry !== undefined && entry.notBeforeMs <= nowMs
    const oldest = entries.find(isReady)
    const last = entries.at(-1)
    const newest = isReady(last) && last.sequence > (this.#clear?.sequence ?? -1) ? last : undefined
    const newestSequence = newest?.sequence ?? this.#clear?.sequence ?? -1
    const isLiveDue = nowMs - this.#liveSentAtMs >= liveEveryMs && newestSequence > this.#liveSequence
    if (oldest === undefined || (isLiveDue && newest !== oldest)) {
      const end = newest?.isClear === false ? this.#endBefore(newest, nowMs) : undefined
      return end === undefined ? this.#takeNewest(newest, newestSequence, nowMs) : this.#takeEntry(end)
    }
    if (oldest === newest) this.#noteLive(newestSequence, nowMs)
    return this.#takeEntry(oldest)
  }

  /**
   * The end of the run before the newest frame, if that jumps the queue and the end is not with the server yet: without
   * it the server would take that run, which comes later, and the newest frame for one run.
   */
  #endBefore (newest: SpoolEntry, nowMs: number): SpoolEntry | undefined {
    const { entries } = this.#spool
    if (this.#lastEnd !== undefined && !entries.includes(this.#lastEnd)) this.#endSequence = Math.max(this.#endSequence, this.#lastEnd.sequence)
    const end = entries.findLast(entry => entry.isClear && entry.sequence < newest.sequence)
    return end !== undefined && end.sequence > this.#endSequence && end.notBeforeMs <= nowMs ? end : undefined
  }

  #takeEntry (entry: SpoolEntry): Outgoing {
    if (entry.isClear) this.#lastEnd = entry
    return { entry }
  }

  #takeNewest (newest: SpoolEntry | undefined, sequence: number, nowMs: number): Outgoing | undefined {
    const shot = this.#clear
    if (newest === undefined && shot === undefined) return undefined
    this.#noteLive(sequence, nowMs)
    if (newest !== undefined) return this.#takeEntry(newest)
    this.#clear = undefined
    return shot && { shot }
  }

  #noteLive (sequence: number, nowMs: number): void {
    this.#liveSentAtMs = nowMs
    this.#liveSequence = sequence
  }

  /** Settles when a frame comes, when one that had to wait may be sent, or at the abort. */
  async #change (): Promise<void> {
    const dueAtMs = this.#spool.entries.reduce((earliest, entry) => Math.min(earliest, entry.notBeforeMs), Infinity)
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>(resolve => {
      this.#wake = resolve
      if (dueAtMs < Infinity) timer = setTimeout(resolve, Math.max(1, dueAtMs - performance.now()))
    })
    clearTimeout(timer)
  }
}
