import { FrameMemory } from './frame-memory.js'
import { JpegEndFinder } from './jpeg-end.js'
import { LineSearch } from './line-search.js'
import { PartHeaderReader, type PartHeaders } from './part-headers.js'

/** One JPEG of a stream. */
export interface MultipartPart {
  /** By their names in lower case. */
  readonly headers: PartHeaders
  /** Holds the JPEG, which begins and ends as one; whether it is whole, `inspectJpeg` says. */
  readonly memory: FrameMemory
}

export interface MultipartParserOptions {
  /** The largest JPEG. */
  readonly maxPartBytes: number
  /**
   * Takes a part the moment its last byte is in. Where it gives a text back, that is why the part is bad all the same,
   * as the end of a sentence. Must not throw.
   */
  readonly onPart: (part: MultipartPart) => string | undefined | void
  /** Hears why a part was skipped, as the end of a sentence. Must not throw. */
  readonly onBadPart: (problem: string) => void
}

/** Bytes that can never become a stream of JPEGs; the message says why, as a whole sentence. */
export class HopelessStream extends Error {
  override name = 'HopelessStream'
}

/** How far the first delimiter may be, or the next one behind a closing one. */
const MAX_PREAMBLE_BYTES = 64 * 1024

/** Holds the longest headers that are documented, a hundred boxes among them, with room to spare. */
const MAX_HEADER_BYTES = 32 * 1024

/** A boundary has at most 70 characters (RFC 2046, section 5.1.1); not everybody knows. */
const MAX_DELIMITER_LENGTH = 200

/** So many parts' worth of bytes without a delimiter are given up on. */
const MAX_SKIPPED_PARTS = 10

/** So many bad parts in a row. */
const MAX_BAD_IN_A_ROW = 50

/** Larger scratch memory is not kept for the next part. */
const MAX_KEPT_BYTES = 1024 * 1024

const EOI_BYTES = Buffer.from([0xff, 0xd9])

/** What is being read. `delimiter` is the rest of a line that begins as the delimiter does. */
type State = 'preamble' | 'headers' | 'sized' | 'unsized' | 'gap' | 'delimiter' | 'hopeless'

/**
 * Cuts a stream of JPEGs in `multipart/x-mixed-replace` into its parts, whoever made it and in pieces of any size.
 *
 * With a Content-Length each byte is copied once, from the network's buffer into the frame's memory. Without it a part
 * ends with its JPEG, and what comes between that and the next delimiter is dropped. A length is not believed: where the
 * next delimiter comes before its end, or the JPEG does not end at it, the part is bad, and two never become one.
 *
 * The delimiter is the first line that begins with two dashes, since senders disagree with their own Content-Type. A part
 * without one in front, as some cameras begin, is known by its Content-Type. What follows the closing delimiter may be
 * another stream. A bad part is skipped in constant memory. Each byte is looked at a handful of times at most, whatever
 * the stream and however it comes in pieces.
 *
 * Source: RFC 2046, section 5.1.1; x-mixed-replace was never standardised.
 */
export class MultipartParser {
  readonly #options: MultipartParserOptions
  #state: State = 'preamble'
  #chunk: Buffer = Buffer.alloc(0)
  #badInARow = 0

  /** The beginning of a line whose end has not come. */
  #line = ''
  /** Of lines since the last part, or of headers. */
  #lineBytes = 0
  #isFirstLine = true

  /** Finds how a delimiter line begins, in a gap. */
  #gap: LineSearch | undefined
  #skippedBytes = 0
  /** The delimiter's first line, without its end. */
  #delimiter: string | undefined
  /** Finds whole delimiter lines, with the same end as the first one. Looks at everything, once. */
  #delimiterLines: LineSearch | undefined
  /** How far it has looked in this chunk: behind a delimiter line, or Infinity. */
  #lookedTo = 0

  #headers = new PartHeaderReader()
  #memory: FrameMemory | undefined
  #length = 0
  #filled = 0
  #jpegEnd = new JpegEndFinder()
  /** Holds a JPEG of unknown length. */
  #scratch: Buffer = Buffer.alloc(0)

  constructor (options: MultipartParserOptions) {
    this.#options = options
  }

  /**
   * Takes the next bytes.
   * @throws HopelessStream where they can never become a stream of JPEGs, and from then on
   */
  push (chunk: Buffer): void {
    this.#chunk = chunk
    this.#lookedTo = 0
    for (let at = 0; at < chunk.length;) at = this.#take(at)
    this.#nextDelimiterLine(chunk.length)
    this.#chunk = Buffer.alloc(0)
  }

  /** The stream has ended. A part that breaks off is a bad one. */
  end (): void {
    const isInside = this.#state === 'sized' || this.#state === 'unsized' || (this.#state === 'headers' && !this.#headers.isEmpty)
    if (isInside) this.#options.onBadPart('the stream ends before it is whole')
    this.#state = 'gap'
    this.#memory = undefined
    this.#scratch = Buffer.alloc(0)
  }

  /** Takes bytes of the chunk from here; returns how far. */
  #take (at: number): number {
    switch (this.#state) {
      case 'preamble': return this.#takePreamble(at)
      case 'headers': return this.#takeHeader(at)
      case 'sized': return this.#takeSized(at)
      case 'unsized': return this.#takeUnsized(at)
      case 'gap': return this.#takeGap(at)
      case 'delimiter': return this.#takeDelimiter(at)
      case 'hopeless': throw new HopelessStream('The stream was given up before.')
    }
  }

  #takePreamble (at: number): number {
    if (this.#isFirstLine && this.#line === '' && this.#chunk[at] === 0xff) this.#giveUp('It is not multipart: it begins as a bare JPEG. With ffmpeg, use "-f mpjpeg".')
    const { next, line } = this.#takeLine(at, MAX_PREAMBLE_BYTES)
    if (this.#lineBytes > MAX_PREAMBLE_BYTES) this.#giveUp(`No line of the first ${MAX_PREAMBLE_BYTES} bytes begins with "--", as a delimiter does.`)
    if (line === undefined) return next
    const text = line.trimEnd()
    if (/^--[\x20-\x7e]+$/.test(text) && text.length <= MAX_DELIMITER_LENGTH) {
      this.#delimiter = text
      this.#gap = new LineSearch(text, true)
      this.#delimiterLines = new LineSearch(`${line}\n`, true)
      this.#lookedTo = next
      this.#beginHeaders()
    } else if (this.#isFirstLine && /^content-(type|length)[ \t]*:/i.test(text)) {
      this.#beginHeaders()
      this.#headers.take(text)
    }
    if (text !== '') this.#isFirstLine = false
    return next
  }

  #beginHeaders (): void {
    this.#state = 'headers'
    this.#headers = new PartHeaderReader()
    this.#lineBytes = 0
  }

  #takeHeader (at: number): number {
    const { next, line } = this.#takeLine(at, MAX_HEADER_BYTES)
    if (this.#lineBytes > MAX_HEADER_BYTES) this.#giveUp(`The headers of a part have more than ${MAX_HEADER_BYTES} bytes.`)
    if (line === undefined) return next
    const text = line.trimEnd()
    if (text === '') {
      this.#beginBody()
    } else if (text === this.#delimiter) {
      this.#headers = new PartHeaderReader()
    } else if (text === `${this.#delimiter}--`) {
      this.#beginPreamble()
      this.#countBad('the stream is closed in the place of its headers')
    } else {
      this.#headers.take(text)
    }
    return next
  }

  #beginBody (): void {
    const length = this.#headers.contentLength()
    this.#filled = 0
    if (this.#headers.problem !== undefined) this.#skip(this.#headers.problem)
    else if (length === 0) this.#skip('it is empty')
    else if (length !== undefined && length > this.#options.maxPartBytes) this.#skip(this.#tooLarge())
    else if (length !== undefined) {
      this.#state = 'sized'
      this.#length = length
    } else {
      this.#state = 'unsized'
      this.#jpegEnd = new JpegEndFinder()
    }
  }

  #takeSized (at: number): number {
    const end = Math.min(this.#chunk.length, at + this.#length - this.#filled)
    const delimiterEnd = this.#nextDelimiterLine(at)
    if (delimiterEnd <= end) return this.#cutOff(`the next part begins before the ${this.#length} bytes of its Content-Length are there`, delimiterEnd)
    // Before anything is copied: parts that are no JPEGs must not cost their Content-Length each.
    for (let i = at; this.#filled + i - at < 2 && i < end; i++) {
      if (this.#chunk[i] !== (this.#filled + i - at === 0 ? 0xff : 0xd8)) {
        this.#skip('it does not begin with a JPEG start-of-image marker (FF D8)')
        return at
      }
    }
    this.#memory ??= new FrameMemory(this.#length)
    this.#filled += this.#chunk.copy(this.#memory.jpeg, this.#filled, at, end)
    if (this.#filled === this.#length) this.#endSized(this.#memory)
    return end
  }

  #endSized (memory: FrameMemory): void {
    if (memory.jpeg.lastIndexOf(EOI_BYTES) === -1) this.#skip(`its ${this.#length} bytes, as its Content-Length says, have no end-of-image marker (FF D9)`)
    else this.#deliver(memory)
  }

  #takeUnsized (at: number): number {
    const delimiterEnd = this.#nextDelimiterLine(at)
    const isCutOff = delimiterEnd !== Infinity
    const to = isCutOff ? Math.max(at, delimiterEnd - (this.#delimiterLines?.length ?? 0)) : this.#chunk.length
    const end = this.#jpegEnd.push(this.#chunk, at, to)
    if (this.#jpegEnd.problem !== undefined) {
      this.#skip(this.#jpegEnd.problem)
      return end - 1 // A delimiter may begin with the very byte that is wrong.
    }
    if (this.#filled + end - at > this.#options.maxPartBytes) {
      this.#skip(this.#tooLarge())
    } else if (isCutOff && !this.#jpegEnd.ended) {
      return this.#cutOff('the next part begins before its end-of-image marker (FF D9)', delimiterEnd)
    } else {
      this.#keep(at, end)
      if (this.#jpegEnd.ended) this.#endUnsized()
    }
    return end
  }

  /** Keeps bytes of a JPEG whose length is not known yet. As much memory again each time, or the copying would never end. */
  #keep (at: number, end: number): void {
    const needed = this.#filled + end - at
    if (needed > this.#scratch.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, Math.min(2 * needed, this.#options.maxPartBytes)))
      this.#scratch.copy(larger, 0, 0, this.#filled)
      this.#scratch = larger
    }
    this.#filled += this.#chunk.copy(this.#scratch, this.#filled, at, end)
  }

  #endUnsized (): void {
    const memory = FrameMemory.copyOf(this.#scratch.subarray(0, this.#filled))
    if (this.#scratch.length > MAX_KEPT_BYTES) this.#scratch = Buffer.alloc(0)
    this.#deliver(memory)
  }

  #deliver (memory: FrameMemory): void {
    const { headers } = this.#headers
    this.#beginGap()
    this.#lineBytes = 0
    const problem = this.#options.onPart({ headers, memory })
    if (typeof problem === 'string') this.#countBad(problem)
    else this.#badInARow = 0
  }

  /** The part was bad: goes on at the next delimiter. */
  #skip (problem: string): void {
    this.#beginGap()
    this.#options.onBadPart(problem)
    this.#countBad(problem)
  }

  /** The part was bad, since another delimiter came too early: goes on behind that. */
  #cutOff (problem: string, delimiterEnd: number): number {
    this.#skip(problem)
    this.#beginHeaders()
    return delimiterEnd
  }

  #countBad (problem: string): void {
    this.#badInARow += 1
    if (this.#badInARow === MAX_BAD_IN_A_ROW) this.#giveUp(`${MAX_BAD_IN_A_ROW} parts in a row were bad; of the last one: ${problem}.`)
  }

  #beginGap (): void {
    this.#memory = undefined
    this.#skippedBytes = 0
    if (this.#delimiter === undefined) {
      this.#state = 'preamble'
      return
    }
    this.#state = 'gap'
    this.#gap = new LineSearch(this.#delimiter, true)
  }

  #takeGap (at: number): number {
    const found = this.#gap?.find(this.#chunk, at) ?? -1
    const next = found === -1 ? this.#chunk.length : found
    this.#skippedBytes += next - at
    const limit = Math.max(MAX_PREAMBLE_BYTES, MAX_SKIPPED_PARTS * this.#options.maxPartBytes)
    if (this.#skippedBytes > limit) this.#giveUp(`No further part begins within ${limit} bytes.`)
    if (found !== -1) {
      this.#state = 'delimiter'
      this.#lineBytes = 0
    }
    return next
  }

  #takeDelimiter (at: number): number {
    const { next, line } = this.#takeLine(at, MAX_DELIMITER_LENGTH)
    this.#skippedBytes += next - at
    if (line === undefined && this.#lineBytes <= MAX_DELIMITER_LENGTH) return next
    const text = line?.trim()
    if (text === '') {
      this.#beginHeaders()
    } else if (text === '--') {
      this.#beginPreamble()
    } else {
      // It only began like one.
      this.#line = ''
      this.#state = 'gap'
      this.#gap = new LineSearch(this.#delimiter ?? '', line !== undefined)
    }
    return next
  }

  /** What comes behind a closing delimiter has a delimiter of its own. */
  #beginPreamble (): void {
    this.#state = 'preamble'
    this.#delimiter = undefined
    this.#gap = undefined
    this.#delimiterLines = undefined
  }

  /** Takes a line without its line feed, or what there is of it, but not far beyond the limit for all lines. */
  #takeLine (at: number, maxBytes: number): { next: number, line: string | undefined } {
    const lineFeed = this.#chunk.indexOf(0x0a, at)
    const isWhole = lineFeed !== -1
    const end = Math.min(isWhole ? lineFeed : this.#chunk.length, at + maxBytes + 1)
    this.#line += this.#chunk.toString('latin1', at, end)
    this.#lineBytes += end - at
    if (!isWhole || end < lineFeed) return { next: end, line: undefined }
    this.#lineBytes += 1
    const line = this.#line
    this.#line = ''
    return { next: lineFeed + 1, line }
  }

  /** Where the next delimiter line that ends behind this place ends in this chunk; Infinity where there is none. */
  #nextDelimiterLine (at: number): number {
    while (this.#lookedTo <= at) {
      const end = this.#delimiterLines?.find(this.#chunk, this.#lookedTo) ?? -1
      this.#lookedTo = end === -1 ? Infinity : end
    }
    return this.#lookedTo
  }

  #tooLarge (): string {
    return `it has more than ${this.#options.maxPartBytes} bytes`
  }

  #giveUp (message: string): never {
    this.#state = 'hopeless'
    throw new HopelessStream(message)
  }
}
