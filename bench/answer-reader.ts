/**
 * Reads the answers on a keep-alive connection, in whatever pieces they come: the status of each, and where it ends, by
 * Content-Length, by the last chunk, or (204, 304) by its head. Bodies are passed over unread.
 *
 * Source: RFC 9112, section 6.3.
 */
export class AnswerReader {
  readonly #onAnswer: (status: number) => void
  #text = ''
  #status = 0
  #bodyLeft = 0
  #state: 'head' | 'counted' | 'chunked' = 'head'

  constructor (onAnswer: (status: number) => void) { this.#onAnswer = onAnswer }

  /** Forgets what has come of an answer, for a new connection. */
  reset (): void {
    this.#text = ''
    this.#state = 'head'
  }

  push (bytes: Buffer): void {
    if (this.#state === 'counted') {
      this.#pass(bytes)
      return
    }
    const before = this.#text.length
    this.#text += bytes.toString('latin1')
    if (this.#state === 'chunked') {
      this.#endOfChunks()
      return
    }
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#text.slice(0, end + 2)
    this.#status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? 0)
    const isEmpty = this.#status === 204 || this.#status === 304
    if (!isEmpty && /^transfer-encoding: *chunked/im.test(head)) {
      this.#text = this.#text.slice(end + 4)
      this.#state = 'chunked'
      this.#endOfChunks()
      return
    }
    this.#text = ''
    this.#bodyLeft = isEmpty ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    this.#state = 'counted'
    this.#pass(bytes.subarray(end + 4 - before))
  }

  /** One request is out at a time, so nothing stands behind the body. */
  #pass (bytes: Buffer): void {
    this.#bodyLeft -= bytes.length
    if (this.#bodyLeft <= 0) this.#end()
  }

  #endOfChunks (): void {
    if (/(^|\r\n)0\r\n\r\n$/.test(this.#text)) this.#end()
  }

  #end (): void {
    this.reset()
    this.#onAnswer(this.#status)
  }
}
