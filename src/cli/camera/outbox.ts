import type { Shot } from './frame.js'
import type { Spool, SpoolEntry } from './spool.js'

/** What to send next: a frame that waits in the spool, or the newest one without a spill. */
export type Outgoing = { readonly entry: SpoolEntry } | { readonly shot: Shot }

/** While a backlog is sent, the live picture moves once in this time. */
const liveEveryMs = 1000

/**
 * Decides what is sent next: frames with a spill first, the oldest one before the others; but the newest frame, whatever
 * it shows, once a second. Of the frames without a spill only the newest is ever there.
 */
export class Outbox {
  readonly #spool: Spool
  readonly #signal: AbortSignal
  #clear: Shot | undefined
  #skippedCount = 0
  #liveSentAtMs = -Infinity
  #liveSequence = -1
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
    if (oldest === undefined || (isLiveDue && newest !== oldest)) return this.#takeNewest(newest, newestSequence, nowMs)
    if (oldest === newest) this.#noteLive(newestSequence, nowMs)
    return { entry: oldest }
  }

  #takeNewest (newest: SpoolEntry | undefined, sequence: number, nowMs: number): Outgoing | undefined {
    const shot = this.#clear
    if (newest === undefined && shot === undefined) return undefined
    this.#noteLive(sequence, nowMs)
    if (newest !== undefined) return { entry: newest }
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
