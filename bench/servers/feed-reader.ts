/** What becomes of the frames of a feed. */
export interface FeedSink<Frame extends { readonly jpeg: Buffer }> {
  /** Makes room for a frame of so many bytes. */
  allocate (length: number): Frame
  onFrame (frame: Frame): void
}

const LF = 0x0a

/**
 * Reads a feed off the wire in whatever pieces it comes: chunked, each part with its Content-Length. Each byte of a frame
 * is copied once, to where the frame will stay. The least that does the job, to measure against: nothing is checked.
 */
export class FeedReader<Frame extends { readonly jpeg: Buffer }> {
  readonly #sink: FeedSink<Frame>
  #chunkLeft = 0
  #line = ''
  #head = ''
  #frame: Frame | undefined
  #filled = 0

  constructor (sink: FeedSink<Frame>) { this.#sink = sink }

  push (bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#chunkLeft === 0) {
        const end = bytes.indexOf(LF, at)
        this.#line += bytes.toString('latin1', at, end === -1 ? bytes.length : end)
        if (end === -1) return
        at = end + 1
        this.#chunkLeft = parseInt(this.#line, 16) || 0 // the empty line behind a chunk counts as nothing
        this.#line = ''
      } else {
        const end = Math.min(bytes.length, at + this.#chunkLeft)
        this.#chunkLeft -= end - at
        while (at < end) at = this.#frame === undefined ? this.#readHead(bytes, at, end) : this.#fill(this.#frame, bytes, at, end)
      }
    }
  }

  #readHead (bytes: Buffer, from: number, to: number): number {
    const before = this.#head.length
    const taken = Math.min(to, from + 256)
    this.#head += bytes.toString('latin1', from, taken)
    const end = this.#head.indexOf('\r\n\r\n')
    if (end === -1) return taken
    this.#frame = this.#sink.allocate(Number(/content-length: *(\d+)/i.exec(this.#head.slice(0, end + 2))?.[1] ?? 0))
    this.#filled = 0
    this.#head = ''
    return from + end + 4 - before
  }

  #fill (frame: Frame, bytes: Buffer, from: number, to: number): number {
    const count = bytes.copy(frame.jpeg, this.#filled, from, to)
    this.#filled += count
    if (this.#filled === frame.jpeg.length) {
      this.#frame = undefined
      this.#sink.onFrame(frame)
    }
    return from + count
  }
}
