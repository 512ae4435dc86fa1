const headersEnd = Buffer.from('\r\n\r\n')
const maxHeaderBytes = 4096
const maxJpegBytes = 64 * 1024 * 1024

/**
 * Cuts the output of ffmpeg's `mpjpeg` muxer into JPEGs: parts of `--ffmpeg`, headers with a `Content-length`, an empty
 * line, and the JPEG. Bytes may come in pieces of any size.
 */
export class MpjpegParser {
  #headers: Buffer = Buffer.alloc(0)
  #jpeg: Buffer = Buffer.alloc(0)
  #jpegMissingBytes = 0

  /**
   * Takes the next bytes and gives the JPEGs that they complete, which are the caller's to keep.
   * @throws Error if the bytes are no such stream
   */
  push (chunk: Buffer): Buffer[] {
    const jpegs: Buffer[] = []
    for (let rest = chunk; rest.length > 0;) {
      if (this.#jpegMissingBytes === 0) {
        rest = this.#readHeaders(rest)
      } else {
        rest = this.#readJpeg(rest)
        if (this.#jpegMissingBytes === 0) jpegs.push(this.#jpeg)
      }
    }
    return jpegs
  }

  /** Returns what is left after the headers. */
  #readHeaders (chunk: Buffer): Buffer {
    const headers = Buffer.concat([this.#headers, chunk])
    const end = headers.indexOf(headersEnd)
    if (end === -1 ? headers.length > maxHeaderBytes : end > maxHeaderBytes) throw new Error('ffmpeg sent no end of headers')
    if (end === -1) {
      this.#headers = headers
      return chunk.subarray(chunk.length)
    }
    const length = Number(/^content-length: *(\d+)\r?$/im.exec(headers.toString('latin1', 0, end))?.[1])
    if (!(length > 0 && length <= maxJpegBytes)) throw new Error('ffmpeg sent a part without a usable Content-length')
    this.#headers = Buffer.alloc(0)
    this.#jpeg = Buffer.allocUnsafe(length)
    this.#jpegMissingBytes = length
    return headers.subarray(end + headersEnd.length)
  }

  /** Returns what is left after the JPEG. */
  #readJpeg (chunk: Buffer): Buffer {
    const bytes = chunk.subarray(0, this.#jpegMissingBytes)
    bytes.copy(this.#jpeg, this.#jpeg.length - this.#jpegMissingBytes)
    this.#jpegMissingBytes -= bytes.length
    return chunk.subarray(bytes.length)
  }
}
