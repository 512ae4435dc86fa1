import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { MethodNotAllowed, RouteNotFound } from '../errors.js'

/** Methods that a 405 may name; HEAD goes with GET, and OPTIONS is always possible. */
const METHODS = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** Tells a client that there is nothing at its address, or which methods are possible there. To be registered before the routes. */
export default fp(async app => {
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
  app.addHook('preParsing', (request, reply, _payload, done) => { done(request.is404 ? notFound(request, reply) : undefined) })
  app.setNotFoundHandler((request, reply) => { throw notFound(request, reply) })
}, { name: 'not-found' })
