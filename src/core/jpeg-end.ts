const SOI = 0xd8
const EOI = 0xd9
const SOS = 0xda
const TEM = 0x01
const FIRST_RESTART = 0xd0
const LAST_RESTART = 0xd7

const NO_START = 'it does not begin with a JPEG start-of-image marker (FF D8)'

/** What is read next. */
type Expected = 'start' | 'start-code' | 'marker' | 'code' | 'length' | 'length-low' | 'segment' | 'scan' | 'scan-code'

/**
 * Finds where a JPEG ends while it is still arriving, in pieces of any size: walks its segments by their lengths, so that
 * an end of image in an EXIF thumbnail does not count, and its scans by their markers. Each byte is looked at once, and
 * those of segments not at all. Whether the picture is a whole one is what `inspectJpeg` says.
 *
 * Source: ITU-T T.81 | ISO/IEC 10918-1, annex B.
 */
export class JpegEndFinder {
  #expected: Expected = 'start'
  /** Of the segment that is being read. */
  #marker = 0
  /** Bytes of the segment that are still to come, its length included. */
  #left = 0
  #problem: string | undefined
  #ended = false

  /** Whether the end of the image has come. */
  get ended (): boolean {
    return this.#ended
  }

  /** Why the bytes cannot be a JPEG, as the end of a sentence; undefined as long as they can. */
  get problem (): string | undefined {
    return this.#problem
  }

  /**
   * Takes the bytes of a piece from one place to another, up to the end of the image or a problem. Returns how far.
   */
  push (bytes: Buffer, from: number, to: number): number {
    const piece = to === bytes.length ? bytes : bytes.subarray(0, to)
    let at = from
    while (at < to && !this.#ended && this.#problem === undefined) {
      if (this.#expected === 'segment') {
        const skipped = Math.min(this.#left, to - at)
        this.#left -= skipped
        at += skipped
        if (this.#left === 0) this.#expected = this.#marker === SOS ? 'scan' : 'marker'
      } else if (this.#expected === 'scan') {
        const next = piece.indexOf(0xff, at)
        if (next === -1) return to
        this.#expected = 'scan-code'
        at = next + 1
      } else {
        this.#takeByte(piece[at++] ?? 0)
      }
    }
    return at
  }

  #takeByte (byte: number): void {
    switch (this.#expected) {
      case 'start': return this.#expect(byte === 0xff, 'start-code', NO_START)
      case 'start-code': return this.#expect(byte === SOI, 'marker', NO_START)
      case 'marker': return this.#expect(byte === 0xff, 'code', 'a byte between its segments begins no marker')
      case 'code': return this.#takeCode(byte, 'marker')
      case 'scan-code':
        if (byte === SOI) this.#problem = 'another picture begins before its end'
        else if (byte === 0 || isRestart(byte)) this.#expected = 'scan'
        else this.#takeCode(byte, 'scan')
        return
      case 'length':
        this.#left = byte << 8
        this.#expected = 'length-low'
        return
      case 'length-low':
        this.#left += byte - 2
        this.#expect(this.#left >= 0, 'segment', 'a segment has an impossible length')
    }
  }

  /** The byte behind an FF. */
  #takeCode (code: number, otherwise: 'marker' | 'scan'): void {
    if (code === 0xff) return // A marker may be preceded by fill bytes (B.1.1.2).
    if (code === EOI) {
      this.#ended = true
    } else if (code === SOI || code === TEM || isRestart(code)) {
      this.#expected = otherwise
    } else {
      this.#marker = code
      this.#expected = 'length'
    }
  }

  #expect (isRight: boolean, next: Expected, problem: string): void {
    if (isRight) this.#expected = next
    else this.#problem = problem
  }
}

function isRestart (code: number): boolean {
  return code >= FIRST_RESTART && code <= LAST_RESTART
}
