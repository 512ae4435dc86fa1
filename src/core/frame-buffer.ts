import type { Frame } from './frame.js'

/** A frame that was published, with its number in this camera's run of frames since the start. */
export interface PublishedFrame extends Frame {
  readonly sequence: number
}

/** The input rate is measured over this long. */
const RATE_WINDOW_MS = 5000

/** Arrivals kept to measure the rate: enough for the window at 60 fps, and bounded at any rate. */
const MAX_ARRIVALS = 300

/** Holds the newest frame of one camera and measures how fast frames come in. Older frames are not kept. */
export class FrameBuffer {
  #newest: PublishedFrame | undefined
  #received = 0
  /** Made at the first frame: a camera that never sends costs next to nothing. */
  #arrivals: Float64Array | undefined

  /** The newest frame, or undefined before the first. */
  get newest (): PublishedFrame | undefined {
    return this.#newest
  }

  /** Frames published since the start. */
  get framesReceived (): number {
    return this.#received
  }

  /** Makes this frame the newest. */
  publish (frame: Frame): PublishedFrame {
    this.#arrivals ??= new Float64Array(MAX_ARRIVALS)
    this.#arrivals[this.#received % MAX_ARRIVALS] = frame.receivedAtMonotonicMs
    this.#received += 1
    this.#newest = { ...frame, sequence: this.#received }
    return this.#newest
  }

  /** Frames a second over the last five seconds, to one decimal; 0 when none came. */
  inputFps (nowMonotonicMs: number): number {
    const kept = Math.min(this.#received, MAX_ARRIVALS)
    let oldestMs = nowMonotonicMs
    let count = 0
    for (; count < kept; count += 1) {
      const arrivalMs = this.#arrivals?.[(this.#received - 1 - count) % MAX_ARRIVALS]
      if (arrivalMs === undefined || nowMonotonicMs - arrivalMs > RATE_WINDOW_MS) break
      oldestMs = arrivalMs
    }
    // The intervals between n frames are n - 1; one alone says nothing of a rate.
    if (count < 2) return 0
    const spanMs = Math.max(nowMonotonicMs - oldestMs, 1)
    return Math.round((count - 1) * 10_000 / spanMs) / 10
  }
}

/** The frame buffers of all cameras, by camera id. */
export class FrameBuffers {
  readonly #buffers = new Map<string, FrameBuffer>()

  /** The buffer of this camera, made where there is none. */
  of (cameraId: string): FrameBuffer {
    const buffer = this.#buffers.get(cameraId) ?? new FrameBuffer()
    this.#buffers.set(cameraId, buffer)
    return buffer
  }

  /** Lets go of a camera's newest frame. */
  drop (cameraId: string): void {
    this.#buffers.delete(cameraId)
  }
}
