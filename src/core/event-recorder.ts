import type { ByteBudget } from './byte-budget.js'
import { ClearFrames } from './clear-frames.js'
import { ClipSelection, type ClipRole, type ClipSettings, type KeptFrame } from './clip.js'
import type { Clock } from './clock.js'
import { decide, decideSilence, resumeRun, withLateDetection, type Decision, type OpenRun, type Sighting } from './detection.js'
import type { OilSpillEvent } from './event.js'
import type { FrameRing } from './frame-ring.js'
import { isNamed, takenAtMs, type Frame } from './frame.js'
import { placeOf, type EventSpan, type LatePlace, type Reach } from './late-detection.js'

/** Where events and their evidence are kept for good. A promise that settles means: on disk and flushed. */
export interface EventStore {
  /**
   * Ends one event and opens another, whichever is given, as one change: both are stored or none. Where there is no room
   * for the opening frame, the event is stored with what is known, and says that its evidence is missing.
   */
  change (change: EventChange): Promise<OilSpillEvent | undefined>
  /** Keeps a detection that an open event goes on with, and its frame where it has a role in the clip. */
  noteDetection (eventId: number, detection: DetectedFrame, role?: ClipRole): Promise<void>
  /** Keeps a frame without a spill in the clip of an event. Nobody waits for it: what is lost of it is told by the store. */
  keepFrame (eventId: number, cameraId: string, kept: KeptFrame): void
  /**
   * Keeps the frame of a detection as the opening frame of an event that lacks one, and the detection with it where that
   * is not kept yet. Resolves with whether there was room for the frame; the detection is kept in any case.
   */
  keepEvidence (eventId: number, detection: DetectedFrame, isNew: boolean): Promise<boolean>
  /** The event of this camera that started last at or before a time, and the one that started first after it. */
  neighbours (cameraId: string, atMs: number): Promise<{ before: EventSpan | undefined, after: EventSpan | undefined }>
  /**
   * Keeps a detection that came late where it belongs: in an event, between two that become one, or in a new one that has
   * ended: at the first frame without a spill after it where one is known, else with it. Its frame is kept where it has a
   * role in the clip. Resolves with whether it is new. Rejects, for all that it has stored, where an event was opened and
   * there is no room for its frame.
   */
  keepLate (place: LatePlace, detection: DetectedFrame, role?: ClipRole): Promise<boolean>
  /** Keeps a detection with which an event goes on that had ended, and opens that again. Resolves with whether it is new. */
  reopen (event: EventSpan, detection: DetectedFrame): Promise<boolean>
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
  /** `before`: the frames before the opening one, oldest first, for the clip. */
  readonly opens?: DetectedFrame & { readonly clearBeforeMs: number | null, readonly before?: readonly Frame[] }
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
  /** Remembers frames for the clip of an event that may open. */
  readonly ring: FrameRing
  /** Which frames go into the clip of an event. */
  readonly clip: ClipSettings
  /** The event that was open when the server last stopped. */
  readonly resumed: OilSpillEvent | undefined
  /** What the frames of all cameras that wait for a slow disk may use. */
  readonly waiting: ByteBudget
  /** Makes the error for a frame that has to wait while too many bytes are waiting already. */
  readonly overloaded: () => Error
  /** Makes the error for a frame that there is no room for, though its event is stored. */
  readonly noRoom: () => Error
}

/**
 * Turns one camera's frames into events. Frames are taken strictly in their order: while one that opens or ends an
 * event waits for the disk, those behind it wait too, since what they mean hangs on whether it could be stored.
 * Where it could not, the state stays as it was and the next frame tries again. Where only the picture could not, for
 * want of room, the event is open, and each further frame that reports the spill is tried as its opening frame.
 *
 * Detections that come late do not touch the order of those that come in time: they are put where they belong by the
 * time at which they were taken. Late frames without a spill only tell where a run of late detections is broken.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions
  #run: OpenRun | undefined
  #eventId: number | undefined
  /** Whether the open event has no opening frame yet, since there was no room for it. */
  #lacksEvidence = false
  #newestClearMs: number | null = null
  readonly #clearFrames = new ClearFrames()
  readonly #selection: ClipSelection
  #last: Promise<void> | undefined
  #noting: Promise<unknown> | undefined

  constructor (options: EventRecorderOptions) {
    this.#options = options
    this.#selection = new ClipSelection(options.clip)
    if (options.resumed === undefined) return
    const { clock } = options
    this.#run = resumeRun(options.resumed, { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() })
    this.#eventId = options.resumed.id
    this.#lacksEvidence = options.resumed.evidenceState === 'missing'
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
    if (order.isLate && !frame.spillReported) {
      this.#clearFrames.note(takenAtMs(frame))
      return undefined
    }
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
    this.#options.ring.forgetIfSilent(this.#options.clock.monotonicMs())
    if (this.#last !== undefined || this.#run === undefined) return
    const decision = decideSilence(this.#run, this.#options.clock.monotonicMs(), this.#options.reach.gapMs)
    if (decision !== undefined) await this.#queue(() => this.#store(decision))
  }

  /** Forgets the frames that it remembers. For the end. */
  close (): void {
    this.#options.ring.clear()
  }

  /** Settles when nothing is being stored. */
  async idle (): Promise<void> {
    while (this.#last !== undefined || this.#noting !== undefined) await Promise.all([this.#last, this.#noting])
  }

  #take (frame: Frame, order: FrameOrder): Promise<void> | undefined {
    const { spillReported } = frame
    const sighting = { spillReported, atMs: takenAtMs(frame), captured: frame.capturedAtMs !== undefined, monotonicMs: frame.receivedAtMonotonicMs }
    const decision = decide(this.#run, sighting, this.#options.reach.gapMs)
    if (!spillReported) {
      this.#newestClearMs = sighting.atMs
      this.#clearFrames.note(sighting.atMs)
    }
    if (decision.opens || decision.endsAtMs !== undefined) {
      const detected = decision.opens ? this.#detected(frame, order) : undefined
      const store = async (): Promise<void> => {
        if (detected !== undefined) return await this.#open(decision, sighting, detected)
        await this.#store(decision)
        this.#keepClear(frame)
      }
      // The first of a queue starts at once; those that were queued are already running in their turn.
      return this.#last === undefined ? this.#queue(store) : store()
    }
    this.#run = decision.next
    if (decision.next === undefined || this.#eventId === undefined) {
      this.#keepClear(frame)
      return undefined
    }
    const role = this.#selection.during(frame)
    if (!spillReported) {
      this.#keepFrame(this.#eventId, frame, role)
      return undefined
    }
    const [eventId, detected] = [this.#eventId, this.#detected(frame, order)]
    if (!this.#lacksEvidence) return this.#note(eventId, detected, role)
    const keep = async (): Promise<void> => {
      await this.#keepEvidence(eventId, detected, true)
      this.#keepFrame(eventId, frame, role)
    }
    return this.#last === undefined ? this.#queue(keep) : keep()
  }

  #keepFrame (eventId: number, frame: Frame, role: ClipRole | undefined): void {
    if (role !== undefined) this.#options.store.keepFrame(eventId, this.#options.cameraId, { frame, role })
  }

  /** A frame that was taken while no event was open: it may follow the last one, and come before the next. */
  #keepClear (frame: Frame): void {
    const eventId = this.#selection.after(frame)
    if (eventId !== undefined) this.#keepFrame(eventId, frame, 'post')
    this.#options.ring.note(frame)
  }

  /** An event has opened, or goes on, with this frame: what was before it is in the clip, or in that of the event before. */
  #opened ({ frame }: DetectedFrame): void {
    this.#selection.opened(frame)
    this.#options.ring.clear()
  }

  /**
   * Opens an event, unless a detection that came late has lengthened the one before it so far that its gap has not
   * passed, or this one comes so late that the gap seemed to have: then that one goes on.
   */
  async #open (decision: Decision, sighting: Sighting, detected: DetectedFrame): Promise<void> {
    const { store, cameraId, reach } = this.#options
    if (reach.gapMs === 0 || !sighting.captured) return await this.#store(decision, detected)
    const { before } = await store.neighbours(cameraId, sighting.atMs)
    const isReached = before !== undefined && before.id !== this.#eventId && sighting.atMs - before.lastDetectedAtMs < reach.gapMs
    if (!isReached) return await this.#store(decision, detected)
    if (decision.endsAtMs !== undefined) await this.#store({ ...decision, opens: false, next: undefined })
    if (!await store.reopen(before, detected)) return
    this.#opened(detected)
    this.#run = decision.next === undefined ? undefined : { ...decision.next, startedAtMs: before.startedAtMs }
    this.#eventId = before.id
    this.#lacksEvidence = before.lacksEvidence
    if (before.lacksEvidence) await this.#keepEvidence(before.id, detected, false)
  }

  /** Nobody is told that all is well with an event until a picture of it is kept. */
  async #keepEvidence (eventId: number, detected: DetectedFrame, isNew: boolean): Promise<void> {
    if (!await this.#options.store.keepEvidence(eventId, detected, isNew)) throw this.#options.noRoom()
    if (eventId === this.#eventId) this.#lacksEvidence = false
  }

  /** Nobody waits for a frame without a name: its camera does not send it again. What is lost of it is told by the store. */
  #note (eventId: number, detected: DetectedFrame, role: ClipRole | undefined): Promise<void> | undefined {
    const noted = this.#options.store.noteDetection(eventId, detected, role)
    const noting = Promise.allSettled([this.#noting, noted]).then(() => { if (this.#noting === noting) this.#noting = undefined })
    this.#noting = noting
    if (isNamed(detected.frame)) return noted
    noted.catch(() => {})
    return undefined
  }

  #detected (frame: Frame, { clockSkewMs }: FrameOrder): DetectedFrame {
    return { cameraId: this.#options.cameraId, frame, clockSkewMs }
  }

  async #store (decision: Decision, opening?: DetectedFrame): Promise<void> {
    const before = opening === undefined ? [] : this.#options.ring.before(takenAtMs(opening.frame))
    const change: EventChange = {
      cameraId: this.#options.cameraId,
      ...(decision.endsAtMs !== undefined && this.#eventId !== undefined && {
        ends: { eventId: this.#eventId, endedAtMs: decision.endsAtMs, clearAfterMs: decision.clearedAtMs ?? null }
      }),
      ...(opening !== undefined && { opens: { ...opening, clearBeforeMs: this.#newestClearMs, before } })
    }
    let isWithoutPicture = false
    try {
      // What an event went on with belongs before its end: a detection that comes late after that is placed by it.
      await this.#noting
      const opened = await this.#options.store.change(change)
      this.#run = decision.next
      this.#eventId = opened?.id
      isWithoutPicture = opened?.evidenceState === 'missing'
      this.#lacksEvidence = isWithoutPicture
      if (change.ends !== undefined) this.#selection.ended(change.ends.eventId, change.ends.endedAtMs)
      if (opening !== undefined) this.#opened(opening)
    } catch (error) {
      this.#run = decision.otherwise
      if (!(error instanceof DuplicateDetection)) throw error
    }
    if (isWithoutPicture) throw this.#options.noRoom()
  }

  async #keepLate (detected: DetectedFrame): Promise<void> {
    const { store, cameraId, reach } = this.#options
    const atMs = takenAtMs(detected.frame)
    const { before, after } = await store.neighbours(cameraId, atMs)
    const place = placeOf(atMs, { before: this.#asOfNow(before), after: this.#asOfNow(after), clearTimesMs: this.#clearFrames.timesMs }, reach)
    const isNew = await store.keepLate(place, detected, this.#lateRole(place, detected.frame))
    if (place.kind === 'opens') return
    const event = place.kind === 'joins' ? place.event : place.first
    if (isNew && this.#run !== undefined) {
      if (place.kind === 'joins' && event.id === this.#eventId) this.#run = withLateDetection(this.#run, atMs)
      if (place.kind === 'bridges' && place.second.id === this.#eventId) {
        this.#eventId = event.id
        this.#lacksEvidence = event.lacksEvidence
        this.#run = withLateDetection(this.#run, event.startedAtMs)
      }
    }
    if (event.lacksEvidence && atMs >= event.startedAtMs) await this.#keepEvidence(event.id, detected, false)
  }

  #lateRole (place: LatePlace, frame: Frame): ClipRole | undefined {
    const isDue = this.#selection.late(frame)
    const isOpening = place.kind === 'opens' || (place.kind === 'joins' && takenAtMs(frame) < place.event.startedAtMs)
    if (isOpening) return 'opening'
    return isDue ? 'during' : undefined
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
