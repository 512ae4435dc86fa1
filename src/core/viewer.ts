import type { StreamDialect } from './mjpeg.js'
import { Pace } from './pace.js'

/** The network side of a viewer: what it uses of a `net.Socket`, which is one. */
export interface ViewerSink {
  /** Whether bytes may still be written: not after its end, and not when the client has gone. */
  readonly writable: boolean
  /** Bytes that were written and that the network has not taken yet. */
  readonly writableLength: number
  /** Bytes that were written since the connection was made. */
  readonly bytesWritten: number
  /** Writes bytes; `taken` is called once the network has taken them, or has failed to. */
  write (bytes: Buffer, taken: () => void): unknown
  /** Writes the last bytes and closes when they are out. */
  end (bytes: Buffer): unknown
  /** Closes at once. */
  destroy (): unknown
}

/** One frame as viewers get it. */
export interface Picture {
  /** Grows by one a frame. */
  readonly sequence: number
  readonly bytes: Readonly<Record<StreamDialect, Buffer>>
  /** Half the time between two frames of the camera, in milliseconds; 0 where it is not known. */
  readonly halfIntervalMs: number
}

/** Who watches, and how. */
export interface ViewerOptions {
  readonly dialect: StreamDialect
  /** Pictures a second at most, thinned evenly by time; undefined for all. */
  readonly maxFps: number | undefined
  /** The client's IP address. */
  readonly address: string
  readonly userAgent: string | undefined
}

/** What a viewer got so far. */
export interface ViewerFigures {
  readonly framesSent: number
  /** Frames that passed it by while it could not keep up. Those left out for its rate do not count. */
  readonly framesSkipped: number
  /** All bytes of its connection. */
  readonly bytesSent: number
}

/** A viewer that got nothing for this long gets the picture again. Proxies give up after 30 to 60 seconds. */
const REPEAT_AFTER_MS = 5000

/** Where viewers get their pictures. */
export interface PictureSource {
  /** The number of the newest frame; 0 before the first. */
  readonly newestSequence: number
  /** Offers it to a viewer that has become ready for it. */
  offerNewest (viewer: Viewer): void
}

/**
 * One open MJPEG response. It owns no queue: while the network has not taken the last picture, newer ones pass it by,
 * and then it gets the newest. So what a viewer can cost is one picture beyond its socket's buffer, whatever it does.
 *
 * A picture is on its way while the socket's `writableLength` is above 0. What `write()` of a socket returns says
 * nothing (it is false for everything above the high-water mark, taken or not), and `drain` does not come for pictures
 * below it; the callback of the write comes for all.
 *
 * A frame goes through here once for each viewer, and each time the copying of the frame before has pushed everything
 * out of the processor's caches. So a viewer holds little, in few objects: what is in none costs nothing to fetch again.
 */
export class Viewer {
  readonly options: ViewerOptions
  readonly #sink: ViewerSink
  readonly #taken: () => void
  readonly #pace: Pace | undefined
  /** The newest picture that was sent or was not to be. */
  #passedSequence: number
  #framesSent = 0
  #framesSkipped = 0
  #sentAtMs: number
  #endedAtMs: number | undefined

  /** @param nowMs on the clock that never jumps, as everywhere here */
  constructor (sink: ViewerSink, options: ViewerOptions, source: PictureSource, nowMs: number) {
    this.options = options
    this.#sink = sink
    this.#pace = options.maxFps === undefined ? undefined : new Pace(options.maxFps)
    this.#passedSequence = source.newestSequence - 1
    this.#sentAtMs = nowMs
    // Made once: a closure for each write would be garbage for each frame and viewer.
    this.#taken = () => { if (source.newestSequence !== this.#passedSequence) source.offerNewest(this) }
  }

  get figures (): ViewerFigures {
    return { framesSent: this.#framesSent, framesSkipped: this.#framesSkipped, bytesSent: this.#sink.bytesWritten }
  }

  /** Whether the network has not taken all that was written. */
  get isBusy (): boolean {
    return this.#sink.writableLength > 0
  }

  /**
   * Sends the newest picture where the network is ready for it and it is due: new to this viewer and not too soon for
   * its rate, or the last one again where nothing was sent for some seconds.
   */
  offer (picture: Picture, nowMs: number): void {
    if (picture.sequence === this.#passedSequence) {
      // Once more, so that proxies keep the connection.
      if (nowMs - this.#sentAtMs >= REPEAT_AFTER_MS && this.#isReady) this.#send(picture, nowMs)
      return
    }
    if (this.#pace?.isEarly(picture.sequence, nowMs, picture.halfIntervalMs) === true) return
    if (!this.#isReady) return
    this.#framesSkipped += picture.sequence - 1 - Math.max(this.#passedSequence, this.#pace?.thinnedSequence ?? 0)
    this.#passedSequence = picture.sequence
    this.#pace?.sent(nowMs)
    this.#send(picture, nowMs)
  }

  /** Ends the response with these bytes, when what was written before is out. Nothing is sent after them. */
  end (closing: Buffer, nowMs: number): void {
    if (this.#endedAtMs !== undefined) return
    this.#endedAtMs = nowMs
    this.#sink.end(closing)
  }

  /** Cuts a viewer that was ended this long ago and has not taken what was on its way. */
  cutIfEnded (nowMs: number, afterMs: number): void {
    if (this.#endedAtMs !== undefined && nowMs - this.#endedAtMs >= afterMs) this.#sink.destroy()
  }

  /** Ends the response at once. */
  destroy (): void {
    this.#sink.destroy()
  }

  get #isReady (): boolean {
    return this.#sink.writable && !this.isBusy
  }

  #send (picture: Picture, nowMs: number): void {
    this.#sentAtMs = nowMs
    this.#framesSent += 1
    this.#sink.write(picture.bytes[this.options.dialect], this.#taken)
  }
}
