import type { ByteBudget } from './byte-budget.js'
import { takenAtMs, type Frame } from './frame.js'
import { FrameThinning } from './frame-thinning.js'

/** A camera that sends nothing for this long has its frames forgotten: others need the memory. */
const FORGET_AFTER_MS = 60_000

/** How much is remembered of the time before an event. */
export interface FrameRingOptions {
  /** How far back. */
  readonly windowMs: number
  /** Frames a second. */
  readonly maxFps: number
  /** Bytes of one camera at most. */
  readonly maxBytes: number
  /** What all cameras together may use. */
  readonly shared: ByteBudget
}

/**
 * The newest frames of one camera that showed no spill, for the clip of an event that may open. It holds frames that are
 * in memory already and copies none. Where there is no room the oldest go first, and others' are left alone.
 */
export class FrameRing {
  readonly #options: FrameRingOptions
  /** Made at the first frame: a camera that never sends costs next to nothing. */
  #thinning: FrameThinning | undefined
  #frames: Frame[] = []
  #bytes = 0

  constructor (options: FrameRingOptions) {
    this.#options = options
  }

  /** Remembers a frame, unless there are enough of its time. To be called in the order in which they were taken. */
  note (frame: Frame): void {
    const { windowMs, maxFps, maxBytes, shared } = this.#options
    if (windowMs === 0) return
    this.#thinning ??= new FrameThinning(maxFps)
    const atMs = takenAtMs(frame)
    if (!this.#thinning.takes(atMs)) return
    this.#dropOlderThan(atMs - windowMs)
    const { length } = frame.memory.jpeg
    if (length > maxBytes) return
    while (this.#bytes + length > maxBytes) this.#dropOldest()
    while (!shared.take(length)) {
      if (this.#frames.length === 0) return
      this.#dropOldest()
    }
    this.#bytes += length
    this.#frames.push(frame)
  }

  /** Those that were taken within the window before a time, oldest first. */
  before (atMs: number): Frame[] {
    const fromMs = atMs - this.#options.windowMs
    return this.#frames.filter(frame => takenAtMs(frame) >= fromMs && takenAtMs(frame) <= atMs)
  }

  /** Forgets all. */
  clear (): void {
    this.#options.shared.give(this.#bytes)
    this.#bytes = 0
    this.#frames = []
    this.#thinning = undefined
  }

  /** Forgets all where no frame came for long. To be called about once a second. */
  forgetIfSilent (monotonicMs: number): void {
    const newest = this.#frames.at(-1)
    const afterMs = Math.max(FORGET_AFTER_MS, this.#options.windowMs)
    if (newest !== undefined && monotonicMs - newest.receivedAtMonotonicMs > afterMs) this.clear()
  }

  /** A clock that was set back leaves frames of the future: they go too, in their turn. */
  #dropOlderThan (fromMs: number): void {
    for (let oldest = this.#frames[0]; oldest !== undefined && takenAtMs(oldest) < fromMs; oldest = this.#frames[0]) this.#dropOldest()
  }

  #dropOldest (): void {
    const bytes = this.#frames.shift()?.memory.jpeg.length ?? 0
    this.#bytes -= bytes
    this.#options.shared.give(bytes)
  }
}
