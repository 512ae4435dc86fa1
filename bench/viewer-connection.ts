import { connect, type Socket } from 'node:net'
import { MultipartReader, type FrameSink } from './multipart.js'

export interface ViewerConnectionOptions {
  readonly port: number
  readonly path: string
  /** Where bytes are read to. One for all that read freely, so that nothing is allocated for a read. */
  readonly buffer: Buffer
  readonly sink: FrameSink
  /** Told of the bytes of each read; where it answers false, reading stops until `resume`. */
  onBytes (count: number): boolean
  /** The connection has ended, for whatever reason but `close`. */
  onLost (): void
}

/** One viewer: asks for the stream and reads it. */
export class ViewerConnection {
  readonly #socket: Socket
  readonly #reader: MultipartReader
  #closed = false

  constructor ({ port, path, buffer, sink, onBytes, onLost }: ViewerConnectionOptions) {
    const reader = this.#reader = new MultipartReader(sink)
    const lose = (): void => {
      if (!this.#closed) onLost()
      this.close()
    }
    this.#socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: {
        buffer,
        callback: (count, bytes) => {
          try {
            reader.push(Buffer.from(bytes.buffer, bytes.byteOffset, count))
          } catch {
            lose()
            return false
          }
          return onBytes(count)
        }
      }
    })
    this.#socket.on('error', lose)
    this.#socket.on('close', lose)
    this.#socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: */*\r\n\r\n`)
  }

  /** Whether the head of the response has come. */
  get streaming (): boolean { return this.#reader.status === 200 }

  /** Reads on after `onBytes` has answered false. */
  resume (): void { this.#socket.resume() }

  close (): void {
    this.#closed = true
    this.#socket.destroy()
  }
}
