import type { Clock } from './clock.js'

/** Tries from one address for one reason within this time are one burst. */
const BURST_MS = 60_000

/** Addresses beyond this many push out the oldest. */
const MAX_BURSTS = 1000

/**
 * Counts refused tries, and says when one should be logged: once a burst rather than once a try, so that somebody who
 * guesses passwords cannot fill the log.
 */
export class RefusalLog {
  readonly #clock: Clock
  readonly #bursts = new Map<string, { sinceMs: number, tries: number }>()
  #total = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Refusals since the start. */
  get total (): number {
    return this.#total
  }

  /**
   * Counts a refusal.
   * @param key the address and the reason
   * @returns where it should be logged, how many tries the burst before it had that were not; otherwise undefined
   */
  note (key: string): { unloggedTries: number } | undefined {
    this.#total += 1
    const nowMs = this.#clock.monotonicMs()
    const burst = this.#bursts.get(key)
    if (burst !== undefined && nowMs - burst.sinceMs < BURST_MS) {
      burst.tries += 1
      return undefined
    }
    this.#bursts.delete(key)
    this.#bursts.set(key, { sinceMs: nowMs, tries: 0 })
    const oldest = this.#bursts.size > MAX_BURSTS ? this.#bursts.keys().next().value : undefined
    if (oldest !== undefined) this.#bursts.delete(oldest)
    return { unloggedTries: burst?.tries ?? 0 }
  }
}
