import type { FrameMemory } from '../core/frame-memory.js'
import { CLOSING, encodePart, OPENINGS, type StreamDialect } from '../core/mjpeg.js'
import { PulledStream } from './pulled-stream.js'

/** No picture stands for longer than this, however long the camera was silent. Proxies give up after 30 to 60 seconds. */
const MAX_PAUSE_MS = 10_000

/** A frame that is still to be read. */
export interface UnreadFrame { readonly takenAtMs: number, read (): Promise<FrameMemory> }

/** The frames one behind the other, as they lie in the file. */
export class ClipDownload extends PulledStream<UnreadFrame> {
  protected async pushNext (): Promise<void> {
    const frame = await this.pull()
    this.push(frame === undefined ? null : (await frame.read()).jpeg)
  }
}

/** The frames at the pace at which they were taken, as an MJPEG stream that ends. */
export class ClipReplay extends PulledStream<UnreadFrame> {
  readonly #dialect: StreamDialect
  readonly #speed: number
  readonly #monotonicMs: () => number
  #isOpened = false
  #shown: { readonly takenAtMs: number, readonly atMs: number } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor (frames: AsyncIterator<UnreadFrame, void>, options: { dialect: StreamDialect, speed: number, monotonicMs: () => number }) {
    super(frames)
    this.#dialect = options.dialect
    this.#speed = options.speed
    this.#monotonicMs = options.monotonicMs
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    clearTimeout(this.#timer)
    super._destroy(error, callback)
  }

  protected async pushNext (): Promise<void> {
    if (!this.#isOpened) {
      this.#isOpened = true
      this.push(OPENINGS[this.#dialect])
      return
    }
    const frame = await this.pull()
    if (frame === undefined) {
      this.push(CLOSING)
      this.push(null)
      return
    }
    await this.#wait(frame)
    const memory = await frame.read()
    this.push(encodePart({ memory, receivedAtMs: frame.takenAtMs })[this.#dialect])
  }

  /** A client that takes frames slowly sees them late, and not faster after that. */
  async #wait ({ takenAtMs }: UnreadFrame): Promise<void> {
    const nowMs = this.#monotonicMs()
    const pauseMs = this.#shown === undefined ? 0 : Math.min((takenAtMs - this.#shown.takenAtMs) / this.#speed, MAX_PAUSE_MS)
    const dueMs = Math.max(nowMs, (this.#shown?.atMs ?? nowMs) + pauseMs)
    this.#shown = { takenAtMs, atMs: dueMs }
    await new Promise(resolve => { this.#timer = setTimeout(resolve, dueMs - nowMs) })
  }
}
