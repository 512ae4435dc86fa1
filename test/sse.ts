import { request, type ClientRequest, type IncomingMessage } from 'node:http'
import { until } from './helper.js'

/** A server-sent event as it came. */
export interface ServerSentEvent { readonly id: string | undefined, readonly event: string, readonly data: Record<string, unknown> }

/** A client of server-sent events that remembers its last id as browsers do, and keeps all that it got. */
export class EventClient {
  readonly events: ServerSentEvent[] = []
  status = 0
  headers: IncomingMessage['headers'] = {}
  lastEventId: string | undefined
  text = ''
  ended = false
  response: IncomingMessage | undefined
  readonly #request: ClientRequest
  #rest = ''

  constructor (url: string, { lastEventId, query = '', headers = {} }: { lastEventId?: string | undefined, query?: string, headers?: Record<string, string> } = {}) {
    this.lastEventId = lastEventId
    this.#request = request(`${url}/api/oil_spill_events/live${query}`, {
      agent: false, headers: { ...headers, ...(lastEventId !== undefined && { 'Last-Event-ID': lastEventId }) }
    }, response => {
      this.response = response
      this.status = response.statusCode ?? 0
      this.headers = response.headers
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => { this.#take(chunk) })
      response.on('close', () => { this.ended = true })
      response.on('error', () => {})
    })
    this.#request.on('error', () => { this.ended = true })
    this.#request.end()
  }

  /** What came, in short. */
  get kinds (): string[] { return this.events.map(({ event }) => event) }

  async opened (): Promise<this> {
    await until(() => this.text.includes('\n\n'), 'the beginning of the stream')
    return this
  }

  async got (count: number): Promise<ServerSentEvent[]> {
    await until(() => this.events.length >= count, `${count} events, of which ${this.kinds.join()} came`)
    return this.events
  }

  close (): void { this.#request.destroy() }

  #take (chunk: string): void {
    this.text += chunk
    const blocks = (this.#rest + chunk).split('\n\n')
    this.#rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const fields = new Map(block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
      this.lastEventId = fields.get('id') ?? this.lastEventId
      const data = fields.get('data')
      if (data !== undefined) this.events.push({ id: fields.get('id'), event: fields.get('event') ?? 'message', data: JSON.parse(data) as Record<string, unknown> })
    }
  }
}
