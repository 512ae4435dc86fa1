import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { AnswerReader } from './answer-reader.js'
import { monotonicNs, STAMPED_HEAD_BYTES, stampedHead } from './stamp.js'

/** Where frames go. */
export interface UploadTarget {
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly method: string
}

export interface UploadEvents {
  /** The connection may send. Told after each answer, and when it is first open. */
  onIdle (connection: UploadConnection): void
  onAnswer (status: number, tookMs: number): void
  /** The server had closed the connection; it was opened anew. */
  onReconnect (): void
}

const SPILL_HEADER = 'X-Oil-Spill-Detected: true\r\n'

/** One keep-alive connection that posts frames, one after the other. */
export class UploadConnection {
  readonly #target: UploadTarget
  readonly #events: UploadEvents
  readonly #head: string
  readonly #readBuffer = Buffer.allocUnsafeSlow(16 * 1024)
  readonly #answers = new AnswerReader(status => { this.#answered(status) })
  #socket: Socket
  #sentAtNs = 0
  idle = false

  constructor (target: UploadTarget, events: UploadEvents) {
    this.#target = target
    this.#events = events
    const headers = { Host: `127.0.0.1:${target.port}`, 'Content-Type': 'image/jpeg', ...target.headers }
    this.#head = `${target.method} ${target.path} HTTP/1.1\r\n` + Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
    this.#socket = this.#open()
  }

  /** @throws where the server cannot be reached */
  async connected (): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, 'connect')
  }

  /** Sends a frame: what stands behind its start-of-image marker. Only while idle. */
  send (body: Buffer, sequence: number, spill = false): void {
    this.idle = false
    const socket = this.#socket
    const sentAtNs = process.hrtime.bigint()
    this.#sentAtNs = Number(sentAtNs)
    socket.cork()
    socket.write(`${this.#head}${spill ? SPILL_HEADER : ''}Content-Length: ${STAMPED_HEAD_BYTES + body.length}\r\n\r\n`, 'latin1')
    socket.write(stampedHead(sentAtNs, sequence))
    socket.write(body)
    socket.uncork()
  }

  #open (): Socket {
    const socket = connect({
      port: this.#target.port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer: this.#readBuffer,
        callback: (count, bytes) => {
          this.#answers.push(Buffer.from(bytes.buffer, bytes.byteOffset, count))
          return true
        }
      }
    })
    socket.on('connect', () => { this.#becomeIdle() })
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

  #answered (status: number): void {
    this.#events.onAnswer(status, (monotonicNs() - this.#sentAtNs) / 1e6)
    this.#becomeIdle()
  }

  #becomeIdle (): void {
    this.idle = true
    this.#events.onIdle(this)
  }
}
