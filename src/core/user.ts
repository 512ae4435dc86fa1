import type { Role } from './role.js'

/** Somebody who may log in. */
export interface User {
  /** Never used twice, unlike names. */
  readonly id: number
  readonly username: string
  readonly role: Role
  /** As `PasswordHasher` writes it. */
  readonly passwordHash: string
  /** Who is not enabled cannot log in, and has no rights. */
  readonly enabled: boolean
  readonly createdAtMs: number
  readonly passwordChangedAtMs: number
}

/** What stands for a person without the password: a browser's session, or a token for programs. */
export type CredentialKind = 'session' | 'token'

/** A session or a token. Its secret is known to nobody but its owner. */
export interface Credential {
  readonly id: number
  readonly userId: number
  readonly kind: CredentialKind
  /** SHA-256 of the secret in hex. */
  readonly secretSha256: string
  /** What its owner calls it, or the browser that it is in. */
  readonly name: string
  readonly createdAtMs: number
  /** Null for one that does not expire. */
  readonly expiresAtMs: number | null
  /** To within a few minutes; null where it was never used. */
  readonly lastUsedAtMs: number | null
}

/** Who makes a request. */
export interface Person {
  readonly username: string
  readonly role: Role
  /** How the person logged in. */
  readonly via: 'session' | 'basic' | 'token'
  /** The session or token; undefined for a name and password. */
  readonly credentialId: number | undefined
}

/** Who makes a request, as the ledger names them: the person who is logged in, else the camera whose key or password came with it. */
export function actorOf ({ person, camera }: { readonly person: Person | null, readonly camera?: { readonly id: string } | undefined }): string {
  if (person !== null) return `user:${person.username}`
  return camera === undefined ? 'server' : `camera:${camera.id}`
}

/** What API tokens begin with, so that people and scanners for leaked secrets can tell what they found. */
export const TOKEN_PREFIX = 'vst_'

/** The first user, and the one that is made anew where no admin is left. */
export const FIRST_ADMIN = 'admin'

/** How names look: as host names do, so that they can stand in addresses and logs. */
export const USERNAME_PATTERN = '^[a-z0-9][a-z0-9._-]{0,62}$'

/** The shortest password a person may have, in characters. */
export const MIN_PASSWORD_LENGTH = 12

/** The longest. */
const MAX_PASSWORD_LENGTH = 256

/** Long enough, and yet among the first that are tried. */
const COMMON = /^(?:(?:password|passwort|administrator|admin|qwertyuiop|qwerty|letmein|welcome|iloveyou|videostream|changeme|your_secure_password|your_default_password)[\d!._-]*)+$/i

/**
 * Says what is wrong with a person's password, as the end of a sentence that begins with its name, or undefined where it
 * may be used. Length is what counts (NIST SP 800-63B, section 3.1.1.2): nothing is asked of its characters.
 */
export function newPasswordProblem (password: string, username: string): string | undefined {
  if (password === '') return `is empty; it needs at least ${MIN_PASSWORD_LENGTH} characters`
  if (password.startsWith(TOKEN_PREFIX)) return 'begins as API tokens do, and would be taken for one; choose another one'
  const { length } = [...password]
  if (length < MIN_PASSWORD_LENGTH) return `is shorter than ${MIN_PASSWORD_LENGTH} characters; choose a longer one`
  if (length > MAX_PASSWORD_LENGTH) return `is longer than ${MAX_PASSWORD_LENGTH} characters; choose a shorter one`
  if (new Set(password.toLowerCase()).size < 4) return 'is the same few characters over and over; choose another one'
  if (COMMON.test(password) || '01234567890123456789'.includes(password)) return 'is one that everyone tries first; choose another one'
  if (password.toLowerCase().replaceAll(username, '').length < 4) return 'is little more than the user name; choose another one'
  return undefined
}
