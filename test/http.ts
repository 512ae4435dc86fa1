import { once } from 'node:events'
import { createServer, request as httpRequest, STATUS_CODES, type IncomingHttpHeaders, type RequestListener } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import { until } from './helper.js'

/** A whole response. */
export interface Answer { readonly status: number, readonly headers: IncomingHttpHeaders, readonly body: Buffer }

/** Sends a request as it is, over a connection of its own. */
export async function send (url: string, options: { method?: string, path?: string, headers?: Record<string, string | string[]>, body?: Buffer | string } = {}): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    const request = httpRequest(`${url}${options.path ?? '/'}`, { method: options.method ?? 'GET', headers: options.headers ?? {}, agent: false }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => { chunks.push(chunk) })
      response.on('end', () => { resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }) })
      response.on('error', reject)
    })
    request.on('error', reject)
    if (options.body !== undefined) request.setHeader('Content-Length', Buffer.byteLength(options.body))
    request.end(options.body)
  })
}

/** A client that writes its own HTTP, well-formed or not, and reads every answer. */
export class RawClient {
  readonly socket: Socket
  closed = false
  #received = Buffer.alloc(0)

  constructor (port: number) {
    this.socket = connect(port, '127.0.0.1')
    this.socket.on('data', chunk => { this.#received = Buffer.concat([this.#received, chunk]) })
    this.socket.on('close', () => { this.closed = true })
    this.socket.on('error', () => {})
  }

  /** Connects and sends this. */
  static send (port: number, ...pieces: Array<string | Buffer>): RawClient {
    const client = new RawClient(port)
    client.write(...pieces)
    return client
  }

  write (...pieces: Array<string | Buffer>): void {
    for (const piece of pieces) this.socket.write(piece)
  }

  get text (): string { return this.#received.toString('latin1') }

  /** The whole answers so far, interim ones included. */
  get answers (): Answer[] {
    const answers: Answer[] = []
    for (let at = 0; at < this.#received.length;) {
      const end = this.#received.indexOf('\r\n\r\n', at)
      if (end === -1) break
      const [line = '', ...fields] = this.#received.subarray(at, end).toString('latin1').split('\r\n')
      const headers = Object.fromEntries(fields.map(field => [field.slice(0, field.indexOf(':')).toLowerCase(), field.slice(field.indexOf(':') + 2)]))
      const bodyEnd = end + 4 + Number(headers['content-length'] ?? 0)
      if (this.#received.length < bodyEnd) break
      answers.push({ status: Number(line.split(' ')[1]), headers, body: this.#received.subarray(end + 4, bodyEnd) })
      at = bodyEnd
    }
    return answers
  }

  /** Waits for the nth answer. */
  async answer (nth = 1): Promise<Answer> {
    await until(() => this.answers.length >= nth, `answer ${nth}`)
    return this.answers[nth - 1] as Answer
  }

  /** Waits until the connection is closed. */
  async end (): Promise<void> { await until(() => this.closed, 'the end of the connection') }
}

/** Asserts that an answer is an error of the catalogue, in its shape on the wire. Returns its message. */
export async function refused (t: Test, response: Response | Answer, statusCode: number, code: string): Promise<string> {
  const isFetched = response instanceof Response
  const text = isFetched ? await response.text() : response.body.toString()
  const type = isFetched ? response.headers.get('content-type') : response.headers['content-type']
  const body = JSON.parse(text) as { message: string }
  t.equal(response.status, statusCode)
  t.equal(type, 'application/json; charset=utf-8')
  t.strictSame(body, { statusCode, code, error: STATUS_CODES[statusCode], message: body.message })
  t.match(body.message, /^\S.*\.$/)
  return body.message
}

export interface LogLine { readonly level: number, readonly msg: string, readonly [field: string]: unknown }

/** A logger that keeps its lines. */
export function keptLog (): { logger: NonNullable<FastifyServerOptions['logger']>, lines: LogLine[], text: () => string } {
  const texts: string[] = []
  const lines: LogLine[] = []
  const write = (text: string): void => {
    texts.push(text)
    lines.push(JSON.parse(text) as LogLine)
  }
  return { logger: { level: 'info', stream: { write } }, lines, text: () => texts.join('') }
}

/** A promise and the function that settles it. */
export function signal (): { promise: Promise<void>, resolve: () => void } {
  let resolve = (): void => {}
  const promise = new Promise<void>(_resolve => { resolve = _resolve })
  return { promise, resolve }
}

/** A server of the test's own on the loopback, closed after the test. Returns its address. */
export async function serve (t: Test, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
