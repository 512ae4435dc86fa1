/** What a timer can tell apart. */
const SHORTEST_MS = 1

/**
 * Has long work rest in between, for a share of the time that it takes. Where all its pieces follow each other at once,
 * one of the processors is always busy with it, and what comes meanwhile, such as a frame, waits behind it.
 */
export class Rest {
  readonly #share: number
  readonly #sleep: (ms: number) => Promise<unknown>
  #owedMs = 0

  /** @param share how long it rests, in times of what the work takes */
  constructor (share: number, sleep: (ms: number) => Promise<unknown>) {
    this.#share = share
    this.#sleep = sleep
  }

  /** Rests as long as is owed for the pieces before, unless that is too short for a timer, then does the next piece. */
  async before<T> (piece: () => Promise<T>): Promise<T> {
    const restedFromMs = performance.now()
    if (this.#owedMs >= SHORTEST_MS) {
      await this.#sleep(this.#owedMs)
      // A timer is late, by a millisecond or by much: that is rest too.
      this.#owedMs -= performance.now() - restedFromMs
    }
    const beganMs = performance.now()
    const done = await piece()
    this.#owedMs += (performance.now() - beganMs) * this.#share
    return done
  }
}
