import rateLimit, { type FastifyRateLimitOptions, type FastifyRateLimitStore } from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import type { Clock } from '../core/clock.js'
import { TokenBuckets, type BucketRate } from '../core/token-bucket.js'
import { ReadRateExceeded } from '../errors.js'

type Answer = (error: Error | null, result?: { current: number, ttl: number }) => void

/** Buckets hold this many seconds' worth of tokens. */
const BURST_SECONDS = 2

/** A rate as @fastify/rate-limit takes it, with a burst of two seconds' worth. */
export function perSecond (rate: number): { max: number, timeWindow: number } {
  const max = Math.max(1, Math.round(rate * BURST_SECONDS))
  return { max, timeWindow: Math.round(max * 1000 / rate) }
}

/**
 * @fastify/rate-limit over token buckets that run on the monotonic clock: its own store counts in windows of the wall
 * clock, and a clock set back by an hour would refuse a camera for an hour. `max` is the burst, and `timeWindow` how
 * long an empty bucket takes to fill.
 *
 * Every route is limited by address, with the limit for reads; those that are not for reading say `rateLimit: false`.
 */
export default fp<{ config: Config }>(async (app, { config }) => {
  await app.register(rateLimit, {
    global: true,
    hook: 'onRequest',
    ...perSecond(config.readRateLimit),
    store: bucketStore(app.clock),
    errorResponseBuilder: () => new ReadRateExceeded(),
    addHeadersOnExceeding: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false },
    addHeaders: { 'x-ratelimit-limit': false, 'x-ratelimit-remaining': false, 'x-ratelimit-reset': false, 'retry-after': true }
  })
}, { name: 'rate-limits', dependencies: ['clock'] })

function bucketStore (clock: Clock) {
  return class BucketStore implements FastifyRateLimitStore {
    readonly #buckets = new TokenBuckets(clock)
    readonly #options: FastifyRateLimitOptions

    constructor (options: FastifyRateLimitOptions) {
      this.#options = options
    }

    /** Takes a token. `current` above the maximum means refused; `ttl` is when to try again, in milliseconds. */
    incr (key: string, answer: Answer, timeWindowMs = 1000, max = 1): void {
      const level = this.#buckets.take(key, rateOf(max, timeWindowMs))
      answer(null, { current: max - level.left, ttl: level.waitMs })
    }

    /** As `incr`, but takes nothing. */
    read (key: string, answer: Answer, timeWindowMs = 1000, max = 1): void {
      const level = this.#buckets.peek(key, rateOf(max, timeWindowMs))
      answer(null, { current: max - level.left, ttl: level.waitMs })
    }

    /** Routes with their own limit count apart. */
    child (options: FastifyRateLimitOptions): BucketStore {
      return new BucketStore({ ...this.#options, ...options })
    }
  }
}

function rateOf (max: number, timeWindowMs: number): BucketRate {
  return { burst: max, perSecond: max * 1000 / timeWindowMs }
}
