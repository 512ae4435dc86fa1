import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { AnswerReader } from './answer-reader.js'
import { STAMPED_HEAD_BYTES, stampedHead } from './stamp.js'

/** Where a feed goes. */
export interface FeedTarget {
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export interface FeedEvents {
  /** The kernel has the whole frame. Nobody says that the server has it. */
  onSent (): void
  /** The server has said something: while a feed goes on, that can only be that it is refused. */
  onAnswer (status: number): void
  /** The server had closed the connection; the feed was begun anew. */
  onReconnect (): void
}

const BOUNDARY = 'ffmpeg'
const SPILL_HEADER = 'X-Oil-Spill-Detected: true\r\n'
/** As long as those that ffmpeg 5.1 makes. */
const CHUNK_BYTES = 32 * 1024

/** What stands on the wire for these bytes in chunks of so many at most (RFC 9112, section 7.1). */
export function inChunks (pieces: readonly Buffer[], chunkBytes: number): Buffer[] {
  const out: Buffer[] = []
  let left = pieces.reduce((sum, { length }) => sum + length, 0)
  let room = 0
  for (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      if (room === 0) {
        room = Math.min(chunkBytes, left)
        out.push(Buffer.from(`${room.toString(16)}\r\n`, 'latin1'))
      }
      const taken = piece.subarray(at, at + room)
      out.push(taken)
      at += taken.length
      room -= taken.length
      left -= taken.length
      if (room === 0) out.push(Buffer.from('\r\n', 'latin1'))
    }
  }
  return out
}

/**
 * One endless POST of frames, in the form in which `ffmpeg -f mpjpeg -method POST` sends it: chunked, each part with its
 * Content-Length, and the next boundary right behind each frame. It says its Content-Type, which ffmpeg does only when told to.
 */
export class FeedConnection {
  readonly #target: FeedTarget
  readonly #events: FeedEvents
  readonly #answers: AnswerReader
  #socket: Socket
  idle = false

  constructor (target: FeedTarget, events: FeedEvents) {
    this.#target = target
    this.#events = events
    this.#answers = new AnswerReader(status => { events.onAnswer(status) })
    this.#socket = this.#open()
  }

  /** @throws where the server cannot be reached */
  async connected (): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, 'connect')
  }

  /** Sends a frame: what stands behind its start-of-image marker. Only while idle. */
  send (body: Buffer, sequence: number, spill = false): void {
    this.idle = false
    const stamp = stampedHead(process.hrtime.bigint(), sequence)
    const head = Buffer.from(`Content-type: image/jpeg\r\nContent-length: ${STAMPED_HEAD_BYTES + body.length}\r\n${spill ? SPILL_HEADER : ''}\r\n`, 'latin1')
    const socket = this.#socket
    socket.cork()
    for (const piece of inChunks([head, stamp, body, Buffer.from(`\r\n--${BOUNDARY}\r\n`, 'latin1')], CHUNK_BYTES)) socket.write(piece)
    // Called once the kernel has taken all that was written.
    socket.write('', error => {
      if (error !== null && error !== undefined) return
      this.idle = true
      this.#events.onSent()
    })
    socket.uncork()
  }

  #open (): Socket {
    const { port, path, headers } = this.#target
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('data', bytes => { this.#answers.push(bytes) })
    socket.on('connect', () => {
      const all = {
        Host: `127.0.0.1:${port}`,
        'Content-Type': `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
        'Transfer-Encoding': 'chunked',
        Connection: 'close',
        ...headers
      }
      socket.write(`POST ${path} HTTP/1.1\r\n${Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`, 'latin1')
      for (const piece of inChunks([Buffer.from(`--${BOUNDARY}\r\n`, 'latin1')], CHUNK_BYTES)) socket.write(piece)
      this.idle = true
    })
    socket.on('error', () => {})
    socket.on('close', () => { this.#reopen() })
    return socket
  }

  /** A little later, so that a server that is gone is not asked in a tight loop. */
  #reopen (): void {
    this.idle = false
    this.#answers.reset()
    this.#events.onReconnect()
    setTimeout(() => { this.#socket = this.#open() }, 10)
  }
}
