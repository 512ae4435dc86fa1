import { SourceFailed } from './source-failed.js'

/** A request or an answer of RTSP (RFC 2326). */
export interface RtspMessage {
  readonly startLine: string
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: Buffer
}

const DOLLAR = 0x24
const HEAD_END = Buffer.from('\r\n\r\n')
const MAX_HEAD_BYTES = 16 * 1024
const MAX_BODY_BYTES = 256 * 1024

/**
 * Takes one direction of an RTSP connection apart: messages on the one hand, media on the other, which comes as packets
 * with a dollar sign and their length in front (RFC 2326, 10.12). Bytes may come in pieces of any size.
 */
export class RtspSplitter {
  readonly #onMedia: (bytes: Buffer) => void
  readonly #onMessage: (message: RtspMessage) => void
  #held: Buffer = Buffer.alloc(0)
  #mediaMissingBytes = 0

  /** @param onMedia takes media as it comes, several packets or parts of one at once, to be passed on as they are */
  constructor (onMedia: (bytes: Buffer) => void, onMessage: (message: RtspMessage) => void) {
    this.#onMedia = onMedia
    this.#onMessage = onMessage
  }

  /** @throws SourceFailed if this is not RTSP */
  push (chunk: Buffer): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    let at = 0
    while (at < bytes.length) {
      const from = at
      at = this.#skipMedia(bytes, at)
      if (at > from) this.#onMedia(bytes.subarray(from, at))
      if (at === bytes.length || bytes[at] === DOLLAR) break
      const end = this.#readMessage(bytes, at)
      if (end === undefined) break
      at = end
    }
    this.#held = bytes.subarray(at)
  }

  /** Where the media that stands here ends, or what is there of it but for a packet's first four bytes. */
  #skipMedia (bytes: Buffer, start: number): number {
    let at = start
    for (;;) {
      const present = Math.min(this.#mediaMissingBytes, bytes.length - at)
      this.#mediaMissingBytes -= present
      at += present
      if (bytes[at] !== DOLLAR || bytes.length - at < 4) return at
      this.#mediaMissingBytes = 4 + bytes.readUInt16BE(at + 2)
    }
  }

  /** Where the message that stands here ends; undefined if it is not whole yet. */
  #readMessage (bytes: Buffer, start: number): number | undefined {
    let at = start
    while (bytes[at] === 0x0d || bytes[at] === 0x0a) at++
    if (at === bytes.length) return at
    if (bytes[at] === DOLLAR) return at
    const headEnd = bytes.indexOf(HEAD_END, at)
    const head = bytes.toString('latin1', at, headEnd === -1 ? bytes.length : headEnd)
    if (!/^[A-Za-z]/.test(head) || head.length > MAX_HEAD_BYTES) throw new SourceFailed('the camera does not speak RTSP')
    if (headEnd === -1) return undefined
    const [startLine = '', ...lines] = head.split('\r\n')
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return colon === -1 ? [line, ''] : [line.slice(0, colon).trim(), line.slice(colon + 1).trim()]
    })
    const length = Number(headerOf({ headers }, 'content-length') ?? 0)
    if (!Number.isInteger(length) || length < 0 || length > MAX_BODY_BYTES) throw new SourceFailed('the camera sends an RTSP message that is too long')
    const bodyAt = headEnd + HEAD_END.length
    if (bytes.length < bodyAt + length) return undefined
    this.#onMessage({ startLine, headers, body: bytes.subarray(bodyAt, bodyAt + length) })
    return bodyAt + length
  }
}

/** The value of a header; those of several of this name with commas between them. */
export function headerOf ({ headers }: Pick<RtspMessage, 'headers'>, name: string): string | undefined {
  const values = headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

/** A message with a header set, in place of those of its name, or without it. */
export function withHeader (message: RtspMessage, name: string, value: string | undefined): RtspMessage {
  const others = message.headers.filter(([each]) => each.toLowerCase() !== name.toLowerCase())
  return { ...message, headers: value === undefined ? others : [[name, value], ...others] }
}

/** The bytes of a message. */
export function bytesOf ({ startLine, headers, body }: RtspMessage): Buffer {
  const head = [startLine, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\r\n')
  return Buffer.concat([Buffer.from(`${head}\r\n\r\n`, 'latin1'), body])
}
