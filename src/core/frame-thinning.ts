/** How much before it is due a frame may be taken, as a part of the time between two: cameras do not keep exact time. */
const EARLY = 0.25

/**
 * Says which of a camera's frames are kept where fewer a second will do. It goes by the times at which they were taken,
 * so that it does not matter how they came. Counting on from the last due time keeps the rate where frames are taken
 * unevenly; after a pause it starts anew, and so it does where the clock was set back.
 */
export class FrameThinning {
  readonly #intervalMs: number
  #keptMs = Infinity
  #dueMs = -Infinity

  /** @param maxFps frames a second */
  constructor (maxFps: number) {
    this.#intervalMs = 1000 / maxFps
  }

  /** Whether a frame that was taken at this time is kept. */
  takes (takenAtMs: number): boolean {
    const isEarly = takenAtMs >= this.#keptMs && takenAtMs < this.#dueMs - EARLY * this.#intervalMs
    if (isEarly) return false
    const isOnTime = takenAtMs >= this.#keptMs && takenAtMs - this.#dueMs < this.#intervalMs
    this.#dueMs = (isOnTime ? this.#dueMs : takenAtMs) + this.#intervalMs
    this.#keptMs = takenAtMs
    return true
  }
}
