/** How long to wait between tries: twice as long after each, up to a limit, and never the same for two cameras. */
export class Backoff {
  readonly #firstMs: number
  readonly #longestMs: number
  readonly #random: () => number
  #nextMs: number

  /** @param random from 0 to 1, as Math.random */
  constructor (firstMs: number, longestMs: number, random: () => number = Math.random) {
    this.#firstMs = this.#nextMs = firstMs
    this.#longestMs = longestMs
    this.#random = random
  }

  /** The next wait in milliseconds: between half and all of what it may be. */
  nextMs (): number {
    const ms = this.#nextMs
    this.#nextMs = Math.min(2 * ms, this.#longestMs)
    return ms * (0.5 + 0.5 * this.#random())
  }

  /** It went well: start again with the shortest wait. */
  reset (): void {
    this.#nextMs = this.#firstMs
  }
}
