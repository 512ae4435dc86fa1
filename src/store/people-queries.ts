import type { Credential, CredentialKind, User } from '../core/user.js'
import type { Role } from '../core/role.js'
import type { LedgerEntry, LedgerPayload } from '../core/ledger.js'
import type { Connection } from './database.js'
import type { Ledger } from './ledger-statements.js'

/** A user before it has an id. */
export type NewUser = Omit<User, 'id'>

/** A session or token before it has an id. */
export type NewCredential = Omit<Credential, 'id' | 'lastUsedAtMs'>

/** Everybody, with what they log in with. */
export interface People { readonly users: User[], readonly credentials: Credential[] }

interface UserRow {
  id: number, username: string, role: Role, password_hash: string, enabled: number, created_at_ms: number, password_changed_at_ms: number
}

interface CredentialRow {
  id: number,
  user_id: number,
  kind: CredentialKind,
  secret_sha256: string,
  name: string
  created_at_ms: number,
  expires_at_ms: number | null,
  last_used_at_ms: number | null
}

/**
 * Every statement on people and what they log in with, prepared once. Of those that change something, `by` says who did
 * it, as the ledger names them. The ledger never has a password, nor its hash: only that there is a new one.
 */
export function peopleQueries (database: Connection, { append }: Ledger) {
  const users = database.prepare<[], UserRow>('SELECT * FROM users')
  // A user who was removed in the sqlite3 shell, where foreign keys are off, may have left some behind.
  const credentials = database.prepare<[], CredentialRow>('SELECT * FROM credentials WHERE user_id IN (SELECT id FROM users)')
  const insertUser = database.prepare<[string, Role, string, number, number, number]>(
    'INSERT INTO users (username, role, password_hash, enabled, created_at_ms, password_changed_at_ms) VALUES (?, ?, ?, ?, ?, ?)')
  const userById = database.prepare<[number], UserRow>('SELECT * FROM users WHERE id = ?')
  const updateUser = database.prepare<[Role, string, number, number, number]>(
    'UPDATE users SET role = ?, password_hash = ?, enabled = ?, password_changed_at_ms = ? WHERE id = ?')
  const deleteUser = database.prepare<[number]>('DELETE FROM users WHERE id = ?')
  const deleteNamed = database.prepare<[string]>('DELETE FROM users WHERE username = ?')
  const insertCredential = database.prepare<[number, CredentialKind, string, string, number, number | null]>(
    'INSERT INTO credentials (user_id, kind, secret_sha256, name, created_at_ms, expires_at_ms) VALUES (?, ?, ?, ?, ?, ?)')
  const deleteCredential = database.prepare<[number]>('DELETE FROM credentials WHERE id = ?')
  const touch = database.prepare<[number, number]>('UPDATE credentials SET last_used_at_ms = ? WHERE id = ?')

  function tell (action: string, username: string, by: string, payload: LedgerPayload): void {
    append({ actor: by, action, subject: `user:${username}`, payload })
  }

  function addUser (user: NewUser, by = 'server'): number {
    const { username, role, enabled } = user
    const { lastInsertRowid } = insertUser.run(username, role, user.passwordHash, Number(enabled), user.createdAtMs, user.passwordChangedAtMs)
    tell('user.added', username, by, { role, enabled })
    return Number(lastInsertRowid)
  }

  return {
    readPeople (): People { return { users: users.all().map(toUser), credentials: credentials.all().map(toCredential) } },
    /** Returns the new user's id. */
    addUser,
    /** Changes a user, and ends these sessions. */
    changeUser (user: User, ending: number[], by = 'server'): void {
      const before = userById.get(user.id)
      updateUser.run(user.role, user.passwordHash, Number(user.enabled), user.passwordChangedAtMs, user.id)
      for (const id of ending) deleteCredential.run(id)
      const changed = before === undefined ? [] : changesOf(toUser(before), user)
      if (changed.length > 0) tell('user.changed', user.username, by, { changed, role: user.role, enabled: user.enabled })
    },
    /** Removes a user with all that the user logs in with. */
    removeUser (id: number, by = 'server'): void {
      const user = userById.get(id)
      deleteUser.run(id)
      if (user !== undefined) tell('user.removed', user.username, by, {})
    },
    /** Puts a user in the place of whoever had the name. Returns the new user's id. */
    replaceUser (user: NewUser): number {
      deleteNamed.run(user.username)
      return addUser(user)
    },
    /** Adds a session or token and removes others; `told` is what the ledger says of it, beside a token's id. Returns the new one's id. */
    addCredential (credential: NewCredential, removed: number[], told?: LedgerEntry): number {
      for (const id of removed) deleteCredential.run(id)
      const { userId, kind, secretSha256, name, createdAtMs, expiresAtMs } = credential
      const id = Number(insertCredential.run(userId, kind, secretSha256, name, createdAtMs, expiresAtMs).lastInsertRowid)
      if (told !== undefined) append({ ...told, payload: { ...told.payload, ...(kind === 'token' && { token_id: id }) } })
      return id
    },
    removeCredential (id: number): void { deleteCredential.run(id) },
    noteCredentialUse (id: number, atMs: number): void { touch.run(atMs, id) }
  }
}

/** Those of them that change something. */
export const WRITING_PEOPLE_QUERIES: ReadonlyArray<keyof ReturnType<typeof peopleQueries>> =
  ['addUser', 'changeUser', 'removeUser', 'replaceUser', 'addCredential', 'removeCredential', 'noteCredentialUse']

function changesOf (before: User, after: User): string[] {
  return [
    ...(before.role === after.role ? [] : ['role']),
    ...(before.enabled === after.enabled ? [] : ['enabled']),
    ...(before.passwordHash === after.passwordHash ? [] : ['password'])
  ]
}

function toUser (row: UserRow): User {
  return {
    id: row.id,
    username: row.username,
    role: row.role,
    passwordHash: row.password_hash,
    enabled: row.enabled === 1,
    createdAtMs: row.created_at_ms,
    passwordChangedAtMs: row.password_changed_at_ms
  }
}

function toCredential (row: CredentialRow): Credential {
  return {
    id: row.id,
    userId: row.user_id,
    kind: row.kind,
    secretSha256: row.secret_sha256,
    name: row.name,
    createdAtMs: row.created_at_ms,
    expiresAtMs: row.expires_at_ms,
    lastUsedAtMs: row.last_used_at_ms
  }
}
