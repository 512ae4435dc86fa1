import { randomBytes } from 'node:crypto'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { FIRST_ADMIN } from '../core/user.js'
import { PASSWORD_COST, PasswordHasher, type PasswordCost } from '../store/password-hash.js'
import { UserRepository } from '../store/user-repository.js'

/** The admin that was made on this start with a password of the server's own. */
export interface MadeAdmin {
  readonly username: string
  readonly password: string
  /** To be called once somebody has seen the password. Until then the admin is kept only in memory. */
  shown (): Promise<void>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Everybody who may log in, with their sessions and tokens. */
    people: UserRepository
    /** Hashes and checks passwords. */
    passwords: PasswordHasher
    /** The admin whose password nobody knows yet, to be shown once; undefined on all starts but the first. */
    madeAdmin: MadeAdmin | undefined
  }
}

/**
 * Reads people from the database. Where no admin may log in, as on the first start, the user `admin` is made: with the
 * password of the settings, or with one of the server's own, which holds for good only when somebody has seen it. A
 * start that fails or is killed before that leaves no admin whose password nobody knows: the next one makes another.
 */
export default fp<{ config: Config, cost?: PasswordCost | undefined }>(async (app, { config, cost = PASSWORD_COST }) => {
  const people = await UserRepository.open(app.sql, app.clock)
  const passwords = new PasswordHasher(cost)
  let madeAdmin: MadeAdmin | undefined
  if (!people.hasAdmin) {
    const password = config.adminPassword ?? randomBytes(18).toString('base64url')
    await people.makeAdmin(FIRST_ADMIN, await passwords.hash(password), config.adminPassword !== undefined)
    app.log.info({ username: FIRST_ADMIN }, 'the first administrator was made')
    if (config.adminPassword === undefined) {
      madeAdmin = { username: FIRST_ADMIN, password, shown: async () => { await people.makeLasting(FIRST_ADMIN) } }
    }
  }
  app.decorate('people', people)
  app.decorate('passwords', passwords)
  app.decorate('madeAdmin', madeAdmin)
}, { name: 'people', dependencies: ['clock', 'database'] })
