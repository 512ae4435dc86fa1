import { setTimeout } from 'node:timers/promises'

/** Waits so many milliseconds, or until the signal is aborted. It never throws. */
export async function pause (ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}

/** The limits of a `Backoff`. */
export interface BackoffSettings {
  readonly firstMs?: number
  readonly longestMs?: number
  /** From 0 to 1, as Math.random. */
  readonly random?: (() => number) | undefined
}

/**
 * How long to wait between tries: about 0.25 s, and twice as long after each, up to 5 s, where nothing else is said.
 * Between half and all of that, at random, so that cameras that lost their server together do not come back together.
 */
export class Backoff {
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #random: () => number
  #nextMs: number

  constructor ({ firstMs = 250, longestMs = 5000, random = Math.random }: BackoffSettings = {}) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
    this.#random = random
    this.#nextMs = firstMs
  }

  /** The next wait in milliseconds. */
  nextMs (): number {
    const ms = this.#nextMs
    this.#nextMs = Math.min(2 * ms, this.#longestMs)
    return ms * (0.5 + 0.5 * this.#random())
  }

  /** A try went well: start again with the shortest wait. */
  reset (): void {
    this.#nextMs = this.#firstMs
  }
}
