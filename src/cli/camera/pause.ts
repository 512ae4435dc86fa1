import { setTimeout } from 'node:timers/promises'

/** Waits so many milliseconds, or until the signal is aborted. It never throws. */
export async function pause (ms: number, signal: AbortSignal): Promise<void> {
  await setTimeout(ms, undefined, { signal }).catch(() => {})
}

/** How long to wait between tries: 0.25 s, and twice as long after each, up to 5 s, where nothing else is said. */
export class Backoff {
  readonly #firstMs: number
  readonly #longestMs: number
  #nextMs: number

  constructor ({ firstMs, longestMs } = { firstMs: 250, longestMs: 5000 }) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
    this.#nextMs = firstMs
  }

  /** The next wait in milliseconds. */
  nextMs (): number {
    const ms = this.#nextMs
    this.#nextMs = Math.min(2 * ms, this.#longestMs)
    return ms
  }

  /** A try went well: start again with the shortest wait. */
  reset (): void {
    this.#nextMs = this.#firstMs
  }
}
