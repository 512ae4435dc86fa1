import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import type { CameraFrame } from './frame.js'
import { messageOf } from './message-of.js'

/** What became of one upload. Reasons are one line for people. */
export type Answer =
  | { kind: 'taken' }
  /** The server or the network cannot take it now, but may take it later. */
  | { kind: 'again', reason: string, retryAfterMs: number }
  /** It will never be taken; the next one may be. */
  | { kind: 'refused', reason: string }
  /** The password is wrong. */
  | { kind: 'unauthorized', reason: string }

/** The server as a camera sees it. */
export interface Uploader {
  /** Sends one frame and waits for the answer. It never throws: an unreachable server is the answer `again`. */
  send (frame: CameraFrame, signal: AbortSignal): Promise<Answer>
  /** Closes the connection. */
  close (): void
}

const maxRetryAfterMs = 30_000

/**
 * Speaks to a Videostream server: `POST /api/upload_frame`, one JPEG a request, over one connection that stays open.
 * @param server the server's address, such as http://localhost:5000; a path in it is kept
 * @param timeoutMs how long an upload may take before it counts as failed
 */
export function createUploader ({ server, password, timeoutMs = 10_000 }: { server: URL, password: string, timeoutMs?: number }): Uploader {
  const url = new URL(`${server.pathname.replace(/\/+$/, '')}/api/upload_frame`, server)
  const secure = url.protocol === 'https:'
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
  const request = secure ? requestHttps : requestHttp
  const auth = Buffer.from(password).toString('latin1') // a header's characters are bytes; these are the UTF-8 ones

  async function post (frame: CameraFrame, signal: AbortSignal): Promise<Answer> {
    const headers = {
      'X-Camera-Auth': auth,
      'X-Oil-Spill-Detected': String(frame.spillDetected),
      'Content-Type': 'image/jpeg',
      'Content-Length': frame.jpeg.length
    }
    const post = request(url, { method: 'POST', agent, headers, signal })
    const timer = setTimeout(() => post.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        post.on('response', resolve).on('error', reject).end(frame.jpeg)
      })
      return judge(response, await text(response))
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    send: (frame, signal) => post(frame, signal).catch((error: unknown): Answer => {
      return { kind: 'again', reason: messageOf(error), retryAfterMs: 0 }
    }),
    close: () => agent.destroy()
  }
}

function judge (response: IncomingMessage, body: string): Answer {
  const status = Number(response.statusCode)
  if (status >= 200 && status < 300) return { kind: 'taken' }
  const reason = `${status} ${response.statusMessage}: ${messageIn(body)}`
  if (status === 401) return { kind: 'unauthorized', reason }
  if (status === 408 || status === 429 || status >= 500) {
    return { kind: 'again', reason, retryAfterMs: parseRetryAfter(response.headers['retry-after'], Date.now()) }
  }
  return { kind: 'refused', reason }
}

/**
 * How long a `Retry-After` header (RFC 9110 section 10.2.3) asks to wait, in milliseconds: seconds or a date. At most
 * 30 s, so that a server that is back is found soon; 0 if there is no such header or it makes no sense.
 */
export function parseRetryAfter (header: string | undefined, nowMs: number): number {
  if (header === undefined) return 0
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - nowMs
  return ms > 0 ? Math.min(ms, maxRetryAfterMs) : 0
}

/** The server's own words: the `message` of its JSON errors, or else the first line of whatever it said. */
function messageIn (body: string): string {
  try {
    const error: unknown = JSON.parse(body)
    if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message)
  } catch {
    // Not JSON: perhaps a proxy's page.
  }
  return body.trim().replace(/\n.*/s, '').slice(0, 200)
}
