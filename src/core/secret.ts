import { createHash, randomBytes } from 'node:crypto'

/** A key that was made: what its owner gets once, and what is kept of it. */
export interface MadeSecret {
  /** The prefix and 256 random bits in base64url. */
  readonly secret: string
  /** SHA-256 of that text, in lower-case hexadecimal. */
  readonly hash: string
}

/** Makes a key of 256 random bits. The prefix tells people and secret scanners what it is. */
export function makeSecret (prefix: string): MadeSecret {
  const secret = prefix + randomBytes(32).toString('base64url')
  return { secret, hash: hashSecret(secret) }
}

/**
 * What is kept of a key and looked up. A plain hash is enough for 256 random bits, which nobody can guess one by one, and
 * a look-up by it takes no time from which anything about a key could be learnt.
 */
export function hashSecret (secret: string): string {
  return createHash('sha256').update(secret).digest('hex')
}
