import { ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import {
  BodyTooLarge, HeadersTooLarge, HttpMalformed, Internal, MediaTypeUnsupported, MethodNotAllowed, RequestInvalid,
  RequestTimeout, RouteNotFound
} from '../errors.js'

/** An error as it goes over the wire. */
interface WireError { statusCode: number, code: string, error: string, message: string }

interface CodedError extends Error { code: string, statusCode: number }

/** When to try again what is not possible now. */
const RETRY_AFTER_SECONDS = 1

/** How long a refused client may take to read the answer before the connection is cut under what it still sends. */
const LINGER_MS = 500

/** Methods that a 405 may name; HEAD goes with GET, and OPTIONS is always possible. */
const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Answers every error, whoever throws it, as one of the catalogue: `{ statusCode, code, error, message }`. */
export default fp(async app => {
  app.setErrorHandler((error, request, reply) => {
    const known = toCatalogue(error)
    if (known.statusCode >= 500 && !(error === known)) request.log.error({ err: error }, 'a request failed')
    closeWhereBodyIsLeft(request, reply)
    if (known.statusCode === 503 && !reply.hasHeader('retry-after')) void reply.header('retry-after', RETRY_AFTER_SECONDS)
    return reply.code(known.statusCode).send(toWire(known))
  })

  const routes: Array<{ method: string, pattern: RegExp }> = []
  app.addHook('onRoute', route => {
    const pattern = new RegExp(`^${route.url.replace(/:\w+|\*/g, each => each === '*' ? '.*' : '[^/]+')}$`)
    for (const method of [route.method].flat()) if (METHODS.has(method)) routes.push({ method, pattern })
  })
  function notFound (request: FastifyRequest, reply: FastifyReply): Error {
    const path = request.url.replace(/\?.*/, '')
    const allowed = routes.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
    if (allowed.length === 0 || allowed.includes(request.method)) return new RouteNotFound(path)
    void reply.header('allow', allowed.join(', '))
    return new MethodNotAllowed(request.method, allowed.join(' or '))
  }
  // Before the body is read: a camera that posts to the wrong path is to hear that, not what is wrong with its body.
  app.addHook('preParsing', async (request, reply) => { if (request.is404) throw notFound(request, reply) })
  app.setNotFoundHandler((request, reply) => { throw notFound(request, reply) })
}, { name: 'errors' })

/** Answers what is not even HTTP, and requests that do not arrive in time. For Fastify's `clientErrorHandler`. */
export function answerClientError (error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET' || isAnswering(socket)) {
    socket.destroy()
    return
  }
  const known = error.code === 'HPE_HEADER_OVERFLOW'
    ? new HeadersTooLarge()
    : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? new RequestTimeout() : new HttpMalformed()
  const body = JSON.stringify(toWire(known))
  socket.end(`HTTP/1.1 ${known.statusCode} ${STATUS_CODES[known.statusCode]}\r\nContent-Type: application/json; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}

/** Whether an answer has begun on this connection: another one would land in the middle of it. As Node's own handler. */
function isAnswering (socket: Socket): boolean {
  return '_httpMessage' in socket && socket._httpMessage instanceof ServerResponse && socket._httpMessage.headersSent
}

/** Answers addresses that cannot be routed. For Fastify's `frameworkErrors`. */
export function answerFrameworkError (error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const known = new RequestInvalid(error.message)
  closeWhereBodyIsLeft(request, reply)
  void reply.code(known.statusCode).send(toWire(known))
}

function toCatalogue (error: unknown): CodedError {
  if (!isCoded(error)) return new Internal()
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': return new BodyTooLarge()
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': return new MediaTypeUnsupported()
  }
  if (error.name === 'FastifyError' && !error.code.startsWith('FST_')) return error
  return error.statusCode >= 400 && error.statusCode < 500 ? new RequestInvalid(error.message) : new Internal()
}

function isCoded (error: unknown): error is CodedError {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' &&
    'code' in error && typeof error.code === 'string'
}

function toWire (error: CodedError): WireError {
  return {
    statusCode: error.statusCode,
    code: error.code,
    error: String(STATUS_CODES[error.statusCode]),
    message: error.message
  }
}

/** What is left of a refused body is not read, so the connection cannot be used again. */
function closeWhereBodyIsLeft (request: FastifyRequest, reply: FastifyReply): void {
  const { headers } = request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (!hasBody || request.raw.complete) return
  void reply.header('connection', 'close')
  closeLingering(request.raw.socket)
}

/**
 * Closes only the server's half behind the answer, and the rest half a second later. Node would close both at once; the
 * reset that what the client still sends then meets makes clients fail before they have read the answer (of 5 MB
 * uploads with a wrong password: 2 % with curl, most with Node's own clients).
 *
 * Source: RFC 9112, section 9.6.
 */
function closeLingering (socket: Socket): void {
  socket.destroySoon = () => {
    socket.end()
    setImmediate(() => { socket.pause() }) // once Node has begun to discard the body, or it would go on reading
    const timer = setTimeout(() => { socket.destroy() }, LINGER_MS)
    socket.once('close', () => { clearTimeout(timer) })
  }
}
