import type { Clock } from './clock.js'
import { decide, decideSilence, resumeRun, type Decision, type OpenRun, type Sighting } from './detection.js'
import type { OilSpillEvent } from './event.js'
import type { Frame } from './frame.js'

/** Where events and their evidence are kept for good. A promise that settles means: on disk and flushed. */
export interface EventStore {
  /** Ends one event and opens another, whichever is given, as one change: both are stored or none. */
  change (change: EventChange): Promise<OilSpillEvent | undefined>
  /** Notes that the open event was still being reported. May be lost in a crash, so nobody waits for it. */
  noteDetection (eventId: number, detectedAtMs: number): void
}

/** An end, an opening, or both at once. */
export interface EventChange {
  readonly ends?: { readonly eventId: number, readonly endedAtMs: number }
  readonly opens?: { readonly cameraId: string, readonly frame: Frame }
}

export interface EventRecorderOptions {
  readonly cameraId: string
  readonly store: EventStore
  readonly clock: Clock
  /** How long a run may go without a detection, in milliseconds. */
  readonly gapMs: number
  /** The event that was open when the server last stopped. */
  readonly resumed: OilSpillEvent | undefined
  /** Makes the error for a frame that has to wait while too many bytes are waiting already. */
  readonly overloaded: () => Error
}

/** How often at most an open event's last detection is noted on disk. */
const NOTE_EVERY_MS = 1000

/** Frames that wait for a slow disk are held in memory up to this many bytes. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/**
 * Turns one camera's frames into events. Frames are taken strictly in their order: while one that opens or ends an
 * event waits for the disk, those behind it wait too, since what they mean hangs on whether it could be stored.
 * Where it could not, the state stays as it was and the next frame tries again.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  #run: OpenRun | undefined
  #eventId: number | undefined
  #notedMonotonicMs = -Infinity
  #notedAtMs = -Infinity
  #last: Promise<void> | undefined
  #waitingBytes = 0

  constructor (options: EventRecorderOptions) {
    this.#options = options
    if (options.resumed === undefined) return
    const { clock } = options
    this.#run = resumeRun(options.resumed, { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() })
    this.#eventId = options.resumed.id
    this.#notedAtMs = options.resumed.lastDetectedAtMs
  }

  /** Whether an event is open, as far as it is stored. */
  get eventOpen (): boolean {
    return this.#run !== undefined
  }

  /** When a spill was last reported, in milliseconds since 1970, while an event is open. */
  get lastDetectedAtMs (): number | undefined {
    return this.#run?.lastDetectedAtMs
  }

  /**
   * Takes one frame. Undefined where nothing has to be stored; otherwise a promise that settles when the event's
   * change is on disk. It rejects with the store's error, or with `overloaded()`: then the frame should be sent again.
   */
  record (frame: Frame): Promise<void> | undefined {
    if (this.#last === undefined) return this.#take(frame)
    const bytes = frame.memory.jpeg.length
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) return Promise.reject(this.#options.overloaded())
    this.#waitingBytes += bytes
    return this.#queue(async () => {
      this.#waitingBytes -= bytes
      await this.#take(frame)
    })
  }

  /** Ends the event whose gap has passed without any frame. To be called about once a second. */
  async checkSilence (): Promise<void> {
    if (this.#last !== undefined || this.#run === undefined) return
    const decision = decideSilence(this.#run, this.#options.clock.monotonicMs(), this.#options.gapMs)
    if (decision !== undefined) await this.#queue(() => this.#store(decision))
  }

  /** Settles when nothing is being stored. */
  async idle (): Promise<void> {
    while (this.#last !== undefined) await this.#last
  }

  /** Waits for what is being stored, and notes the open event's last detection to the millisecond. For an orderly end. */
  async close (): Promise<void> {
    await this.idle()
    this.#noteLastDetection()
  }

  #take (frame: Frame): Promise<void> | undefined {
    const sighting: Sighting = {
      spillReported: frame.spillReported,
      atMs: frame.receivedAtMs,
      monotonicMs: frame.receivedAtMonotonicMs
    }
    const decision = decide(this.#run, sighting, this.#options.gapMs)
    if (decision.opens || decision.endsAtMs !== undefined) return this.#enqueueStore(decision, frame)
    this.#run = decision.next
    if (frame.spillReported) this.#noteDetection(sighting)
    return undefined
  }

  /** The first of a queue starts at once; those that were queued are already running in their turn. */
  #enqueueStore (decision: Decision, frame: Frame): Promise<void> {
    return this.#last === undefined ? this.#queue(() => this.#store(decision, frame)) : this.#store(decision, frame)
  }

  async #store (decision: Decision, frame?: Frame): Promise<void> {
    const change: EventChange = {
      ...(decision.endsAtMs !== undefined && this.#eventId !== undefined && {
        ends: { eventId: this.#eventId, endedAtMs: decision.endsAtMs }
      }),
      ...(decision.opens && frame !== undefined && { opens: { cameraId: this.#options.cameraId, frame } })
    }
    if (change.ends !== undefined) this.#noteLastDetection()
    try {
      const opened = await this.#options.store.change(change)
      this.#run = decision.next
      this.#eventId = opened?.id
      this.#notedMonotonicMs = this.#options.clock.monotonicMs()
      this.#notedAtMs = opened?.lastDetectedAtMs ?? -Infinity
    } catch (error) {
      this.#run = decision.otherwise
      throw error
    }
  }

  #noteDetection (sighting: Sighting): void {
    if (sighting.monotonicMs - this.#notedMonotonicMs < NOTE_EVERY_MS) return
    this.#notedMonotonicMs = sighting.monotonicMs
    this.#noteLastDetection()
  }

  #noteLastDetection (): void {
    if (this.#run === undefined || this.#eventId === undefined || this.#run.lastDetectedAtMs <= this.#notedAtMs) return
    this.#notedAtMs = this.#run.lastDetectedAtMs
    this.#options.store.noteDetection(this.#eventId, this.#run.lastDetectedAtMs)
  }

  #queue (task: () => Promise<void>): Promise<void> {
    const turn = this.#last === undefined ? task() : this.#last.then(task)
    const leave = (): void => {
      if (this.#last === settled) this.#last = undefined
    }
    const settled = turn.then(leave, leave)
    this.#last = settled
    return turn
  }
}
