import type { Clock } from './clock.js'
import type { PublishedFrame } from './frame-buffer.js'
import { CLOSING, encodePart, type StreamDialect } from './mjpeg.js'
import { Viewer, type Picture, type ViewerSink } from './viewer.js'

export interface LiveStreamOptions {
  readonly clock: Clock
  /** Runs a function at the next turn of the event loop, after the I/O that is ready. */
  readonly defer: (task: () => void) => void
  /** The camera's newest frame. */
  readonly newest: () => PublishedFrame | undefined
  /** Whether somebody stopped the stream before the server last started. */
  readonly stopped: boolean
}

/**
 * How long the fan-out may hold the event loop before it lets other work in. With 500 viewers a frame takes tens of
 * milliseconds to write; in one go it would hold up the next camera's upload. 0.5 to 3 ms are alike, 20 ms are not.
 */
const SLICE_MS = 1

/** A viewer that got nothing for this long gets the picture again. Proxies give up after 30 to 60 seconds. */
const REPEAT_AFTER_MS = 5000

/** A viewer that was ended may take what is on its way for this long. */
const CUT_AFTER_MS = 2000

/**
 * The live picture of one camera: who watches it, and whether it may be watched. Each frame is encoded once, and only
 * if somebody watches. Publishing only notes that there is a newer frame; it is written to the viewers in slices from
 * later turns of the event loop, so that the upload is acknowledged first.
 */
export class LiveStream {
  readonly #options: LiveStreamOptions
  /** In the order they are served; a place is freed by moving the last one there. */
  readonly #viewers: Viewer[] = []
  #started = false
  #stopped: boolean
  #closed = false
  #picture: Picture | undefined
  #cursor = 0
  #remaining = 0
  #sliceDeferred = false

  constructor (options: LiveStreamOptions) {
    this.#options = options
    this.#stopped = options.stopped
  }

  /** Whether the stream may be watched: it was started, by hand or by the first frame, and nobody stopped it since. */
  get active (): boolean {
    return this.#started && !this.#stopped && !this.#closed
  }

  get viewerCount (): number {
    return this.#viewers.length
  }

  /** Lets people watch from now on, until a stop. */
  start (): void {
    this.#started = true
    this.#stopped = false
  }

  /** Ends all viewers and keeps new ones out until a start. */
  stop (): void {
    this.#stopped = true
    this.#endViewers()
  }

  /** Ends all viewers for good: nothing can be watched any more. */
  close (): void {
    this.#closed = true
    this.#endViewers()
  }

  /** Cuts every viewer that is still connected. */
  destroyViewers (): void {
    for (const viewer of [...this.#viewers]) viewer.destroy()
  }

  /** Notes that there is a newer frame. The first one starts the stream, unless it was stopped. */
  frameArrived (): void {
    this.#started = true
    this.#remaining = this.#viewers.length
    if (this.#remaining > 0) this.#deferSlice()
  }

  /**
   * Adds a viewer and sends it the newest frame at once.
   * @returns takes the viewer off again; to be called when it has gone, any number of times
   */
  addViewer (sink: ViewerSink, options: { dialect: StreamDialect, maxFps: number | undefined }): () => void {
    const { clock } = this.#options
    const viewer = new Viewer({
      ...options,
      sink,
      newest: () => this.#newestPicture(),
      monotonicMs: () => clock.monotonicMs()
    })
    this.#viewers.push(viewer)
    this.#restartRound()
    viewer.offer()
    return () => { this.#remove(viewer) }
  }

  /** To be called about once a second: serves viewers that no new frame reached, and repeats the picture to idle ones. */
  tick (): void {
    for (const viewer of [...this.#viewers]) {
      viewer.offer()
      viewer.repeat(REPEAT_AFTER_MS)
      viewer.cutIfEnded(CUT_AFTER_MS)
    }
  }

  #endViewers (): void {
    for (const viewer of [...this.#viewers]) viewer.end(CLOSING)
  }

  #remove (viewer: Viewer): void {
    const index = this.#viewers.indexOf(viewer)
    if (index === -1) return
    const last = this.#viewers.pop()
    if (last !== undefined && last !== viewer) this.#viewers[index] = last
    this.#restartRound()
    if (this.#viewers.length === 0) this.#picture = undefined
  }

  /**
   * Where viewers come, leave and change places in mid-round, one may stand where its turn is over: all are asked once
   * more, which costs nothing to those that were served.
   */
  #restartRound (): void {
    if (this.#remaining > 0) this.#remaining = this.#viewers.length
  }

  #newestPicture (): Picture | undefined {
    const frame = this.#options.newest()
    if (frame !== undefined && frame.sequence !== this.#picture?.sequence) {
      this.#picture = { sequence: frame.sequence, bytes: encodePart(frame) }
    }
    return this.#picture
  }

  #deferSlice (): void {
    if (this.#sliceDeferred) return
    this.#sliceDeferred = true
    this.#options.defer(() => {
      this.#sliceDeferred = false
      this.#serveSlice()
    })
  }

  /** Goes on where the last slice ended, so that in an overload all viewers lose alike. */
  #serveSlice (): void {
    const { clock } = this.#options
    const untilMs = clock.monotonicMs() + SLICE_MS
    while (this.#remaining > 0) {
      if (this.#cursor >= this.#viewers.length) this.#cursor = 0
      this.#viewers[this.#cursor]?.offer()
      this.#cursor += 1
      this.#remaining -= 1
      if (this.#remaining > 0 && clock.monotonicMs() >= untilMs) {
        this.#deferSlice()
        return
      }
    }
  }
}
