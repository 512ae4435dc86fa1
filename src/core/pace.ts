/**
 * The rate of a thinned viewer. It gets the frame that is nearest to the time it is due, up to half a frame early:
 * the first one after that time would be uneven by a whole frame wherever frames come a little early or late.
 */
export class Pace {
  readonly #intervalMs: number
  #dueMs = -Infinity
  #thinnedSequence = 0

  /** @param maxFps pictures a second */
  constructor (maxFps: number) {
    this.#intervalMs = 1000 / maxFps
  }

  /** The newest picture that was left out; 0 for none. */
  get thinnedSequence (): number {
    return this.#thinnedSequence
  }

  /**
   * Whether it is too soon for the picture of this number, which then is left out.
   * @param halfIntervalMs half the time between two frames
   */
  isEarly (sequence: number, nowMs: number, halfIntervalMs: number): boolean {
    if (nowMs >= this.#dueMs - halfIntervalMs) return false
    this.#thinnedSequence = sequence
    return true
  }

  /** Notes that a picture was sent. Counting on from the last due time keeps the rate where frames arrive unevenly; after a pause it starts anew. */
  sent (nowMs: number): void {
    this.#dueMs = (nowMs - this.#dueMs < this.#intervalMs ? this.#dueMs : nowMs) + this.#intervalMs
  }
}
