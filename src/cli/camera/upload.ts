import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Shot } from './frame.js'
import { asObject } from './json.js'
import { messageOf } from './message-of.js'

/** What became of one upload. Reasons are one line for people. */
export type Answer =
  | { kind: 'taken' }
  /** The server or the network cannot take it now, but may take it later. */
  | { kind: 'again', reason: string, retryAfterMs: number, isFromServer: boolean }
  /** It lies in the server's future: one of the two clocks is wrong. It may be taken later. */
  | { kind: 'early', reason: string }
  /** The server does not take it; the next one it may take. `isFinal` where another try makes no sense. */
  | { kind: 'refused', reason: string, isFinal: boolean }
  /** The key is wrong, or does not open this camera, or not now. */
  | { kind: 'unauthorized', reason: string, retryAfterMs: number }

/** The server as a camera sees it. */
export interface Uploader {
  /** Sends one frame and waits for the answer. It never throws: an unreachable server is the answer `again`. */
  send (shot: Shot, signal: AbortSignal): Promise<Answer>
  /** Closes the connection. */
  close (): void
}

/** Where to send frames, and how. */
export interface UploadSettings {
  /** The server's address, such as http://localhost:5000; a path in it is kept. */
  server: URL
  password: string
  /** Whose frames they are; undefined leaves that to the key. */
  cameraId?: string | undefined
  /** How long an upload may take, beside the time that its bytes need on a slow link, before it counts as failed. */
  timeoutMs?: number
}

const maxRetryAfterMs = 30_000

/** The slowest link that is thought of: 64 kbit/s. */
const leastBytesPerMs = 8

/** All that the server ever says to a frame that it took. */
const takenWords = 'Frame received'

/** The server has looked at the frame itself, and will say the same of it again. */
const finalCodes = new Set(['IDEMPOTENCY_KEY_REUSED', 'CAPTURE_TIME_TOO_OLD'])

/** What says that this frame is not taken, rather than that none is. */
const refusals = new Set([400, 409, 411, 413, 414, 415, 422, 431])

/** Speaks to a Videostream server: one JPEG a request, over one connection that stays open. */
export function createUploader ({ server, password, cameraId, timeoutMs = 10_000 }: UploadSettings): Uploader {
  const path = cameraId === undefined ? 'upload_frame' : `cameras/${cameraId}/frames`
  const url = new URL(`${server.pathname.replace(/\/+$/, '')}/api/${path}`, server)
  const secure = url.protocol === 'https:'
  const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
  const request = secure ? requestHttps : requestHttp
  const auth = Buffer.from(password).toString('latin1') // a header's characters are bytes; these are the UTF-8 ones

  async function post ({ jpeg, headers }: Shot, signal: AbortSignal): Promise<Answer> {
    const post = request(url, {
      method: 'POST',
      agent,
      signal,
      headers: { 'X-Camera-Auth': auth, ...headers, 'Content-Type': 'image/jpeg', 'Content-Length': jpeg.length }
    })
    const longestMs = timeoutMs + jpeg.length / leastBytesPerMs
    const timer = setTimeout(() => post.destroy(new Error(`no answer within ${Math.round(longestMs / 10) / 100} s`)), longestMs)
    try {
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        post.on('response', resolve).on('error', reject).end(jpeg)
      })
      return judge(response, await text(response))
    } finally {
      clearTimeout(timer)
    }
  }

  return {
    send: (shot, signal) => post(shot, signal).catch((error: unknown): Answer => {
      return { kind: 'again', reason: messageOf(error), retryAfterMs: 0, isFromServer: false }
    }),
    close: () => agent.destroy()
  }
}

function judge (response: IncomingMessage, body: string): Answer {
  const status = Number(response.statusCode)
  const { message, code } = parseError(body)
  const reason = `${status} ${response.statusMessage}: ${message}`
  const retryAfterMs = parseRetryAfter(response.headers['retry-after'], Date.now())
  if (status === 200) {
    if (body.trim() === takenWords) return { kind: 'taken' }
    return { kind: 'again', reason: `something else than a Videostream server answers: ${reason}`, retryAfterMs, isFromServer: false }
  }
  if (status === 401 || status === 403) return { kind: 'unauthorized', reason, retryAfterMs }
  if (status === 422 && code === 'CAPTURE_TIME_IN_FUTURE') return { kind: 'early', reason }
  if (refusals.has(status) && code !== 'UPLOAD_BROKEN_OFF') return { kind: 'refused', reason, isFinal: finalCodes.has(code) }
  return { kind: 'again', reason, retryAfterMs, isFromServer: true }
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

/** The server's own words: `message` and `code` of its JSON errors, or else the first line of whatever it said. */
function parseError (body: string): { message: string, code: string } {
  try {
    const { message, code } = asObject(JSON.parse(body)) ?? {}
    if (message !== undefined) return { message: String(message), code: String(code) }
  } catch {
    // Not JSON: perhaps a proxy's page.
  }
  return { message: body.trim().replace(/\n.*/s, '').slice(0, 200), code: '' }
}
