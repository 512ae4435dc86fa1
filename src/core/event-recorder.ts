import type { ByteBudget } from './byte-budget.js'
import type { Clock } from './clock.js'
import { decide, decideSilence, resumeRun, withLateDetection, type Decision, type OpenRun } from './detection.js'
import type { OilSpillEvent } from './event.js'
import { isNamed, takenAtMs, type Frame } from './frame.js'
import { placeOf, type EventSpan, type LatePlace, type Reach } from './late-detection.js'

/** Where events and their evidence are kept for good. A promise that settles means: on disk and flushed. */
export interface EventStore {
  /** Ends one event and opens another, whichever is given, as one change: both are stored or none. */
  change (change: EventChange): Promise<OilSpillEvent | undefined>
  /** Keeps a detection that an open event goes on with. */
  noteDetection (eventId: number, detection: DetectedFrame): Promise<void>
  /** The event of this camera that started last at or before a time, and the one that started first after it. */
  neighbours (cameraId: string, atMs: number): Promise<{ before: EventSpan | undefined, after: EventSpan | undefined }>
  /** Keeps a detection that came late where it belongs: in an event, between two that become one, or in a new one that has ended. */
  keepLate (place: LatePlace, detection: DetectedFrame): Promise<void>
}

/** Rejection of a store: the opening frame is in the history already, so that nothing has to change. */
export class DuplicateDetection extends Error {}

/** A frame that reports a spill, with all that its record needs. */
export interface DetectedFrame {
  readonly cameraId: string
  readonly frame: Frame
  readonly clockSkewMs: number | null
}

/** An end, an opening, or both at once. */
export interface EventChange {
  readonly cameraId: string
  readonly ends?: { readonly eventId: number, readonly endedAtMs: number, readonly clearAfterMs: number | null }
  readonly opens?: DetectedFrame & { readonly clearBeforeMs: number | null }
}

/** A frame's place among those of its camera. */
export interface FrameOrder {
  /** Whether a newer frame came before it. */
  readonly isLate: boolean
  /** How far the camera's clock is behind the server's, in milliseconds; null where it is not known. */
  readonly clockSkewMs: number | null
}

export interface EventRecorderOptions {
  readonly cameraId: string
  readonly store: EventStore
  readonly clock: Clock
  /** How far a run of detections reaches. */
  readonly reach: Reach
  /** The event that was open when the server last stopped. */
  readonly resumed: OilSpillEvent | undefined
  /** What the frames of all cameras that wait for a slow disk may use. */
  readonly waiting: ByteBudget
  /** Makes the error for a frame that has to wait while too many bytes are waiting already. */
  readonly overloaded: () => Error
}

/**
 * Turns one camera's frames into events. Frames are taken strictly in their order: while one that opens or ends an
 * event waits for the disk, those behind it wait too, since what they mean hangs on whether it could be stored.
 * Where it could not, the state stays as it was and the next frame tries again.
 *
 * Detections that come late do not touch the order of those that come in time: they are put where they belong by the
 * time at which they were taken. Late frames without a spill mean nothing here.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  #run: OpenRun | undefined
  #eventId: number | undefined
  #clearAtMs: number | null = null
  #last: Promise<void> | undefined

  constructor (options: EventRecorderOptions) {
    this.#options = options
    if (options.resumed === undefined) return
    const { clock } = options
    this.#run = resumeRun(options.resumed, { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() })
    this.#eventId = options.resumed.id
  }

  /** The event that is open, as far as it is stored. */
  get openEventId (): number | undefined {
    return this.#run === undefined ? undefined : this.#eventId
  }

  /** When a spill was last reported, in milliseconds since 1970, while an event is open. */
  get lastDetectedAtMs (): number | undefined {
    return this.#run?.lastDetectedAtMs
  }

  /**
   * Takes one frame. Undefined where nobody has to wait; otherwise a promise that settles when what the frame means is
   * on disk: that an event opened or ended, or a detection of a frame that its camera named, so that it could send it
   * again. It rejects with the store's error, or with `overloaded()`: then the frame should be sent again.
   */
  record (frame: Frame, order: FrameOrder): Promise<void> | undefined {
    if (order.isLate && !frame.spillReported) return undefined
    if (this.#last === undefined && !order.isLate) return this.#take(frame, order)
    const { waiting } = this.#options
    const bytes = frame.memory.jpeg.length
    if (!waiting.take(bytes)) return Promise.reject(this.#options.overloaded())
    return this.#queue(async () => {
      waiting.give(bytes)
      await (order.isLate ? this.#keepLate(this.#detected(frame, order)) : this.#take(frame, order))
    })
  }

  /** Ends the event whose gap has passed without any frame. To be called about once a second. */
  async checkSilence (): Promise<void> {
    if (this.#last !== undefined || this.#run === undefined) return
    const decision = decideSilence(this.#run, this.#options.clock.monotonicMs(), this.#options.reach.gapMs)
    if (decision !== undefined) await this.#queue(() => this.#store(decision))
  }

  /** Settles when nothing is being stored. */
  async idle (): Promise<void> {
    while (this.#last !== undefined) await this.#last
  }

  #take (frame: Frame, order: FrameOrder): Promise<void> | undefined {
    const sighting = { spillReported: frame.spillReported, atMs: takenAtMs(frame), monotonicMs: frame.receivedAtMonotonicMs }
    const decision = decide(this.#run, sighting, this.#options.reach.gapMs)
    if (!frame.spillReported) this.#clearAtMs = sighting.atMs
    if (decision.opens || decision.endsAtMs !== undefined) {
      const detected = decision.opens ? this.#detected(frame, order) : undefined
      // The first of a queue starts at once; those that were queued are already running in their turn.
      return this.#last === undefined ? this.#queue(() => this.#store(decision, detected)) : this.#store(decision, detected)
    }
    this.#run = decision.next
    return frame.spillReported && this.#eventId !== undefined ? this.#note(this.#eventId, this.#detected(frame, order)) : undefined
  }

  /** Nobody waits for a frame without a name: its camera does not send it again. What is lost of it is told by the store. */
  #note (eventId: number, detected: DetectedFrame): Promise<void> | undefined {
    const noted = this.#options.store.noteDetection(eventId, detected)
    if (isNamed(detected.frame)) return noted
    noted.catch(() => {})
    return undefined
  }

  #detected (frame: Frame, { clockSkewMs }: FrameOrder): DetectedFrame {
    return { cameraId: this.#options.cameraId, frame, clockSkewMs }
  }

  async #store (decision: Decision, opening?: DetectedFrame): Promise<void> {
    const change: EventChange = {
      cameraId: this.#options.cameraId,
      ...(decision.endsAtMs !== undefined && this.#eventId !== undefined && {
        ends: { eventId: this.#eventId, endedAtMs: decision.endsAtMs, clearAfterMs: decision.clearedAtMs ?? null }
      }),
      ...(opening !== undefined && { opens: { ...opening, clearBeforeMs: this.#clearAtMs } })
    }
    try {
      const opened = await this.#options.store.change(change)
      this.#run = decision.next
      this.#eventId = opened?.id
    } catch (error) {
      this.#run = decision.otherwise
      if (!(error instanceof DuplicateDetection)) throw error
    }
  }

  async #keepLate (detected: DetectedFrame): Promise<void> {
    const { store, cameraId, reach } = this.#options
    const atMs = takenAtMs(detected.frame)
    const { before, after } = await store.neighbours(cameraId, atMs)
    const place = placeOf(atMs, this.#asOfNow(before), this.#asOfNow(after), reach)
    await store.keepLate(place, detected)
    if (this.#run === undefined || place.kind === 'opens') return
    if (place.kind === 'joins') {
      if (place.event.id === this.#eventId) this.#run = withLateDetection(this.#run, atMs)
    } else if (place.second.id === this.#eventId) {
      this.#eventId = place.first.id
      this.#run = withLateDetection(this.#run, place.first.startedAtMs)
    }
  }

  /** What the history knows of the open event is up to a second old. */
  #asOfNow (span: EventSpan | undefined): EventSpan | undefined {
    if (span === undefined || this.#run === undefined || span.id !== this.#eventId) return span
    return { ...span, lastDetectedAtMs: this.#run.lastDetectedAtMs, clearAfterMs: this.#run.clearedAtMs ?? null }
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
