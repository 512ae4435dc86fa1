import type { HuffmanTable } from './jpeg-tables.js'

/** A Huffman table turned round: code and length in bits by symbol. */
export interface HuffmanCodes { codes: Uint16Array, lengths: Uint8Array }

/** Gives every symbol its code: codes of one length count up in order (T.81 annex C). */
export function createHuffmanCodes ({ counts, symbols }: HuffmanTable): HuffmanCodes {
  const codes = new Uint16Array(256)
  const lengths = new Uint8Array(256)
  let code = 0
  let next = 0
  counts.forEach((count, i) => {
    for (const symbol of symbols.subarray(next, next + count)) {
      codes[symbol] = code++
      lengths[symbol] = i + 1
    }
    next += count
    code <<= 1
  })
  return { codes, lengths }
}

/** Writes bytes and bits into one growing piece of memory, as a JPEG has them: highest bit first, 0x00 after each 0xff. */
export class BitWriter {
  #bytes = new Uint8Array(1 << 16)
  #length = 0
  #bits = 0
  #bitCount = 0

  /** Starts again at the first byte. */
  reset (): void {
    this.#length = 0
  }

  /** Appends whole bytes as they are. */
  writeBytes (bytes: Uint8Array): void {
    this.reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Makes sure that so many more bytes fit, so that `write` need not look. */
  reserve (byteCount: number): void {
    if (this.#length + byteCount <= this.#bytes.length) return
    const larger = new Uint8Array(2 * this.#bytes.length + byteCount)
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  /** Appends the lowest `bitCount` bits (at most 16) of `bits`, which has no others set. */
  write (bits: number, bitCount: number): void {
    this.#bits = this.#bits << bitCount | bits
    this.#bitCount += bitCount
    while (this.#bitCount >= 8) {
      this.#bitCount -= 8
      const byte = this.#bits >> this.#bitCount & 0xff
      this.#bytes[this.#length++] = byte
      if (byte === 0xff) this.#bytes[this.#length++] = 0
    }
  }

  /** Fills the last byte up with ones. */
  flush (): void {
    this.write(0x7f, 7)
    this.#bits = 0
    this.#bitCount = 0
  }

  /** A copy of all that was written since `reset`. */
  toBuffer (): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }
}
