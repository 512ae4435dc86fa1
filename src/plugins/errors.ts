import { STATUS_CODES } from 'node:http'
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

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Answers every error, whoever throws it, as one of the catalogue: `{ statusCode, code, error, message }`. */
export default fp(async app => {
  app.setErrorHandler((error, request, reply) => {
    const known = toCatalogue(error)
    if (known.statusCode >= 500 && !(error === known)) request.log.error({ err: error }, 'a request failed')
    closeWhereBodyIsLeft(request, reply)
    if (known.statusCode === 503 && !reply.hasHeader('retry-after')) void reply.header('retry-after', RETRY_AFTER_SECONDS)
    return reply.code(known.statusCode).send(toWire(known))
  })
  app.setNotFoundHandler((request, reply) => {
    closeWhereBodyIsLeft(request, reply)
    const [path = request.url] = request.url.split('?')
    const allowed = METHODS.filter(method => app.hasRoute({ method, url: path }))
    if (allowed.length > 0) void reply.header('allow', allowed.join(', '))
    const error = allowed.length > 0 ? new MethodNotAllowed(request.method, allowed.join(' or ')) : new RouteNotFound(path)
    return reply.code(error.statusCode).send(toWire(error))
  })
}, { name: 'errors' })

/** Answers what is not even HTTP, and requests that do not arrive in time. For Fastify's `clientErrorHandler`. */
export function answerClientError (error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
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

/** Answers addresses that cannot be routed. For Fastify's `frameworkErrors`. */
export function answerFrameworkError (error: Error, _request: FastifyRequest, reply: FastifyReply): void {
  const known = new RequestInvalid(error.message)
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
    error: STATUS_CODES[error.statusCode] ?? 'Error',
    message: error.message
  }
}

/** What is left of a refused body is not read, so the connection cannot be used again. */
function closeWhereBodyIsLeft (request: FastifyRequest, reply: FastifyReply): void {
  const { headers } = request
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (hasBody && !request.raw.complete) void reply.header('connection', 'close')
}
