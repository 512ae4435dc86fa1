import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { UploaderSettings } from './client-reports.js'
import { AnswerReader } from './answer-reader.js'
import { monotonicNs, STAMPED_HEAD_BYTES, stampedHead } from './stamp.js'

export interface UploadEvents {
  /** The connection may send. Told after each answer, and when it is first open. */
  onIdle (connection: UploadConnection): void
  onAnswer (status: number, tookMs: number): void
  /** The server had closed the connection; it was opened anew. */
  onReconnect (): void
}

/** One keep-alive connection that posts frames, one after the other. */
export class UploadConnection {
  readonly #settings: UploaderSettings
  readonly #events: UploadEvents
  readonly #head: string
  readonly #readBuffer = Buffer.allocUnsafeSlow(16 * 1024)
  readonly #answers = new AnswerReader(status => { this.#answered(status) })
  #socket: Socket
  #sentAtNs = 0
  idle = false

  constructor (settings: UploaderSettings, events: UploadEvents) {
    this.#settings = settings
    this.#events = events
    const headers = { Host: `127.0.0.1:${settings.port}`, 'Content-Type': 'image/jpeg', ...settings.headers }
    this.#head = `POST ${settings.path} HTTP/1.1\r\n` + Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
    this.#socket = this.#open()
  }

  /** @throws where the server cannot be reached */
  async connected (): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, 'connect')
  }

  /** Sends a frame: what stands behind its start-of-image marker. Only while idle. */
  send (body: Buffer, sequence: number): void {
    this.idle = false
    const socket = this.#socket
    const sentAtNs = process.hrtime.bigint()
    this.#sentAtNs = Number(sentAtNs)
    socket.cork()
    socket.write(`${this.#head}Content-Length: ${STAMPED_HEAD_BYTES + body.length}\r\n\r\n`, 'latin1')
    socket.write(stampedHead(sentAtNs, sequence))
    socket.write(body)
    socket.uncork()
  }

  #open (): Socket {
    const socket = connect({
      port: this.#settings.port,
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
