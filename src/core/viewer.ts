import type { StreamDialect } from './mjpeg.js'

/** The network side of a viewer. A socket behind it, or a test. */
export interface ViewerSink {
  /** Bytes that were written and that the network has not taken yet. */
  readonly pendingBytes: number
  /** Writes bytes; `taken` is called once the network has taken them, or has failed to. */
  write (bytes: Buffer, taken: () => void): void
  /** Writes the last bytes and closes when they are out. */
  end (bytes: Buffer): void
  /** Closes at once. */
  destroy (): void
}

/** One frame as viewers get it. */
export interface Picture {
  /** Grows by one a frame. */
  readonly sequence: number
  readonly bytes: Readonly<Record<StreamDialect, Buffer>>
}

/**
 * One open MJPEG response. It owns no queue: while the network has not taken the last picture, newer ones pass it by,
 * and then it gets the newest. So what a viewer can cost is one picture beyond its socket's buffer, whatever it does.
 */
export class Viewer {
  readonly #sink: ViewerSink
  readonly #dialect: StreamDialect
  readonly #intervalMs: number
  readonly #newest: () => Picture | undefined
  readonly #nowMs: () => number
  /** Made once: a closure for each write would be garbage for each frame and viewer. */
  readonly #taken = (): void => { this.offer() }
  #nextDueMs = -Infinity
  #sentSequence = 0
  #sentAtMs: number
  #endedAtMs: number | undefined

  /**
   * @param options.maxFps pictures a second at most, thinned evenly by time; undefined for all
   * @param options.newest the picture to show now
   * @param options.monotonicMs a clock that never jumps
   */
  constructor (options: {
    sink: ViewerSink
    dialect: StreamDialect
    maxFps: number | undefined
    newest: () => Picture | undefined
    monotonicMs: () => number
  }) {
    this.#sink = options.sink
    this.#dialect = options.dialect
    this.#intervalMs = options.maxFps === undefined ? 0 : 1000 / options.maxFps
    this.#newest = options.newest
    this.#nowMs = options.monotonicMs
    this.#sentAtMs = this.#nowMs()
  }

  /** Sends the newest picture where it is new to this viewer, due by its rate, and the network is ready for it. */
  offer (): void {
    const picture = this.#newest()
    if (picture === undefined || picture.sequence === this.#sentSequence || !this.#ready) return
    const nowMs = this.#nowMs()
    if (nowMs < this.#nextDueMs) return
    // Counting on from the last due time keeps the rate where frames arrive unevenly; after a pause it starts anew.
    const lateMs = nowMs - this.#nextDueMs
    this.#nextDueMs = (lateMs < this.#intervalMs ? this.#nextDueMs : nowMs) + this.#intervalMs
    this.#send(picture, nowMs)
  }

  /** Sends the picture once more where nothing was sent for this long, so that proxies keep the connection. */
  repeat (afterMs: number): void {
    const picture = this.#newest()
    const nowMs = this.#nowMs()
    if (picture === undefined || !this.#ready || nowMs - this.#sentAtMs < afterMs) return
    this.#send(picture, nowMs)
  }

  /** Ends the response with these bytes, when what was written before is out. Nothing is sent after them. */
  end (closing: Buffer): void {
    if (this.#endedAtMs !== undefined) return
    this.#endedAtMs = this.#nowMs()
    this.#sink.end(closing)
  }

  /** Cuts a viewer that was ended this long ago and has not taken what was on its way. */
  cutIfEnded (afterMs: number): void {
    if (this.#endedAtMs !== undefined && this.#nowMs() - this.#endedAtMs >= afterMs) this.#sink.destroy()
  }

  /** Ends the response at once. */
  destroy (): void {
    this.#sink.destroy()
  }

  get #ready (): boolean {
    return this.#endedAtMs === undefined && this.#sink.pendingBytes === 0
  }

  #send (picture: Picture, nowMs: number): void {
    this.#sentSequence = picture.sequence
    this.#sentAtMs = nowMs
    this.#sink.write(picture.bytes[this.#dialect], this.#taken)
  }
}
