import { parseCookie, stringifySetCookie } from 'cookie'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { User } from '../core/user.js'
import { SESSION_MAX_MS, type Login } from '../store/user-repository.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Whose session a request's cookie is, where it still holds. */
    sessionOf (request: FastifyRequest): Login | undefined
  }
  interface FastifyReply {
    /** Begins a session in this browser. */
    startSession (user: User): Promise<void>
    /** Ends the session of this browser, where there is one. */
    endSession (): Promise<void>
  }
}

const COOKIE = 'videostream_session'

/** A browser's name for itself may be long. */
const MAX_NAME_LENGTH = 200

/** Sessions of browsers: a random secret in a cookie that scripts cannot read. */
export default fp(async app => {
  app.decorate('sessionOf', request => {
    const { cookie } = request.headers
    const secret = cookie === undefined ? undefined : parseCookie(cookie)[cookieName(request)]
    return secret === undefined ? undefined : app.people.login(secret, 'session')
  })
  app.decorateReply('startSession', async function (this: FastifyReply, user: User) {
    const name = (this.request.headers['user-agent'] ?? '').slice(0, MAX_NAME_LENGTH)
    const { secret } = await app.people.issue(user, 'session', name, app.clock.nowMs() + SESSION_MAX_MS, this.request.ip)
    setCookie(this, secret, SESSION_MAX_MS / 1000)
  })
  app.decorateReply('endSession', async function (this: FastifyReply) {
    const login = app.sessionOf(this.request)
    if (login !== undefined) await app.people.revoke(login.credential)
    setCookie(this, '', 0)
  })
}, { name: 'sessions', dependencies: ['clock', 'people'] })

/**
 * Behind TLS the prefix keeps pages of other hosts of the domain, and of plain HTTP, from setting this cookie.
 * Source: RFC 6265bis, section 4.1.3.2.
 */
function cookieName (request: FastifyRequest): string {
  return request.protocol === 'https' ? `__Host-${COOKIE}` : COOKIE
}

/** Lax: who follows a link in a message arrives logged in; what other sites post does not bring it. */
function setCookie (reply: FastifyReply, value: string, maxAge: number): void {
  const secure = reply.request.protocol === 'https'
  void reply.header('set-cookie', stringifySetCookie(cookieName(reply.request), value, { path: '/', httpOnly: true, sameSite: 'lax', secure, maxAge }))
    .header('cache-control', 'no-store')
}
