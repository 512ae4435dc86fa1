import type { CameraSettings } from './camera.js'
import type { Connectivity, Connection, ConnectionChange } from './connectivity.js'
import type { EventRecorder, FrameOrder } from './event-recorder.js'
import type { FrameBuffer } from './frame-buffer.js'
import { isNamed, takenAtMs, type Frame } from './frame.js'
import type { LiveStream } from './live-stream.js'
import { RecentFrames, type Remembered } from './recent-frames.js'

/** What a camera is made of. */
export interface LiveCameraParts {
  readonly settings: CameraSettings
  readonly frames: FrameBuffer
  readonly liveStream: LiveStream
  readonly recorder: EventRecorder
  readonly connectivity: Connectivity
  /** When the newest frame was taken that is known from before the start; undefined for none. */
  readonly newestTakenAtMs: number | undefined
  /** Is told what went wrong with the picture: the frame is recorded all the same. */
  readonly onRelayError: (error: unknown) => void
  /** Makes the error for a key that came with another frame before. */
  readonly keyReused: () => Error
  /** Makes the error for a frame of a camera that is switched off or gone. */
  readonly switchedOff: () => Error
}

/** What is counted of a camera's frames since the start. */
export interface FrameCounts {
  /** Frames that came after a newer one. */
  late: number
  /** Frames that came again. */
  duplicate: number
  /** Frames that were refused. */
  refused: number
}

/** How a camera is: switched off by hand, or as its frames say. `delayed`: they come, but were taken long before. */
export type CameraState = Connection | 'delayed' | 'disabled'

const ON_TIME: FrameOrder = { isLate: false, clockSkewMs: null }

/** One camera with its newest frame, its viewers and its events. */
export class LiveCamera {
  readonly frames: FrameBuffer
  readonly liveStream: LiveStream
  readonly recorder: EventRecorder
  readonly counts: FrameCounts = { late: 0, duplicate: 0, refused: 0 }
  readonly #parts: LiveCameraParts
  readonly #recent = new RecentFrames()
  #settings: CameraSettings
  #newestTakenAtMs: number | undefined
  #clockSkewMs: number | null = null
  #isSuspended = false
  #isClosed = false

  constructor (parts: LiveCameraParts) {
    this.#parts = parts
    this.#settings = parts.settings
    this.frames = parts.frames
    this.liveStream = parts.liveStream
    this.recorder = parts.recorder
    this.#newestTakenAtMs = parts.newestTakenAtMs
    this.liveStream.pause(!parts.settings.enabled)
  }

  get id (): string {
    return this.#settings.cameraId
  }

  get settings (): CameraSettings {
    return this.#settings
  }

  /** When the newest frame was taken, in milliseconds since 1970; undefined where none is known. */
  get newestTakenAtMs (): number | undefined {
    return this.#newestTakenAtMs
  }

  /** How far the camera's clock is behind the server's, the time on the way included, in milliseconds; null where it is not known. */
  get clockSkewMs (): number | null {
    return this.#clockSkewMs
  }

  /** Whether the newest frame reports a spill, or an event is open: one that could not be stored is still a spill. */
  get spillReported (): boolean {
    return this.frames.newest?.spillReported === true || this.recorder.openEventId !== undefined
  }

  /** Whether it may send. */
  get isOn (): boolean {
    return this.#settings.enabled && !this.#isSuspended && !this.#isClosed
  }

  /** How it is at this moment on the clock that never jumps. */
  state (monotonicMs: number): CameraState {
    if (!this.#settings.enabled) return 'disabled'
    const { connectivity } = this.#parts
    const { newest } = this.frames
    const connection = connectivity.now(newest, monotonicMs)
    return connection === 'online' && newest !== undefined && delayOf(newest) >= connectivity.offlineAfterMs ? 'delayed' : connection
  }

  /** How old the newest frame is, in milliseconds: since it was taken, as far as its camera says when that was. */
  ageMs (monotonicMs: number): number | undefined {
    const { newest } = this.frames
    return newest === undefined ? undefined : delayOf(newest) + monotonicMs - newest.receivedAtMonotonicMs
  }

  /** Takes on settings that are stored. */
  change (settings: CameraSettings): void {
    this.#settings = settings
    this.liveStream.pause(!settings.enabled)
  }

  /** Says once that the camera fell silent, was switched off, or was heard again. To be called about once a second. */
  pollConnection (monotonicMs: number): ConnectionChange | undefined {
    const { connectivity } = this.#parts
    if (this.#isSuspended) return undefined
    return this.isOn ? connectivity.poll(this.frames.newest, monotonicMs) : connectivity.switchedOff(this.frames.newest)
  }

  /**
   * Takes a frame: it becomes the live picture at once, unless a newer one came before it, and what it means for the
   * history is stored. Undefined where nobody has to wait for that; otherwise settles when it is on disk, and rejects
   * where it cannot be: then the frame should be sent again. A named frame that comes again is taken once.
   * @throws the errors that it was made with
   */
  take (frame: Frame): Promise<void> | undefined {
    if (!this.isOn) throw this.#parts.switchedOff()
    if (!isNamed(frame)) return this.#accept(frame)
    const found = this.#recent.find(frame)
    const accept = (): Promise<void> | undefined => this.#accept(frame)
    return found === undefined ? this.#remember(frame, accept()) : this.#compare(frame, found.earlier, found.sameKey, accept)
  }

  /**
   * Takes a detection again that could not be stored. Its picture was shown in its time, and is not shown again. Settles
   * and rejects as `take`.
   */
  async takeAgain (frame: Frame): Promise<void> {
    if (!this.isOn) throw this.#parts.switchedOff()
    const isLate = frame.memory !== this.frames.newest?.memory
    const record = (): Promise<void> | undefined => this.recorder.record(frame, { isLate, clockSkewMs: this.#clockSkewMs })
    const found = isNamed(frame) ? this.#recent.find(frame) : undefined
    if (found !== undefined) await this.#compare(frame, found.earlier, found.sameKey, record)
    else await this.#remember(frame, record())
  }

  /** Takes no frames until `resume`. Settles when what it was recording is stored. */
  async suspend (): Promise<void> {
    this.#isSuspended = true
    await this.recorder.idle()
  }

  /** Takes frames again. */
  resume (): void {
    this.#isSuspended = false
  }

  /** Ends its viewers for good and takes no more frames. Settles when what it was recording is stored. */
  async close (): Promise<void> {
    this.#isClosed = true
    this.liveStream.close()
    await this.recorder.idle()
    this.recorder.close()
  }

  async #compare (frame: Frame, earlier: Remembered, sameKey: boolean, accept: () => Promise<void> | undefined): Promise<void> {
    const [sha256, earlierSha256] = await Promise.all([frame.memory.sha256(), earlier.sha256])
    if (sha256 === earlierSha256 && (earlier.spillReported || !frame.spillReported)) {
      this.counts.duplicate += 1
      await earlier.stored
      return
    }
    if (sameKey && sha256 !== earlierSha256) throw this.#parts.keyReused()
    await this.#remember(frame, accept()) // The camera began to count anew, or its detector has come to see a spill.
  }

  /** Has a frame that was accepted told from the same one sent again. */
  #remember (frame: Frame, stored: Promise<void> | undefined): Promise<void> | undefined {
    const remembered: Remembered = { sha256: frame.memory.sha256(), spillReported: frame.spillReported, stored }
    this.#recent.note(frame, remembered)
    stored?.catch(() => { this.#recent.forget(frame, remembered) })
    return stored
  }

  #accept (frame: Frame): Promise<void> | undefined {
    const order = this.#orderOf(frame)
    if (order.isLate) {
      this.counts.late += 1
      return this.recorder.record(frame, order)
    }
    this.#newestTakenAtMs = takenAtMs(frame)
    this.frames.publish(frame)
    try {
      this.liveStream.frameArrived()
    } catch (error) {
      this.#parts.onRelayError(error)
    }
    return this.recorder.record(frame, order)
  }

  /** A frame whose camera does not say when it took it was taken now. */
  #orderOf ({ capturedAtMs, receivedAtMs }: Frame): FrameOrder {
    if (capturedAtMs === undefined) return ON_TIME
    const isLate = this.#newestTakenAtMs !== undefined && capturedAtMs < this.#newestTakenAtMs
    // The delay of a frame that was kept for long says nothing of the clock.
    if (!isLate) this.#clockSkewMs = receivedAtMs - capturedAtMs
    return { isLate, clockSkewMs: this.#clockSkewMs }
  }
}

/** How long a frame was on its way, in milliseconds, as far as its camera says when it was taken. */
function delayOf (frame: Frame): number {
  return frame.receivedAtMs - takenAtMs(frame)
}
