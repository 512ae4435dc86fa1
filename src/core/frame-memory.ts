import { sha256 } from './sha256.js'

/** Holds the headers of a part with room to spare. */
const HEAD_ROOM = 128

/** Holds the boundary and the next part's headers. */
const TAIL_ROOM = 64

/**
 * The memory of one JPEG, with room in front and behind it: an upload is copied into it once, and a part of a live
 * stream is made around it without copying it again. Memory that is not allocated is memory that the garbage collector
 * need not look after, and its pauses are what makes pictures late.
 */
export class FrameMemory {
  /** The JPEG alone. */
  readonly jpeg: Buffer
  readonly #bytes: Buffer
  #sha256: Promise<string> | undefined

  /** Memory for a JPEG of so many bytes, which are still to be written. */
  constructor (length: number) {
    this.#bytes = Buffer.allocUnsafeSlow(HEAD_ROOM + length + TAIL_ROOM)
    this.jpeg = this.#bytes.subarray(HEAD_ROOM, HEAD_ROOM + length)
  }

  /** Memory that holds a copy of these bytes. */
  static copyOf (jpeg: Buffer): FrameMemory {
    const memory = new FrameMemory(jpeg.length)
    jpeg.copy(memory.jpeg)
    return memory
  }

  /**
   * SHA-256 of the JPEG in lower-case hexadecimal, computed once. On the thread pool, unlike `createHash`: ten megabytes
   * would hold up the relay for some milliseconds.
   */
  sha256 (): Promise<string> {
    this.#sha256 ??= sha256(this.jpeg)
    return this.#sha256
  }

  /**
   * The JPEG with text around it, in Latin-1: a view of this memory that holds until the next call. The JPEG itself is
   * not touched.
   * @throws RangeError where there is no room for the text
   */
  wrap (head: string, tail: string): Buffer {
    if (head.length > HEAD_ROOM || tail.length > TAIL_ROOM) throw new RangeError('there is no room for so much text around a frame')
    const start = HEAD_ROOM - head.length
    const tailAt = HEAD_ROOM + this.jpeg.length
    this.#bytes.write(head, start, 'latin1')
    this.#bytes.write(tail, tailAt, 'latin1')
    return this.#bytes.subarray(start, tailAt + tail.length)
  }
}
