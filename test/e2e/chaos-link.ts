import { once } from 'node:events'
import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Test } from 'tap'
import { createRandom } from '../../src/cli/camera/random.js'

/** What a bad link does to an upload. */
const FAULTS = ['refuse', 'cut', 'lose-answer', 'delay', 'duplicate'] as const

/** One of them. */
export type Fault = typeof FAULTS[number]

export interface ChaosLink {
  readonly url: string
  /** How often each fault was done. */
  readonly counts: Readonly<Record<Fault, number>>
  /** The server behind it, which may change its port. */
  target: { port: number }
  /** From now on the link is good. */
  heal (): void
}

const DELAY_MS = { least: 20, most: 400 }

/**
 * A link between a camera and its server that cuts, delays and duplicates uploads at seeded random points: before a
 * request is sent on, in the middle of its body, or when it was answered and the answer is still on its way.
 * @param faultRate how many of the uploads meet with a fault, from 0 to 1
 */
export async function chaosLink (t: Test, options: { port: number, seed: number, faultRate: number }): Promise<ChaosLink> {
  const next = createRandom(options.seed)
  const counts: Record<Fault, number> = { refuse: 0, cut: 0, 'lose-answer': 0, delay: 0, duplicate: 0 }
  const agent = new Agent({ keepAlive: true })
  let isBad = true
  const link = { target: { port: options.port } }

  async function carry (request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request)
    const fault = isBad && next() < options.faultRate ? FAULTS[Math.floor(next() * FAULTS.length)] : undefined
    if (fault !== undefined) counts[fault] += 1
    switch (fault) {
      case 'refuse':
        response.destroy()
        return
      case 'cut':
        await sendHalf(request, body, next())
        response.destroy()
        return
      case 'lose-answer':
        await send(request, body)
        response.destroy()
        return
      case 'delay':
        await new Promise(resolve => setTimeout(resolve, DELAY_MS.least + next() * (DELAY_MS.most - DELAY_MS.least)))
        break
      case 'duplicate':
        // At once, or one after the other.
        if (next() < 0.5) void send(request, body).catch(() => {})
        else await send(request, body)
    }
    const answer = await send(request, body)
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  }

  async function send (request: IncomingMessage, body: Buffer) {
    const forwarded = httpRequest({ port: link.target.port, host: '127.0.0.1', method: request.method, path: request.url, headers: request.headers, agent })
    forwarded.end(body)
    const [answer]: IncomingMessage[] = await once(forwarded, 'response')
    if (answer === undefined) throw new Error('no answer')
    const { 'content-type': type = 'text/plain', 'retry-after': retryAfter } = answer.headers
    return {
      status: Number(answer.statusCode),
      headers: { 'Content-Type': type, ...(retryAfter !== undefined && { 'Retry-After': retryAfter }) },
      body: await buffer(answer)
    }
  }

  /** A part of the body, and then the connection breaks. */
  async function sendHalf (request: IncomingMessage, body: Buffer, part: number): Promise<void> {
    const forwarded = httpRequest({ port: link.target.port, host: '127.0.0.1', method: request.method, path: request.url, headers: request.headers, agent: false })
    forwarded.on('error', () => {})
    await new Promise<void>(resolve => { forwarded.write(body.subarray(0, Math.floor(part * body.length)), () => { resolve() }) })
    forwarded.destroy()
  }

  const server = createServer((request, response) => {
    carry(request, response).catch(() => { response.destroy() })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    agent.destroy()
    server.closeAllConnections()
    server.close()
  })
  return Object.assign(link, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    counts,
    heal: () => { isBad = false }
  })
}
