import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connectGuarded } from './connect.js'
import type { Credentials } from './credentials.js'
import { OutboundFailed, type OutboundGuard } from './guard.js'
import { whenAborted } from './when-aborted.js'

/** A request to another server. */
export interface OutboundRequest {
  /** http or https. A user name and password in it are not sent: see `credentials`. */
  readonly url: URL
  readonly guard: OutboundGuard
  readonly method?: string
  /** To another origin, after a redirect, only those go along that say what is wanted (`FOR_ANY_ORIGIN`). */
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
  /** For the origin of `url` alone. The same object for every request to one server saves asking each time. */
  readonly credentials?: Credentials | undefined
  /** 5; 0 makes a redirect an error. */
  readonly maxRedirects?: number
  /** For the look-up, the connection and TLS: 10 s. */
  readonly connectMs?: number
  /** From the request to the end of the answer's headers: 10 s. */
  readonly headersMs?: number
  /** How long nothing may come of the body, whether or not it is read; 0, the default, for as long as you please. */
  readonly silenceMs?: number
  /** Ends the request, and the reading of the answer. */
  readonly signal: AbortSignal
}

/** An answer whose body is still to be read, or destroyed. */
export interface OutboundResponse {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** Where it came from in the end. */
  readonly url: URL
  readonly body: IncomingMessage
}

/** Headers that hold no secret and say nothing of the first server. */
const FOR_ANY_ORIGIN = /^(accept|content-type|user-agent)$/

const MAX_HEADER_BYTES = 32 * 1024

/**
 * Sends a request through the guard, anew for every redirect, and answers 401 with the credentials. Every request has a
 * connection of its own, to an address that was checked.
 * @throws OutboundRefused, OutboundFailed, or the reason of the signal; never for the status of the answer
 */
export async function request (options: OutboundRequest): Promise<OutboundResponse> {
  const { maxRedirects = 5, credentials, url: first } = options
  let url = first
  for (let redirects = 0, triedToLogIn = false; ;) {
    const isFirstOrigin = url.origin === first.origin
    const response = await send(url, options, isFirstOrigin)
    const challenge = response.headers['www-authenticate']
    if (response.status === 401 && isFirstOrigin && !triedToLogIn && challenge !== undefined && credentials?.challenge(challenge) === true) {
      triedToLogIn = true
      response.body.destroy()
      continue
    }
    const next = redirectOf(response, options.method ?? 'GET')
    if (next === undefined) return response
    response.body.destroy()
    if (++redirects > maxRedirects) throw new OutboundFailed(`${first.host} redirects ${maxRedirects === 0 ? '' : `more than ${maxRedirects} times `}(${response.status}): use the address it leads to`)
    url = next
    triedToLogIn = false
  }
}

/** Where an answer sends the client; undefined if nowhere. */
function redirectOf ({ status, headers: { location }, url }: OutboundResponse, method: string): URL | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return undefined
  const next = URL.canParse(location, url.href) ? new URL(location, url.href) : undefined
  if (next === undefined || !/^https?:$/.test(next.protocol)) throw new OutboundFailed(`${url.host} redirects to what is no http address`)
  if (method !== 'GET' && method !== 'HEAD' && status < 307) throw new OutboundFailed(`${url.host} redirects a ${method} (${status}): use the address it leads to`)
  return next
}

/** One request and the head of its answer. */
async function send (url: URL, options: OutboundRequest, isFirstOrigin: boolean): Promise<OutboundResponse> {
  const { guard, method = 'GET', body, signal, connectMs = 10_000 } = options
  const tls = url.protocol === 'https:'
  const port = Number(url.port || (tls ? 443 : 80))
  const socket = await connectGuarded({ hostname: url.hostname, port, tls }, { guard, timeoutMs: connectMs, signal })
  const path = `${url.pathname}${url.search}`
  const outgoing = httpRequest({
    createConnection: () => socket,
    method,
    path,
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: true, // cameras' servers are not always exact, and nobody shares this connection
    headers: {
      host: url.host,
      connection: 'close',
      'user-agent': 'videostream',
      ...headersFor(options, isFirstOrigin, path),
      ...(body === undefined ? {} : { 'content-length': String(body.length) })
    }
  })
  outgoing.end(body)
  return { ...await answerTo(outgoing, url, options), url }
}

function headersFor ({ headers = {}, credentials, method = 'GET' }: OutboundRequest, isFirstOrigin: boolean, path: string): Record<string, string> {
  const lowered = Object.entries(headers).map(([name, value]): [string, string] => [name.toLowerCase(), value])
  const authorization = isFirstOrigin ? credentials?.authorize(method, path) : undefined
  return {
    ...Object.fromEntries(lowered.filter(([name]) => isFirstOrigin || FOR_ANY_ORIGIN.test(name))),
    ...(authorization === undefined ? {} : { authorization })
  }
}

async function answerTo (outgoing: ClientRequest, url: URL, { headersMs = 10_000, silenceMs = 0, signal }: OutboundRequest): Promise<Omit<OutboundResponse, 'url'>> {
  return await new Promise((resolve, reject) => {
    const stopListening = whenAborted(signal, () => { outgoing.destroy(signal.reason) })
    const late = setTimeout(() => { outgoing.destroy(new OutboundFailed(`${url.host} did not answer within ${headersMs / 1000} s`)) }, headersMs)
    outgoing.on('close', () => {
      clearTimeout(late)
      stopListening()
      reject(new OutboundFailed(`${url.host} gave no usable answer`)) // such as another protocol, which is no error to Node
    })
    outgoing.on('error', error => {
      const code = 'code' in error ? String(error.code) : error.message
      reject(signal.aborted ? signal.reason : error instanceof OutboundFailed ? error : new OutboundFailed(`${url.host} gave no usable answer (${code})`))
    })
    outgoing.on('response', body => {
      clearTimeout(late)
      const broken = (error: Error) => { body.destroy(error) }
      body.on('error', () => {}) // whoever reads it hears of it
      if (silenceMs > 0) body.setTimeout(silenceMs, () => { broken(new OutboundFailed(`${url.host} sent nothing for ${silenceMs / 1000} s`)) })
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body })
    })
  })
}

/**
 * Reads a body to its end.
 * @throws OutboundFailed if it is longer than it may be or breaks off, or the reason of the signal
 */
export async function readBody ({ body, headers, url }: OutboundResponse, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const tooLong = () => new OutboundFailed(`${url.host} sent more than ${maxBytes} bytes`)
  const chunks: Buffer[] = []
  let length = 0
  try {
    if (Number(headers['content-length'] ?? 0) > maxBytes) throw tooLong()
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue
      length += chunk.length
      if (length > maxBytes) throw tooLong()
      chunks.push(chunk)
    }
  } catch (error) {
    body.destroy()
    if (signal.aborted) throw signal.reason
    throw error instanceof OutboundFailed ? error : new OutboundFailed(`${url.host} broke off its answer`)
  }
  return Buffer.concat(chunks, length)
}
