/** Memory that several may use and that is bounded for all of them together, in bytes. */
export class ByteBudget {
  readonly #maxBytes: number
  #usedBytes = 0

  constructor (maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Takes so many bytes where there are as many left, or nobody has any: one that is larger than all must still pass. */
  take (bytes: number): boolean {
    if (this.#usedBytes > 0 && this.#usedBytes + bytes > this.#maxBytes) return false
    this.#usedBytes += bytes
    return true
  }

  /** Gives back what was taken. */
  give (bytes: number): void {
    this.#usedBytes -= bytes
  }
}
