import type { FastifyReply, FastifyRequest } from 'fastify'
import fresh from 'fresh'

/**
 * Whether the client has what the reply's ETag names already, so that a 304 will do. Only by If-None-Match: a
 * Last-Modified tells seconds apart, and there are many frames in one.
 *
 * Source: RFC 9110, section 13.1.2.
 */
export function isUnchanged (request: FastifyRequest, reply: FastifyReply): boolean {
  const ifNoneMatch = request.headers['if-none-match']
  return ifNoneMatch !== undefined && fresh({ 'if-none-match': ifNoneMatch }, { etag: reply.getHeader('etag') })
}
