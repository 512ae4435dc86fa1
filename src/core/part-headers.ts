/** The headers of a part by their names in lower case. It has no prototype. */
export type PartHeaders = Readonly<Record<string, string>>

/**
 * Reads the header lines of one part. A line that begins with a space goes on with the one before, and spaces in front
 * of the colon are tolerated, since there are cameras that send them. A header that is given twice must say the same:
 * which of two reports of a spill is meant is not guessed.
 *
 * Source: RFC 5322, section 2.2; RFC 9112, section 5.
 */
export class PartHeaderReader {
  readonly #headers: Record<string, string> = Object.create(null)
  #name: string | undefined
  #problem: string | undefined

  /** What there is so far. */
  get headers (): PartHeaders {
    return this.#headers
  }

  /** Whether no line was taken. */
  get isEmpty (): boolean {
    return this.#name === undefined && this.#problem === undefined
  }

  /** What is wrong with them, as the end of a sentence; undefined where nothing is. */
  get problem (): string | undefined {
    return this.#problem
  }

  /** Takes a line without its end, which is not empty. */
  take (line: string): void {
    if (/^[ \t]/.test(line) && this.#name !== undefined) {
      this.#headers[this.#name] = `${this.#headers[this.#name]} ${line.trim()}`.trim()
      return
    }
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon)).trimEnd().toLowerCase()
    if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) {
      this.#problem = 'one of its header lines is not of the form "Name: value"'
      return
    }
    const value = line.slice(colon + 1).trim()
    if (this.#headers[name] !== undefined && this.#headers[name] !== value) this.#problem = `its header ${name} is given twice`
    this.#headers[name] = value
    this.#name = name
  }

  /** The Content-Length in bytes; undefined where there is none, and a problem where it is no number. */
  contentLength (): number | undefined {
    const text = this.#headers['content-length']
    if (text === undefined) return undefined
    if (/^\d{1,15}$/.test(text)) return Number(text)
    this.#problem ??= 'its Content-Length is not a whole number'
    return undefined
  }
}
