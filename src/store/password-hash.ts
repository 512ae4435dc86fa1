import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto'
import { LoginsBusy } from '../errors.js'

/** What a password hash costs: 2^`logN` rounds over blocks of `blockSize`, `parallelization` times. */
export interface PasswordCost { readonly logN: number, readonly blockSize: number, readonly parallelization: number }

/** 32 MiB and a quarter of a second. Source: OWASP Password Storage Cheat Sheet, the row of scrypt with the least memory but one. */
export const PASSWORD_COST: PasswordCost = { logN: 15, blockSize: 8, parallelization: 3 }

const SALT_BYTES = 16
const HASH_BYTES = 32

/** Bounds what a hash in the database can ask for. */
const MAX_MEMORY_BYTES = 256 * 1024 * 1024

/** Passwords that may wait for their turn. */
const MAX_WAITING = 16

interface Parsed { readonly cost: PasswordCost, readonly salt: Buffer, readonly hash: Buffer }

/**
 * Hashes and checks passwords with scrypt, one at a time: the thread pool has four threads, which also write the
 * evidence, and logins must never hold that up.
 *
 * Errors: LoginsBusy where too many wait already.
 */
export class PasswordHasher {
  readonly #cost: PasswordCost
  readonly #salt = randomBytes(SALT_BYTES)
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor (cost: PasswordCost) {
    this.#cost = cost
  }

  /** A password's hash with its salt and cost, as `$scrypt$ln=15,r=8,p=3$SALT$HASH` (the PHC string format). */
  async hash (password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    const hash = await this.#derive(password, salt, this.#cost)
    const { logN, blockSize, parallelization } = this.#cost
    return `$scrypt$ln=${logN},r=${blockSize},p=${parallelization}$${toBase64(salt)}$${toBase64(hash)}`
  }

  /** Whether a password is the one of this hash. Without a hash it takes as long, and is not. */
  async verify (password: string, kept: string | undefined): Promise<boolean> {
    const parsed = kept === undefined ? undefined : parse(kept)
    const derived = await this.#derive(password, parsed?.salt ?? this.#salt, parsed?.cost ?? this.#cost)
    return parsed !== undefined && timingSafeEqual(derived, parsed.hash)
  }

  async #derive (password: string, salt: Buffer, cost: PasswordCost): Promise<Buffer> {
    if (this.#waiting > MAX_WAITING) throw new LoginsBusy()
    this.#waiting += 1
    const derived = this.#last.then(async () => await derive(password, salt, cost))
    this.#last = derived.catch(() => {})
    try {
      return await derived
    } finally {
      this.#waiting -= 1
    }
  }
}

async function derive (password: string, salt: Buffer, { logN, blockSize, parallelization }: PasswordCost): Promise<Buffer> {
  const options: ScryptOptions = { N: 2 ** logN, r: blockSize, p: parallelization, maxmem: MAX_MEMORY_BYTES }
  return await new Promise((resolve, reject) => {
    // The same characters can be typed in more than one way (NIST SP 800-63B, section 3.1.1.2).
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, options, (error, key) => {
      if (error === null) resolve(key)
      else reject(error)
    })
  })
}

function parse (text: string): Parsed | undefined {
  const [, logN, blockSize, parallelization, salt = '', hash = ''] = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]+)\$([\w+/]{43})$/.exec(text) ?? []
  if (hash === '') return undefined
  return {
    cost: { logN: Number(logN), blockSize: Number(blockSize), parallelization: Number(parallelization) },
    salt: Buffer.from(salt, 'base64'),
    hash: Buffer.from(hash, 'base64')
  }
}

function toBase64 (bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
