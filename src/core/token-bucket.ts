import type { Clock } from './clock.js'

/** How much a key may do: `perSecond` for ever, and `burst` at once after a rest. */
export interface BucketRate { readonly perSecond: number, readonly burst: number }

/** What is left for a key. */
export interface BucketLevel {
  /** Whole tokens that are left; below 0 for a take that was refused. */
  readonly left: number
  /** Milliseconds until the next token, 0 while there is one. */
  readonly waitMs: number
}

/** Keys beyond this many push out the one that was longest unused. */
const MAX_KEYS = 10_000

/**
 * A token bucket for each key. Runs on the clock that never jumps: a wall clock set back by an hour must not
 * refuse a camera for an hour. Memory is bounded by the number of keys.
 */
export class TokenBuckets {
  readonly #clock: Clock
  readonly #buckets = new Map<string, { tokens: number, atMs: number }>()

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Whether every key has all its tokens, since none was ever taken. */
  get isUntouched (): boolean {
    return this.#buckets.size === 0
  }

  /** Takes one token where there is one. A refused take costs nothing. */
  take (key: string, rate: BucketRate): BucketLevel {
    const tokens = this.#tokens(key, rate)
    const after = tokens >= 1 ? tokens - 1 : tokens
    this.#buckets.delete(key)
    this.#buckets.set(key, { tokens: after, atMs: this.#clock.monotonicMs() })
    const oldest = this.#buckets.size > MAX_KEYS ? this.#buckets.keys().next().value : undefined
    if (oldest !== undefined) this.#buckets.delete(oldest)
    return tokens >= 1 ? level(after, rate) : { ...level(tokens, rate), left: -1 }
  }

  /** Gives back a token that was taken for something that turned out not to cost one. */
  giveBack (key: string, rate: BucketRate): void {
    const bucket = this.#buckets.get(key)
    if (bucket !== undefined) bucket.tokens = Math.min(rate.burst, bucket.tokens + 1)
  }

  /** Says what is left without taking anything. */
  peek (key: string, rate: BucketRate): BucketLevel {
    return level(this.#tokens(key, rate), rate)
  }

  #tokens (key: string, rate: BucketRate): number {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return rate.burst
    const gainedMs = this.#clock.monotonicMs() - bucket.atMs
    return Math.min(rate.burst, bucket.tokens + gainedMs * rate.perSecond / 1000)
  }
}

function level (tokens: number, rate: BucketRate): BucketLevel {
  return { left: Math.floor(tokens), waitMs: tokens >= 1 ? 0 : Math.ceil((1 - tokens) * 1000 / rate.perSecond) }
}
