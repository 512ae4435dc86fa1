/** What a reader tells of each whole frame. */
export interface FrameSink {
  /**
   * @param head the frame's first bytes; the same memory each time
   * @param whole whether it begins with FF D8 and ends with FF D9, where its part says that it does
   */
  onFrame (head: Uint8Array, whole: boolean): void
}

type State = 'head' | 'part-head' | 'counted-body' | 'scanned-body'
type ChunkState = 'size' | 'data' | 'end'

const HEAD_BYTES = 64
const MAX_HEAD_LENGTH = 8192
/** How much of what comes is looked at for the head of a part at a time: more than any is long. */
const PART_HEAD_STEP = 512
const CR = 0x0d
const LF = 0x0a

/**
 * Reads the HTTP response of an MJPEG stream, in whatever pieces it comes: its head, Transfer-Encoding: chunked where
 * it is used, and the parts, by their Content-Length or else up to the next boundary. Nothing is kept of a frame but
 * its first bytes and its last two, and nothing is allocated but the text of heads.
 *
 * Source: RFC 9112, sections 6.3 and 7.1 (without trailers); RFC 2046, section 5.1.1.
 */
export class MultipartReader {
  readonly #sink: FrameSink
  readonly #frameHead = new Uint8Array(HEAD_BYTES)
  #state: State = 'head'
  #text = ''
  #chunked = false
  #chunkState: ChunkState = 'size'
  #chunkLeft = 0
  #delimiter = Buffer.alloc(0)
  #matched = 0
  #bodyLeft = 0
  #bodyLength = 0
  #previousByte = 0
  #lastByte = 0
  /** 0 until the head of the response is complete. */
  status = 0

  constructor (sink: FrameSink) { this.#sink = sink }

  /**
   * Takes the next bytes.
   * @throws where they are no MJPEG stream, or its end
   */
  push (bytes: Buffer): void {
    if (this.#state === 'head') this.#readHead(bytes)
    else this.#readBody(bytes)
  }

  #readHead (bytes: Buffer): void {
    const before = this.#text.length
    this.#text += bytes.toString('latin1', 0, MAX_HEAD_LENGTH)
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) {
      if (this.#text.length >= MAX_HEAD_LENGTH) throw new Error('the head of the response has no end')
      return
    }
    const head = this.#text.slice(0, end + 2)
    this.#text = ''
    this.status = Number(/^HTTP\/1\.\d (\d{3})/.exec(head)?.[1] ?? -1)
    if (this.status !== 200) throw new Error(`the stream was refused with ${this.status}`)
    const boundary = /^content-type: *multipart\/[^\r]*boundary="?(?:--)?([^\s";]+)/im.exec(head)?.[1]
    if (boundary === undefined) throw new Error('the response is not multipart')
    this.#delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
    this.#chunked = /^transfer-encoding: *chunked/im.test(head)
    this.#state = 'part-head'
    this.#readBody(bytes.subarray(end + 4 - before))
  }

  #readBody (bytes: Buffer): void {
    if (!this.#chunked) {
      this.#readParts(bytes, 0, bytes.length)
      return
    }
    let at = 0
    while (at < bytes.length) {
      if (this.#chunkState === 'data') {
        const end = Math.min(bytes.length, at + this.#chunkLeft)
        this.#readParts(bytes, at, end)
        this.#chunkLeft -= end - at
        at = end
        if (this.#chunkLeft === 0) this.#chunkState = 'end'
      } else {
        this.#readChunkFrame(bytes[at++] ?? 0)
      }
    }
  }

  /** One byte of the lines between chunks. Extensions would be read as digits; no server here sends any. */
  #readChunkFrame (byte: number): void {
    if (this.#chunkState === 'end') {
      if (byte === LF) {
        this.#chunkState = 'size'
        this.#chunkLeft = 0
      }
    } else if (byte === LF) {
      if (this.#chunkLeft === 0) throw new Error('the stream has ended')
      this.#chunkState = 'data'
    } else if (byte !== CR) {
      const digit = byte <= 0x39 ? byte - 0x30 : (byte | 0x20) - 0x57
      if (digit < 0 || digit > 15) throw new Error('a chunk has no size')
      this.#chunkLeft = this.#chunkLeft * 16 + digit
    }
  }

  #readParts (bytes: Buffer, from: number, to: number): void {
    let at = from
    while (at < to) {
      if (this.#state === 'counted-body') at = this.#readCounted(bytes, at, to)
      else if (this.#state === 'scanned-body') at = this.#readScanned(bytes, at, to)
      else at = this.#readPartHead(bytes, at, to)
    }
  }

  #readPartHead (bytes: Buffer, from: number, to: number): number {
    const before = this.#text.length
    const taken = Math.min(to, from + PART_HEAD_STEP)
    this.#text += bytes.toString('latin1', from, taken)
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) {
      if (this.#text.length >= MAX_HEAD_LENGTH) throw new Error('the head of a part has no end')
      return taken
    }
    const length = /^content-length: *(\d+)/im.exec(this.#text.slice(0, end))?.[1]
    this.#text = ''
    this.#bodyLength = 0
    this.#matched = 0
    this.#bodyLeft = Number(length ?? 0)
    this.#state = length === undefined ? 'scanned-body' : 'counted-body'
    if (length === '0') this.#endFrame()
    return from + end + 4 - before
  }

  #readCounted (bytes: Buffer, from: number, to: number): number {
    const end = Math.min(to, from + this.#bodyLeft)
    this.#take(bytes, from, end)
    this.#bodyLeft -= end - from
    if (this.#bodyLeft === 0) this.#endFrame()
    return end
  }

  /** Looks for the delimiter. Its first byte, CR, does not come again in it, so a broken match begins anew where it broke. */
  #readScanned (bytes: Buffer, from: number, to: number): number {
    let at = from
    while (at < to) {
      if (this.#matched === 0) {
        const found = bytes.indexOf(CR, at)
        const end = found === -1 || found > to ? to : found
        this.#take(bytes, at, end)
        if (end === to) return to
        this.#matched = 1
        at = end + 1
      } else if (bytes[at] === this.#delimiter[this.#matched]) {
        at += 1
        if (++this.#matched < this.#delimiter.length) continue
        this.#endFrame()
        return at
      } else {
        this.#take(this.#delimiter, 0, this.#matched)
        this.#matched = 0
      }
    }
    return to
  }

  #take (bytes: Buffer, from: number, to: number): void {
    if (from === to) return
    for (let i = from; i < to && this.#bodyLength + i - from < HEAD_BYTES; i++) this.#frameHead[this.#bodyLength + i - from] = bytes[i] ?? 0
    this.#previousByte = to - from > 1 ? bytes[to - 2] ?? 0 : this.#lastByte
    this.#lastByte = bytes[to - 1] ?? 0
    this.#bodyLength += to - from
  }

  #endFrame (): void {
    this.#state = 'part-head'
    const whole = this.#bodyLength >= 4 && this.#frameHead[0] === 0xff && this.#frameHead[1] === 0xd8 &&
      this.#previousByte === 0xff && this.#lastByte === 0xd9
    this.#sink.onFrame(this.#frameHead, whole)
  }
}
