import { createHmac, randomBytes } from 'node:crypto'
import type { User } from './user.js'

/** Logins beyond this many push out the oldest. */
const MAX_LOGINS = 1000

/**
 * Remembers right passwords, so that a program that sends one with each request does not cost a password hash each time.
 * Kept is only an HMAC under a key that ends with the process. It holds for the address that it came from, so that it
 * tells nobody else whether a guess is right, and for this very state of the user: any change of the user makes another.
 */
export class LoginMemo {
  readonly #key = randomBytes(32)
  readonly #users = new Map<string, User>()

  /** What a login is remembered under. */
  keyOf (address: string, username: string, password: string): string {
    return createHmac('sha256', this.#key).update(JSON.stringify([address, username, password])).digest('base64')
  }

  /** Remembers that a login is this user's. */
  remember (key: string, user: User): void {
    this.#users.delete(key)
    this.#users.set(key, user)
    const oldest = this.#users.size > MAX_LOGINS ? this.#users.keys().next().value : undefined
    if (oldest !== undefined) this.#users.delete(oldest)
  }

  /** Whose login this is, if `current` says that the user is still the same. */
  recall (key: string, current: (username: string) => User | undefined): User | undefined {
    const user = this.#users.get(key)
    if (user === undefined || current(user.username) === user) return user
    this.#users.delete(key)
    return undefined
  }
}
