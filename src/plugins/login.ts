import { normalizeIP } from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { LoginLimits } from '../core/login-limits.js'
import { LoginMemo } from '../core/login-memo.js'
import type { User } from '../core/user.js'
import { LoginWrong, TooManyFailedLogins } from '../errors.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Whose name and password these are. Takes a quarter of a second where they were not seen lately.
     * Errors: LoginWrong, TooManyFailedLogins, LoginsBusy.
     */
    checkLogin (request: FastifyRequest, reply: FastifyReply, username: string, password: string): Promise<User>
  }
}

/** Whose login it is, nobody's, or how long to wait before it is looked at. */
type Verdict = { readonly user: User | undefined } | { readonly waitMs: number }

/** Looks at names and passwords, so often and no oftener. The answer never tells whether there is a user of a name. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const limits = new LoginLimits(app.clock, config.authFailureLimit)
  const memo = new LoginMemo()
  const underWay = new Map<string, Promise<Verdict>>()
  const find = (username: string): User | undefined => app.people.find(username)

  async function verify (key: string, address: string, username: string, password: string): Promise<Verdict> {
    const waitMs = limits.begin(address, username)
    if (waitMs > 0) return { waitMs }
    const user = find(username)
    try {
      const isRight = await app.passwords.verify(password, user?.passwordHash)
      // Not where the user was changed meanwhile.
      if (!isRight || user?.enabled !== true || find(username) !== user) return { user: undefined }
    } catch (error) {
      limits.giveBack(address, username)
      throw error
    }
    limits.giveBack(address, username)
    memo.remember(key, user)
    return { user }
  }

  /** Requests that come at once with the same password share one look at it. */
  async function verifyOnce (key: string, address: string, username: string, password: string): Promise<Verdict> {
    const running = underWay.get(key)
    if (running !== undefined) return await running
    const started = verify(key, address, username, password).finally(() => { underWay.delete(key) })
    underWay.set(key, started)
    return await started
  }

  app.decorate('checkLogin', async (request, reply, typed, password) => {
    const username = typed.trim().toLowerCase()
    const address = normalizeIP(request.ip)
    const known = (): string | undefined => find(username)?.username
    const key = memo.keyOf(address, username, password)
    const addressWaitMs = limits.addressWaitMs(address)
    const recalled = addressWaitMs > 0 ? undefined : memo.recall(key, find)
    if (recalled?.enabled === true) return recalled
    const verdict = addressWaitMs > 0
      ? { waitMs: addressWaitMs }
      : await verifyOnce(key, address, username, password).catch((error: unknown) => {
        app.noteRefusal(request, 'login', 'too many logins at once', known())
        throw error
      })
    if ('waitMs' in verdict) {
      app.noteRefusal(request, 'login', 'too many failed logins', known())
      app.noteLock(request, 'people', known())
      void reply.header('retry-after', Math.ceil(verdict.waitMs / 1000))
      throw new TooManyFailedLogins()
    }
    if (verdict.user !== undefined) return verdict.user
    app.noteRefusal(request, 'login', 'wrong name or password', known())
    throw new LoginWrong()
  })
}, { name: 'login', dependencies: ['audit', 'clock', 'people', 'refusals'] })
