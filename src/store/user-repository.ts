import type { Clock } from '../core/clock.js'
import type { LedgerEntry } from '../core/ledger.js'
import type { Role } from '../core/role.js'
import { hashSecret, makeSecret } from '../core/secret.js'
import { TOKEN_PREFIX, type Credential, type CredentialKind, type User } from '../core/user.js'
import { wellFormed } from '../core/well-formed.js'
import { LastAdmin, LoginWrong, PeopleUnavailable, TooManyTokens, UserExists, UserNotFound } from '../errors.js'
import type { NewCredential, NewUser } from './people-queries.js'
import type { Queries } from './queries.js'
import type { SqlThread } from './sql-thread.js'
import { errorCode } from './storage-errors.js'

const HOUR_MS = 3_600_000

/** A session ends after this long without a request. */
export const SESSION_IDLE_MS = 12 * HOUR_MS

/** A session ends after this long, however busy. */
export const SESSION_MAX_MS = 7 * 24 * HOUR_MS

/** Sessions of one user; more end the ones that were longest unused. */
const MAX_SESSIONS = 100

/** API tokens of one user. */
const MAX_TOKENS = 100

/** How exactly is kept when a session or token was last used. */
const USE_RESOLUTION_MS = 5 * 60_000

/** What of a user changes. */
export interface UserChange {
  readonly role?: Role | undefined
  readonly passwordHash?: string | undefined
  readonly enabled?: boolean | undefined
}

/** Somebody with what they logged in with. */
export interface Login { readonly user: User, readonly credential: Credential }

/**
 * People and what they log in with: in SQLite, and all of it in memory, so that a request costs no statement. Memory
 * changes when a change is on disk, so what was answered holds, at once and over a restart. Changes are made one after
 * the other: each sees what the one before has done.
 *
 * Errors: PeopleUnavailable where a change cannot be stored. `by` says who makes a change, as the ledger names them; the
 * server where nothing is said.
 */
export class UserRepository {
  readonly #sql: SqlThread
  readonly #clock: Clock
  readonly #users = new Map<number, User>()
  readonly #names = new Map<string, User>()
  readonly #credentials = new Map<string, Credential>()
  readonly #listeners: Array<() => void> = []
  #last: Promise<unknown> = Promise.resolve()

  private constructor (sql: SqlThread, clock: Clock) {
    this.#sql = sql
    this.#clock = clock
  }

  /** Reads everybody. */
  static async open (sql: SqlThread, clock: Clock): Promise<UserRepository> {
    const repository = new UserRepository(sql, clock)
    await repository.#load()
    return repository
  }

  /** Calls back after a change that may have taken rights from somebody. */
  onRevoked (listener: () => void): void {
    this.#listeners.push(listener)
  }

  /** Everybody, by name. */
  get users (): User[] {
    return [...this.#names.values()].sort((a, b) => a.username < b.username ? -1 : 1)
  }

  /** Whether there is an admin who may log in. */
  get hasAdmin (): boolean {
    return this.users.some(isAdmin)
  }

  /** The user of this name, or undefined. */
  find (username: string): User | undefined {
    return this.#names.get(username)
  }

  /** Adds a user. Errors: UserExists. */
  async add (username: string, role: Role, passwordHash: string, enabled: boolean, by?: string): Promise<User> {
    return await this.#inTurn(async () => {
      if (this.#names.has(username)) throw new UserExists(username)
      const user = this.#newUser(username, role, passwordHash, enabled)
      return this.#keep({ ...user, id: await this.#write('addUser', user, by) })
    })
  }

  /**
   * Changes a user. A new password ends the user's sessions, but for the one that is given; so does disabling.
   * Errors: UserNotFound, LastAdmin.
   */
  async change (username: string, { role, passwordHash, enabled }: UserChange, keptSessionId?: number, by?: string): Promise<User> {
    return await this.#inTurn(async () => {
      const user = this.#require(username)
      const changed: User = {
        ...user,
        role: role ?? user.role,
        enabled: enabled ?? user.enabled,
        ...(passwordHash !== undefined && { passwordHash, passwordChangedAtMs: this.#clock.nowMs() })
      }
      if (!isAdmin(changed)) this.#requireOtherAdmin(user)
      const ending = passwordHash === undefined && changed.enabled
        ? []
        : this.#of(user, 'session').filter(({ id }) => id !== keptSessionId)
      await this.#write('changeUser', changed, ending.map(({ id }) => id), by)
      this.#forget(ending)
      this.#keep(changed)
      this.#revoked()
      return changed
    })
  }

  /** Removes a user with all sessions and tokens. Errors: UserNotFound, LastAdmin. */
  async remove (username: string, by?: string): Promise<void> {
    await this.#inTurn(async () => {
      const user = this.#require(username)
      this.#requireOtherAdmin(user)
      await this.#write('removeUser', user.id, by)
      this.#drop(user)
      this.#revoked()
    })
  }

  /**
   * Makes an admin where there is none, in the place of whoever had the name.
   * @param lasting false: only until the process ends, or `makeLasting` is called
   */
  async makeAdmin (username: string, passwordHash: string, lasting: boolean): Promise<void> {
    await this.#inTurn(async () => {
      const user = this.#newUser(username, 'admin', passwordHash, true)
      const id = await this.#write('replaceUser', { ...user, enabled: lasting })
      const replaced = this.#names.get(username)
      if (replaced !== undefined) this.#drop(replaced)
      this.#keep({ ...user, id })
    })
  }

  /** Keeps the admin that was made for now. */
  async makeLasting (username: string): Promise<void> {
    await this.#inTurn(async () => { await this.#write('changeUser', this.#require(username), []) })
  }

  /**
   * Makes a session or an API token. The secret is in no other place than the result.
   * @param address where the user is, for the ledger; null where that is not known
   * Errors: TooManyTokens; LoginWrong where the user has changed since it logged in.
   */
  async issue (user: User, kind: CredentialKind, name: string, expiresAtMs: number | null, address: string | null = null): Promise<{ credential: Credential, secret: string }> {
    return await this.#inTurn(async () => {
      if (this.#users.get(user.id) !== user) throw new LoginWrong()
      const spent = this.#of(user, kind).filter(each => !this.#isLive(each))
      const live = this.#of(user, kind).filter(each => this.#isLive(each))
      if (kind === 'token' && live.length >= MAX_TOKENS) throw new TooManyTokens(live.length)
      const crowdedOut = kind === 'session' ? live.sort((a, b) => lastSeen(b) - lastSeen(a)).slice(MAX_SESSIONS - 1) : []
      const removed = [...spent, ...crowdedOut]
      const { secret, hash } = makeSecret(kind === 'token' ? TOKEN_PREFIX : '')
      const made = { userId: user.id, kind, secretSha256: hash, name, createdAtMs: this.#clock.nowMs(), expiresAtMs }
      const id = await this.#write('addCredential', made, removed.map(each => each.id), issueEntry(user.username, made, address))
      this.#forget(removed)
      const credential: Credential = { ...made, id, lastUsedAtMs: null }
      this.#credentials.set(credential.secretSha256, credential)
      return { credential, secret }
    })
  }

  /** Who has this session or token, where it still holds; notes that it was used. */
  login (secret: string, kind: CredentialKind): Login | undefined {
    const credential = this.#credentials.get(hashSecret(secret))
    if (credential?.kind !== kind || !this.#isLive(credential)) return undefined
    const user = this.#users.get(credential.userId)
    if (user?.enabled !== true) return undefined
    return { user, credential: this.#noteUse(credential) }
  }

  /** Whether a session or token still holds, for its user. */
  holds (credentialId: number): boolean {
    const credential = this.credential(credentialId)
    return credential !== undefined && this.#isLive(credential) && this.#users.get(credential.userId)?.enabled === true
  }

  /** The session or token with this id, or undefined. */
  credential (id: number): Credential | undefined {
    return [...this.#credentials.values()].find(each => each.id === id)
  }

  /** A user's API tokens that have not expired, oldest first. */
  tokensOf (user: User): Credential[] {
    return this.#of(user, 'token').filter(each => this.#isLive(each)).sort((a, b) => a.id - b.id)
  }

  /** Ends a session or token. */
  async revoke (credential: Credential, by = 'server'): Promise<void> {
    await this.#inTurn(async () => {
      const owner = this.#users.get(credential.userId)
      const told: LedgerEntry[] = owner === undefined || credential.kind !== 'token'
        ? []
        : [{ actor: by, action: 'token.revoked', subject: `user:${owner.username}`, payload: { token_id: credential.id, name: wellFormed(credential.name) } }]
      await this.#record(told, 'removeCredential', credential.id)
      this.#forget([credential])
      this.#revoked()
    })
  }

  async #load (): Promise<void> {
    const { users, credentials } = await this.#sql.call('readPeople')
    this.#users.clear()
    this.#names.clear()
    this.#credentials.clear()
    for (const user of users) this.#keep(user)
    for (const credential of credentials) this.#credentials.set(credential.secretSha256, credential)
  }

  async #write<Name extends keyof Queries> (name: Name, ...args: Parameters<Queries[Name]>): Promise<ReturnType<Queries[Name]>> {
    return await this.#record([], name, ...args)
  }

  async #record<Name extends keyof Queries> (entries: readonly LedgerEntry[], name: Name, ...args: Parameters<Queries[Name]>): Promise<ReturnType<Queries[Name]>> {
    try {
      return await this.#sql.record(entries, name, ...args)
    } catch (error) {
      // Where the answer was lost nobody knows whether it was stored: what is on disk counts.
      if (errorCode(error) === 'SQL_THREAD_LOST') await this.#load().then(() => { this.#revoked() }, () => {})
      throw Object.assign(new PeopleUnavailable(errorCode(error)), { cause: error })
    }
  }

  async #inTurn<Result> (change: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(change)
    this.#last = turn.catch(() => {})
    return await turn
  }

  #newUser (username: string, role: Role, passwordHash: string, enabled: boolean): NewUser {
    const nowMs = this.#clock.nowMs()
    return { username, role, passwordHash, enabled, createdAtMs: nowMs, passwordChangedAtMs: nowMs }
  }

  #keep (user: User): User {
    this.#users.set(user.id, user)
    this.#names.set(user.username, user)
    return user
  }

  #drop (user: User): void {
    this.#users.delete(user.id)
    this.#names.delete(user.username)
    this.#forget([...this.#credentials.values()].filter(({ userId }) => userId === user.id))
  }

  #require (username: string): User {
    const user = this.#names.get(username)
    if (user === undefined) throw new UserNotFound(username)
    return user
  }

  #requireOtherAdmin (user: User): void {
    if (isAdmin(user) && !this.users.some(each => isAdmin(each) && each.id !== user.id)) throw new LastAdmin()
  }

  #of (user: User, kind: CredentialKind): Credential[] {
    return [...this.#credentials.values()].filter(each => each.userId === user.id && each.kind === kind)
  }

  #forget (credentials: Credential[]): void {
    for (const { secretSha256 } of credentials) this.#credentials.delete(secretSha256)
  }

  #isLive (credential: Credential): boolean {
    const nowMs = this.#clock.nowMs()
    if (credential.expiresAtMs !== null && nowMs >= credential.expiresAtMs) return false
    return credential.kind === 'token' || nowMs < lastSeen(credential) + SESSION_IDLE_MS
  }

  #noteUse (credential: Credential): Credential {
    const nowMs = this.#clock.nowMs()
    if (credential.lastUsedAtMs !== null && Math.abs(nowMs - credential.lastUsedAtMs) < USE_RESOLUTION_MS) return credential
    const used = { ...credential, lastUsedAtMs: nowMs }
    this.#credentials.set(used.secretSha256, used)
    // Only for people to look at; the next one is noted again.
    this.#sql.call('noteCredentialUse', credential.id, nowMs).catch(() => {})
    return used
  }

  #revoked (): void {
    for (const listener of this.#listeners) listener()
  }
}

/** What the ledger tells of a new session or token. */
function issueEntry (username: string, { kind, name, expiresAtMs }: NewCredential, address: string | null): LedgerEntry {
  const who = { actor: `user:${username}`, subject: `user:${username}` }
  return kind === 'session'
    ? { ...who, action: 'login', payload: { via: 'session', address } }
    : { ...who, action: 'token.issued', payload: { name: wellFormed(name), expires_at_ms: expiresAtMs, address } }
}

function lastSeen ({ createdAtMs, lastUsedAtMs }: Credential): number {
  return lastUsedAtMs ?? createdAtMs
}

function isAdmin ({ role, enabled }: User): boolean {
  return role === 'admin' && enabled
}
