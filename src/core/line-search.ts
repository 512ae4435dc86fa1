const LINE_FEED = 0x0a

/**
 * Finds the beginning of a line in bytes that come in pieces of any size, in one pass and without keeping them: what a
 * piece ends with is remembered as a count.
 */
export class LineSearch {
  readonly #needle: Buffer
  /** How many bytes of the needle the bytes so far ended with. */
  #matched: number

  /**
   * @param line what the line begins with, or all of it and its end; no line feed but as the last byte
   * @param atLineStart whether the bytes begin a line
   */
  constructor (line: string, atLineStart: boolean) {
    this.#needle = Buffer.from(`\n${line}`, 'latin1')
    this.#matched = atLineStart ? 1 : 0
  }

  /** Bytes of what is searched for, with the line feed in front of it. */
  get length (): number {
    return this.#needle.length
  }

  /**
   * Goes on, from a place in a piece that follows what it has seen before. Returns the place behind what was found, or
   * -1 where it is not in the rest of the piece.
   */
  find (bytes: Buffer, from: number): number {
    // One byte is searched for ten times as fast as a text (measured with 56 KB JPEGs: 2 against 20 microseconds).
    for (let at = from; at < bytes.length;) {
      if (this.#matched === 0) {
        const lineFeed = bytes.indexOf(LINE_FEED, at)
        if (lineFeed === -1) return -1
        at = lineFeed
      }
      if (this.#step(bytes[at++])) return at
    }
    return -1
  }

  /** Only the first and the last byte of the needle may be a line feed, so there is nothing to fall back to but the first. */
  #step (byte: number | undefined): boolean {
    if (byte === this.#needle[this.#matched]) this.#matched += 1
    else this.#matched = byte === LINE_FEED ? 1 : 0
    if (this.#matched < this.#needle.length) return false
    this.#restart()
    return true
  }

  #restart (): void {
    this.#matched = this.#needle.at(-1) === LINE_FEED ? 1 : 0
  }
}
