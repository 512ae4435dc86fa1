import type { CameraFrame } from './frame.js'

/**
 * Room for one frame between a source that makes them and a detector that may be slower. A newer frame takes the place
 * of an older one, so that frames never queue up and the detector always gets the newest.
 */
export class FrameSlot {
  #frame: CameraFrame | undefined
  #wake: () => void = () => {}
  #skippedCount = 0
  readonly #signal: AbortSignal

  /** @param signal aborted when no more frames are wanted */
  constructor (signal: AbortSignal) {
    this.#signal = signal
    signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  /** How many frames were put here and never taken out. */
  get skippedCount (): number {
    return this.#skippedCount
  }

  /** Puts a frame in, in the place of the one that is there. */
  put (frame: CameraFrame): void {
    if (this.#frame !== undefined) {
      this.#skippedCount++
      this.#frame.done?.()
    }
    this.#frame = frame
    this.#wake()
  }

  /** Takes the frame out, waiting for one if there is none. Gives undefined once the signal is aborted. */
  async take (): Promise<CameraFrame | undefined> {
    if (this.#frame === undefined && !this.#signal.aborted) {
      await new Promise<void>(resolve => { this.#wake = resolve })
    }
    if (this.#signal.aborted) return undefined
    const frame = this.#frame
    this.#frame = undefined
    return frame
  }
}
