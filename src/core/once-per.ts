import type { Clock } from './clock.js'

/** Keys beyond this many push out the one that was noted longest ago. */
const MAX_KEYS = 10_000

/** Tells the first of many that are alike: whether a key comes for the first time within a time. Runs on the clock that never jumps. */
export class OncePer {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #noted = new Map<string, number>()

  constructor (clock: Clock, everyMs: number) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  /** Says whether a key is due, and notes that it was. */
  take (key: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const notedAtMs = this.#noted.get(key)
    if (notedAtMs !== undefined && nowMs - notedAtMs < this.#everyMs) return false
    this.#noted.delete(key)
    this.#noted.set(key, nowMs)
    const oldest = this.#noted.size > MAX_KEYS ? this.#noted.keys().next().value : undefined
    if (oldest !== undefined) this.#noted.delete(oldest)
    return true
  }
}
