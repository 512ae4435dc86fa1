import { normalizeIP } from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import type { LedgerEntry } from '../core/ledger.js'
import { OncePer } from '../core/once-per.js'
import { TokenBuckets } from '../core/token-bucket.js'
import { AuditTrail } from '../store/audit-trail.js'
import { version } from '../version.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The ledger for people. */
    audit: AuditTrail
    /** Has the ledger tell that somebody logged in with each request: once an hour for a user, an address and a way in. */
    noteLogin (request: FastifyRequest, username: string, via: 'basic' | 'token'): void
    /** Has the ledger tell that passwords from an address, or for a user's name, are refused for a while: once an hour an address. */
    noteLock (request: FastifyRequest, of: 'people' | 'cameras', username?: string): void
  }
}

const HOUR_MS = 3_600_000

/** Somebody with many addresses must not fill the ledger: so many locks at once, and as many an hour. */
const LOCK_RATE = { burst: 60, perSecond: 60 / 3600 }

/** Tells the ledger of what changes nothing else: logins, and that the server has started. Nobody waits for it, and its failure is logged. */
export default fp(async app => {
  const audit = new AuditTrail(app.sql)
  const logins = new OncePer(app.clock, HOUR_MS)
  const locks = new OncePer(app.clock, HOUR_MS)
  const lockBudget = new TokenBuckets(app.clock)

  function tell (entry: LedgerEntry): void {
    audit.record(entry).catch((err: unknown) => { app.log.error({ err, action: entry.action }, 'the ledger could not be told') })
  }

  app.decorate('audit', audit)
  app.decorate('noteLogin', (request, username, via) => {
    const address = normalizeIP(request.ip)
    if (!logins.take(`${via} ${username} ${address}`)) return
    tell({ actor: `user:${username}`, action: 'login', subject: `user:${username}`, payload: { via, address: request.ip } })
  })
  app.decorate('noteLock', (request, of, username) => {
    if (!locks.take(`${of} ${normalizeIP(request.ip)}`) || lockBudget.take('all', LOCK_RATE).left < 0) return
    const subject = username === undefined ? 'server' : `user:${username}`
    tell({ actor: 'server', action: 'login.locked', subject, payload: { of, address: request.ip } })
  })
  app.addHook('onListen', async () => { tell({ actor: 'server', action: 'server.started', subject: 'server', payload: { version } }) })
}, { name: 'audit', dependencies: ['clock', 'database'] })
