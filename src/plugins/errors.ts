import { ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import {
  BodyTooLarge, HeadersTooLarge, HttpMalformed, Internal, MediaTypeUnsupported, RequestInvalid, RequestTimeout
} from '../errors.js'
import { isEndless } from './endless-requests.js'
import { refuseBody } from './refuse-body.js'

/** What is said of content that is not sent. */
const CONTENT_HEADERS = ['content-type', 'content-length', 'content-disposition', 'etag', 'last-modified']

/** An error as it goes over the wire. */
interface WireError { statusCode: number, code: string, error: string, message: string }

interface CodedError extends Error { code: string, statusCode: number }

/** When to try again what is not possible now. */
const RETRY_AFTER_SECONDS = 1

/** Not failures of the server, or logged where they happened. */
const QUIET = new Set(['NO_ACTIVE_STREAM', 'NO_FRAME', 'TOO_MANY_VIEWERS', 'SHUTTING_DOWN', 'STORAGE_UNAVAILABLE', 'STORAGE_FULL'])

/** Answers every error, whoever throws it, as one of the catalogue: `{ statusCode, code, error, message }`. */
export default fp(async app => {
  // Node would answer with no body (RFC 9112, section 3.2).
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    done(raw.headers.host === undefined && raw.httpVersion === '1.1' ? new HttpMalformed() : undefined)
  })
  app.setErrorHandler((error, request, reply) => {
    const known = toCatalogue(error)
    if (known.statusCode >= 500 && !QUIET.has(known.code)) request.log.error({ err: error }, 'a request failed')
    refuseBody(request, reply)
    forgetContent(reply)
    if (known.statusCode === 503 && !reply.hasHeader('retry-after')) void reply.header('retry-after', RETRY_AFTER_SECONDS)
    return reply.code(known.statusCode).send(toWire(known))
  })
}, { name: 'errors' })

/** A stream that failed before its first byte has left its headers behind: also in Node's answer, where Fastify forgets them. */
function forgetContent (reply: FastifyReply): void {
  if (reply.raw.headersSent) return
  for (const name of CONTENT_HEADERS) {
    void reply.removeHeader(name)
    reply.raw.removeHeader(name)
  }
}

/** Answers what is not even HTTP, and requests that do not arrive in time. For Fastify's `clientErrorHandler`. */
export function answerClientError (error: Error & { code?: string }, socket: Socket): void {
  if (isEndless(error, socket)) return
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
  refuseBody(request, reply)
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
