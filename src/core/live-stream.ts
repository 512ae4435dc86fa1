import type { Audience } from './audience.js'
import type { Clock } from './clock.js'
import type { FrameBuffer } from './frame-buffer.js'
import { CLOSING, encodePart } from './mjpeg.js'
import { Viewer, type Picture, type PictureSource, type ViewerFigures, type ViewerOptions, type ViewerSink } from './viewer.js'

export interface LiveStreamOptions {
  readonly clock: Clock
  /** Runs a function at the next turn of the event loop, after the I/O that is ready. */
  readonly defer: (task: () => void) => void
  /** The camera's newest frame. */
  readonly frames: FrameBuffer
  /** Whether somebody stopped the stream before the server last started. */
  readonly stopped: boolean
  /** The viewers of all cameras. */
  readonly audience: Audience
  /** Pictures a second that any viewer gets at most; undefined for all. */
  readonly maxFps: number | undefined
}

/** A viewer's place in the stream, for whoever owns its connection. */
export interface ViewerSeat {
  /** Frees the place. To be called when the viewer has gone, any number of times. */
  leave (): void
  /** To be called when the network was quiet for too long: lets go of the viewer, unless nothing is on its way to it. */
  letGoIfStalled (): void
}

/** One viewer, for people. */
export interface ViewerReport extends ViewerOptions, ViewerFigures {
  /** Milliseconds since 1970, UTC. */
  readonly connectedAtMs: number
}

/** All viewers since the start, those that are there and those that have gone. */
export interface StreamTotals extends ViewerFigures {
  readonly viewersServed: number
  /** Those that were let go because they took nothing. */
  readonly viewersStalled: number
  /** Those for whom there was no room. */
  readonly viewersRefused: number
}

/**
 * How long the fan-out may hold the event loop before it lets other work in. With 500 viewers a frame takes tens of
 * milliseconds to write; in one go it would hold up the next camera's upload (at 20 ms it does). Each turn of the event
 * loop between two slices costs too: 1 ms takes a tenth more CPU at 500 viewers than 6 ms, 3 ms half of that.
 */
const SLICE_MS = 3

/**
 * How long the first slice of a frame may hold up the acknowledgement of its upload. It serves some twenty viewers
 * at once, for which the frame would otherwise be late by all that the answer takes: a quarter of its way.
 */
const FIRST_SLICE_MS = 0.5

/** A viewer that was ended may take what is on its way for this long. */
const CUT_AFTER_MS = 2000

/**
 * The live picture of one camera: who watches it, and whether it may be watched. Each frame is encoded once, and only
 * if somebody watches. It is written to the viewers in slices, with a turn of the event loop between them, so that
 * neither the acknowledgement of the upload nor the next upload waits for all of them. Nobody waits in a queue: a slice
 * always writes the newest frame, and goes on where the last one ended, so that in an overload all viewers lose alike.
 */
export class LiveStream {
  readonly #options: LiveStreamOptions
  readonly #source: PictureSource
  /** In the order they are served; a place is freed by moving the last one there. */
  readonly #viewers: Viewer[] = []
  readonly #connectedAtMs = new Map<Viewer, number>()
  #departed: ViewerFigures = { framesSent: 0, framesSkipped: 0, bytesSent: 0 }
  #viewersServed = 0
  #viewersStalled = 0
  #viewersRefused = 0
  #started = false
  #stopped: boolean
  #closed = false
  #paused = false
  #picture: Picture | undefined
  #cursor = 0
  #remaining = 0
  #sliceDeferred = false
  readonly #nextSlice = (): void => { this.#serveSlice(SLICE_MS) }

  constructor (options: LiveStreamOptions) {
    this.#options = options
    this.#stopped = options.stopped
    this.#source = {
      get newestSequence () { return options.frames.framesReceived },
      offerNewest: viewer => { this.#offerNewest(viewer) }
    }
  }

  /** Whether the stream may be watched: it was started, by hand or by the first frame, and nobody stopped it since. */
  get active (): boolean {
    return this.#started && !this.#stopped && !this.#paused && !this.#closed
  }

  /** Says whether there is room for one more viewer, and counts one for whom there is none. */
  admit (): boolean {
    const { hasRoom } = this.#options.audience
    if (!hasRoom) this.#viewersRefused += 1
    return hasRoom
  }

  get viewerCount (): number {
    return this.#viewers.length
  }

  /** Every viewer that is there, longest first. */
  get viewers (): ViewerReport[] {
    return [...this.#connectedAtMs].map(([viewer, connectedAtMs]) => ({ ...viewer.options, ...viewer.figures, connectedAtMs }))
  }

  get totals (): StreamTotals {
    const figures = this.#viewers.reduce((sum, viewer) => added(sum, viewer.figures), this.#departed)
    return { ...figures, viewersServed: this.#viewersServed, viewersStalled: this.#viewersStalled, viewersRefused: this.#viewersRefused }
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

  /** As a stop, but lifted apart from it: while the camera is switched off there is nothing to watch. */
  pause (paused: boolean): void {
    this.#paused = paused
    if (paused) this.#endViewers()
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

  /**
   * To be called when there is a newer frame. Serves the first viewers at once, unless an older frame is still being
   * served: where uploads come faster than that, each would pay for a slice. The first frame starts the stream, unless
   * it was stopped.
   */
  frameArrived (): void {
    this.#started = true
    this.#remaining = this.#viewers.length
    if (!this.#sliceDeferred) this.#serveSlice(FIRST_SLICE_MS)
  }

  /** Adds a viewer and sends it the newest frame at once. */
  addViewer (sink: ViewerSink, options: ViewerOptions): ViewerSeat {
    const { clock } = this.#options
    const slowest = Math.min(options.maxFps ?? Infinity, this.#options.maxFps ?? Infinity)
    const viewer = new Viewer(sink, { ...options, maxFps: slowest === Infinity ? undefined : slowest }, this.#source, clock.monotonicMs())
    this.#viewers.push(viewer)
    this.#connectedAtMs.set(viewer, clock.nowMs())
    this.#viewersServed += 1
    this.#options.audience.joined()
    this.#restartRound()
    this.#offerNewest(viewer)
    return {
      leave: () => { this.#remove(viewer) },
      letGoIfStalled: () => { this.#letGo(viewer) }
    }
  }

  /** To be called about once a second: looks after viewers that no new frame reaches. In slices, as every round. */
  tick (): void {
    const nowMs = this.#options.clock.monotonicMs()
    for (const viewer of [...this.#viewers]) viewer.cutIfEnded(nowMs, CUT_AFTER_MS)
    this.#remaining = this.#viewers.length
    if (!this.#sliceDeferred) this.#serveSlice(SLICE_MS)
  }

  #endViewers (): void {
    const nowMs = this.#options.clock.monotonicMs()
    for (const viewer of [...this.#viewers]) viewer.end(CLOSING, nowMs)
  }

  #letGo (viewer: Viewer): void {
    if (!viewer.isBusy || !this.#connectedAtMs.has(viewer)) return
    this.#viewersStalled += 1
    viewer.destroy()
  }

  #remove (viewer: Viewer): void {
    if (!this.#connectedAtMs.delete(viewer)) return
    this.#options.audience.left()
    this.#departed = added(this.#departed, viewer.figures)
    const index = this.#viewers.indexOf(viewer)
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
    const { frames, clock } = this.#options
    const frame = frames.newest
    if (frame !== undefined && frame.sequence !== this.#picture?.sequence) {
      const fps = frames.inputFps(clock.monotonicMs())
      this.#picture = { sequence: frame.sequence, bytes: encodePart(frame), halfIntervalMs: fps === 0 ? 0 : 500 / fps }
    }
    return this.#picture
  }

  #offerNewest (viewer: Viewer): void {
    const picture = this.#newestPicture()
    if (picture !== undefined) viewer.offer(picture, this.#options.clock.monotonicMs())
  }

  #serveSlice (durationMs: number): void {
    this.#sliceDeferred = false
    const picture = this.#remaining > 0 ? this.#newestPicture() : undefined
    if (picture === undefined) return
    const { clock, defer } = this.#options
    let nowMs = clock.monotonicMs()
    const untilMs = nowMs + durationMs
    while (this.#remaining > 0 && nowMs < untilMs) {
      if (this.#cursor >= this.#viewers.length) this.#cursor = 0
      this.#viewers[this.#cursor]?.offer(picture, nowMs)
      this.#cursor += 1
      this.#remaining -= 1
      nowMs = clock.monotonicMs()
    }
    this.#sliceDeferred = this.#remaining > 0
    if (this.#sliceDeferred) defer(this.#nextSlice)
  }
}

function added (a: ViewerFigures, b: ViewerFigures): ViewerFigures {
  return {
    framesSent: a.framesSent + b.framesSent,
    framesSkipped: a.framesSkipped + b.framesSkipped,
    bytesSent: a.bytesSent + b.bytesSent
  }
}
