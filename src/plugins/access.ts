import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { parseAuthorization } from '../core/authorization.js'
import { isCrossSite } from '../core/cross-site.js'
import { hasRights, roleFor, type Access, type Role } from '../core/role.js'
import { TOKEN_PREFIX, type Person, type User } from '../core/user.js'
import { AuthorizationInvalid, CrossSiteRequest, LoginMissing, RoleMissing, StartupError, TokenWrong } from '../errors.js'
import type { Login } from '../store/user-repository.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route. The server does not start with a route that does not say. */
    access?: Access
  }
  interface FastifyRequest {
    /** Who makes the request; null where nobody had to log in and nobody has. */
    person: Person | null
  }
  interface FastifyInstance {
    /**
     * Finds out who makes a request, and throws unless it is somebody with the rights of a role. Routes need it only for
     * `operator-or-camera`; for all others it is done before their own hooks.
     */
    requireRole (request: FastifyRequest, reply: FastifyReply, role: Role): Promise<Person>
  }
}

const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Refuses whoever a route is not for, by what the route says in its `config.access`. To be registered before the routes. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const routes: RouteOptions[] = []
  const answering = new Map<ServerResponse, () => boolean>()

  app.decorateRequest('person', null)
  app.decorate('requireRole', requireRole)
  app.addHook('onRoute', route => {
    routes.push(route)
    // Those look for themselves, and a camera's upload is to wait for nothing.
    const looksItself = route.config?.access === 'camera' || route.config?.access === 'operator-or-camera'
    if (!looksItself) route.onRequest = guardedHooks(route, guard)
  })
  app.addHook('onReady', async () => {
    const silent = routes.filter(({ config }) => config?.access === undefined).map(({ method, url }) => `${String(method)} ${url}`)
    if (silent.length > 0) throw new StartupError(`these routes do not say who may use them: ${silent.join(', ')}`)
  })
  // What is under way, such as a live picture, ends with the right to it.
  app.people.onRevoked(() => {
    for (const [response, holds] of answering) if (response.headersSent && !holds()) response.socket?.destroy()
  })

  async function guard (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { access } = request.routeOptions.config
    const role = access === undefined ? 'admin' : roleFor(access, config.viewerAccess)
    if (role !== undefined) {
      // Answers to one person are not for the next; routes that say otherwise let a cache ask first.
      void reply.header('cache-control', 'no-store')
      await requireRole(request, reply, role).catch(async (error: unknown) => {
        if (!(error instanceof LoginMissing) || !isNavigation(request)) throw error
        await reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303)
      })
      return
    }
    if (!SAFE_METHODS.has(request.method)) refuseCrossSite(request)
    // Not by the Authorization header: where nobody has to log in here, it may be meant for a proxy in front.
    const session = app.sessionOf(request)
    request.person = session === undefined ? null : personOf(session, 'session')
  }

  async function requireRole (request: FastifyRequest, reply: FastifyReply, role: Role): Promise<Person> {
    const person = await identify(request, reply)
    if (person === null) {
      app.noteRefusal(request, 'login', 'no login')
      throw challenge(request, reply, new LoginMissing())
    }
    request.person = person
    if (!SAFE_METHODS.has(request.method) && isSentUnasked(request, person)) refuseCrossSite(request)
    if (!hasRights(person.role, role)) {
      app.noteRefusal(request, 'login', `not ${role}`, person.username)
      throw new RoleMissing(role)
    }
    return person
  }

  /** By the cookie first: a proxy in front may have its own use of the Authorization header. */
  async function identify (request: FastifyRequest, reply: FastifyReply): Promise<Person | null> {
    const session = app.sessionOf(request)
    if (session !== undefined) return watched(reply, personOf(session, 'session'), session.user)
    const header = request.headers.authorization
    if (header === undefined) return null
    const authorization = parseAuthorization(header)
    if (authorization === undefined) {
      app.noteRefusal(request, 'login', 'unreadable header')
      throw challenge(request, reply, new AuthorizationInvalid())
    }
    const secret = authorization.scheme === 'bearer' ? authorization.token : authorization.password
    if (authorization.scheme === 'bearer' || secret.startsWith(TOKEN_PREFIX)) {
      const login = app.people.login(secret, 'token')
      if (login !== undefined) {
        app.noteLogin(request, login.user.username, 'token')
        return watched(reply, personOf(login, 'token'), login.user)
      }
      app.noteRefusal(request, 'login', 'unknown token')
      throw challenge(request, reply, new TokenWrong())
    }
    try {
      const user = await app.checkLogin(request, reply, authorization.username, secret)
      app.noteLogin(request, user.username, 'basic')
      return watched(reply, { username: user.username, role: user.role, via: 'basic', credentialId: undefined }, user)
    } catch (error) {
      throw challenge(request, reply, error)
    }
  }

  function watched (reply: FastifyReply, person: Person, user: User): Person {
    const { credentialId } = person
    answering.set(reply.raw, () => credentialId === undefined ? app.people.find(user.username) === user : app.people.holds(credentialId))
    reply.raw.once('close', () => { answering.delete(reply.raw) })
    return person
  }

  function refuseCrossSite (request: FastifyRequest): void {
    if (!isCrossSite(request.headers, request.host)) return
    app.noteRefusal(request, 'login', 'cross-site request', request.person?.username)
    throw new CrossSiteRequest()
  }
}, { name: 'access', dependencies: ['audit', 'login', 'people', 'rate-limits', 'refusals', 'sessions'] })

/** The guard behind the limit of reads by address, which @fastify/rate-limit has put last, and before the route's own hooks. */
function guardedHooks (route: RouteOptions, guard: onRequestAsyncHookHandler): NonNullable<RouteOptions['onRequest']> {
  const hooks = [route.onRequest ?? []].flat()
  const limits = route.config?.rateLimit === false ? [] : hooks.splice(-1)
  return [...limits, guard, ...hooks]
}

function personOf ({ user, credential }: Login, via: Person['via']): Person {
  return { username: user.username, role: user.role, via, credentialId: credential.id }
}

/** Browsers send cookies and Basic passwords again by themselves, whoever's page it is that asks. */
function isSentUnasked ({ headers }: FastifyRequest, person: Person): boolean {
  return person.via === 'session' || headers.authorization?.toLowerCase().startsWith('basic') === true
}

/**
 * Tells a program how to log in (RFC 9110, section 11.6.1). Browsers are not told of Basic: they would open a dialog of
 * their own over the page.
 */
function challenge (request: FastifyRequest, reply: FastifyReply, error: unknown): unknown {
  const bearer = 'Bearer realm="Videostream"'
  const { 'sec-fetch-mode': mode, 'user-agent': userAgent = '' } = request.headers
  const isBrowser = mode !== undefined || userAgent.startsWith('Mozilla/')
  const isRefusal = error instanceof Error && 'statusCode' in error && error.statusCode === 401
  if (isRefusal) void reply.header('www-authenticate', isBrowser ? bearer : ['Basic realm="Videostream", charset="UTF-8"', bearer])
  return error
}

/** Whether a person in a browser opens an address. */
function isNavigation ({ method, headers }: FastifyRequest): boolean {
  const mode = headers['sec-fetch-mode']
  return SAFE_METHODS.has(method) && headers.accept?.includes('text/html') === true && (mode === undefined || mode === 'navigate')
}
