import { Readable } from 'node:stream'
import type { FrameMemory } from '../core/frame-memory.js'
import { CLOSING, encodePart, OPENINGS, type StreamDialect } from '../core/mjpeg.js'

/** No picture stands for longer than this, however long the camera was silent. Proxies give up after 30 to 60 seconds. */
const MAX_PAUSE_MS = 10_000

/** A frame that is still to be read. */
export interface UnreadFrame { readonly takenAtMs: number, read (): Promise<FrameMemory> }

/** Streams frames one at a time: the next is read when the client has taken the one before. A failure cuts the response. */
abstract class FrameStream extends Readable {
  readonly #frames: AsyncIterator<UnreadFrame>

  constructor (frames: AsyncIterator<UnreadFrame>) {
    super()
    this.#frames = frames
  }

  /** Pushes a frame, or what comes at the end where there is none. */
  protected abstract pushFrame (frame: UnreadFrame | undefined): Promise<void>

  override _read (): void {
    this.#next().catch((error: unknown) => { this.destroy(error instanceof Error ? error : new Error(String(error))) })
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    // The iterator holds nothing that would have to be waited for.
    Promise.resolve(this.#frames.return?.()).catch(() => {}).finally(() => { callback(error) })
  }

  async #next (): Promise<void> {
    const { done, value } = await this.#frames.next()
    await this.pushFrame(done === true ? undefined : value)
  }
}

/** The frames one behind the other, as they lie in the file. */
export class ClipDownload extends FrameStream {
  protected async pushFrame (frame: UnreadFrame | undefined): Promise<void> {
    this.push(frame === undefined ? null : (await frame.read()).jpeg)
  }
}

/** The frames at the pace at which they were taken, as an MJPEG stream that ends. */
export class ClipReplay extends FrameStream {
  readonly #dialect: StreamDialect
  readonly #speed: number
  readonly #monotonicMs: () => number
  #isOpened = false
  #shown: { readonly takenAtMs: number, readonly atMs: number } | undefined
  #timer: NodeJS.Timeout | undefined

  constructor (frames: AsyncIterator<UnreadFrame>, options: { dialect: StreamDialect, speed: number, monotonicMs: () => number }) {
    super(frames)
    this.#dialect = options.dialect
    this.#speed = options.speed
    this.#monotonicMs = options.monotonicMs
  }

  override _read (): void {
    if (this.#isOpened) return super._read()
    this.#isOpened = true
    this.push(OPENINGS[this.#dialect])
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    clearTimeout(this.#timer)
    super._destroy(error, callback)
  }

  protected async pushFrame (frame: UnreadFrame | undefined): Promise<void> {
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
