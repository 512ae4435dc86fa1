import type { Clock } from './clock.js'
import { TokenBuckets, type BucketRate } from './token-bucket.js'

/** Names that are longer than any user's are not kept whole. */
const MAX_NAME_LENGTH = 64

/**
 * Slows down the guessing of passwords: so many wrong ones a minute from one address, and as many for one name, whether
 * there is such a user or not. A try is counted before the password is looked at, which takes a while, and given back
 * where it was right: of many at once, no more are looked at than the limit.
 */
export class LoginLimits {
  readonly #addresses: TokenBuckets
  readonly #names: TokenBuckets
  readonly #rate: BucketRate

  /** @param perMinute wrong passwords a minute */
  constructor (clock: Clock, perMinute: number) {
    this.#addresses = new TokenBuckets(clock)
    this.#names = new TokenBuckets(clock)
    this.#rate = { burst: perMinute, perSecond: perMinute / 60 }
  }

  /** Milliseconds until passwords from this address are looked at again; 0 where they are. */
  addressWaitMs (address: string): number {
    return this.#addresses.peek(address, this.#rate).waitMs
  }

  /**
   * Counts a try as a wrong password, until it is given back.
   * @returns milliseconds until the next one may be made; 0 where this one may, and `giveBack` is to be called unless the password was wrong
   */
  begin (address: string, username: string): number {
    const name = username.slice(0, MAX_NAME_LENGTH)
    const waitMs = Math.max(this.addressWaitMs(address), this.#names.peek(name, this.#rate).waitMs)
    if (waitMs > 0) return waitMs
    this.#addresses.take(address, this.#rate)
    this.#names.take(name, this.#rate)
    return 0
  }

  /** The try was no wrong password: it was right, or could not be looked at. */
  giveBack (address: string, username: string): void {
    this.#addresses.giveBack(address, this.#rate)
    this.#names.giveBack(username.slice(0, MAX_NAME_LENGTH), this.#rate)
  }
}
