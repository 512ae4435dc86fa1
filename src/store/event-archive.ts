import { openingFrames, type ClipRole, type KeptFrame } from '../core/clip.js'
import { DuplicateDetection, type DetectedFrame, type EventChange, type EventStore } from '../core/event-recorder.js'
import type { Detection, Evidence, EvidenceState, OilSpillEvent } from '../core/event.js'
import { takenAtMs, type Frame } from '../core/frame.js'
import type { EventSpan, LatePlace } from '../core/late-detection.js'
import { IdempotencyKeyReused, StorageFull } from '../errors.js'
import type { ClipArchive } from './clip-archive.js'
import type { ClipAddition } from './clip-statements.js'
import { NoRoom, type DiskRoom } from './disk-room.js'
import { EventNotes } from './event-notes.js'
import type { EventEnd, LateJoin, NewEvent } from './event-queries.js'
import type { EventRepository } from './event-repository.js'
import type { Beside, EvidenceStore } from './evidence-store.js'
import { isUncertain } from './sql-thread.js'
import { errorCode, toStorageError } from './storage-errors.js'
import { UncertainEvidence } from './uncertain-evidence.js'

/** How storing went since the start. */
export interface StorageHealth {
  /** False from a failure until something is stored again, and while there is no room for evidence. */
  readonly ok: boolean
  /** Failures since the start. */
  readonly failures: number
  /** The code of the last failure, such as `ENOSPC`; null where there was none. */
  readonly lastError: string | null
}

/** What is told when an event has got an opening frame. */
export interface OpeningFrame { readonly eventId: number, readonly framePath: string, readonly jpeg: Buffer }

/**
 * Keeps events with their evidence: first the file, then the row, so that a row never lacks its file. What a crash in
 * between leaves is a file without a row, which the next start sets aside. Whatever cannot be stored rejects with
 * StorageFull or StorageUnavailable: then nothing was stored and the frame should be sent again. Where there is no room
 * for a frame, an event is stored without it.
 */
export class EventArchive implements EventStore {
  readonly #repository: EventRepository
  readonly #evidence: EvidenceStore
  readonly #room: Pick<DiskRoom, 'within' | 'isShort'>
  readonly #clips: ClipArchive
  readonly #onFailure: (error: unknown, cameraId: string) => void
  readonly #notes: EventNotes
  readonly #uncertain: UncertainEvidence
  readonly #openingListeners: Array<(opening: OpeningFrame) => void> = []
  #health: StorageHealth = { ok: true, failures: 0, lastError: null }

  /** @param onFailure is told of everything that could not be stored, with the error of SQLite or of the file system */
  constructor (
    repository: EventRepository, evidence: EvidenceStore, room: Pick<DiskRoom, 'within' | 'isShort'>, clips: ClipArchive,
    onFailure: (error: unknown, cameraId: string) => void
  ) {
    this.#repository = repository
    this.#evidence = evidence
    this.#room = room
    this.#clips = clips
    this.#onFailure = onFailure
    this.#uncertain = new UncertainEvidence(async paths => await repository.unclaimedPaths(paths), async each => { await evidence.discard(each) })
    this.#notes = new EventNotes(clips, async (detections, clipNotes, cameraId) =>
      await this.#told(cameraId, async () => await repository.addDetections(detections, clipNotes)))
  }

  /** Has the listener told after an event got an opening frame. */
  onOpening (listener: (opening: OpeningFrame) => void): void {
    this.#openingListeners.push(listener)
  }

  /** Counts a failure to keep frames in a clip. */
  noteFailure (error: unknown): void {
    this.#health = { ok: false, failures: this.#health.failures + 1, lastError: errorCode(error) }
  }

  get health (): StorageHealth {
    return this.#room.isShort ? { ...this.#health, ok: false, lastError: this.#health.lastError ?? 'ENOSPC' } : this.#health
  }

  /**
   * Stores an end, an opening or both.
   * @throws DuplicateDetection where the opening frame is kept already, IdempotencyKeyReused where its key is
   */
  async change ({ cameraId, ends, opens }: EventChange): Promise<OilSpillEvent | undefined> {
    return await this.#told(cameraId, async () => {
      // What the event went on with belongs before its end.
      if (ends !== undefined) await this.#notes.flush(ends.eventId)
      if (opens === undefined) return await this.#repository.change(ends, undefined)
      const { clearBeforeMs, before = [] } = opens
      try {
        return await this.#open(opens, before, { endedAtMs: null, clearBeforeMs, clearAfterMs: null }, ends)
      } catch (error) {
        if (errorCode(error) === 'DETECTION_KNOWN') await this.#keepKnown(opens)
        throw error
      }
    })
  }

  async keepEvidence (eventId: number, detected: DetectedFrame, isNew: boolean): Promise<boolean> {
    return await this.#told(detected.cameraId, async () => {
      const event = await this.#repository.get(eventId)
      if (event === undefined) return true // Gone with its camera: there is nothing to keep it for.
      return await this.#keepEvidenceOf(event, detected, isNew)
    })
  }

  /** A detection without a name is stored within about a second, and nobody waits for it. */
  async noteDetection (eventId: number, detected: DetectedFrame, role?: ClipRole): Promise<void> {
    await this.#notes.addDetection(eventId, detected.frame, role, toDetection(detected))
  }

  /** Stored within about a second, and nobody waits for it. */
  keepFrame (eventId: number, cameraId: string, kept: KeptFrame): void {
    this.#notes.addFrame(eventId, cameraId, kept)
  }

  async neighbours (cameraId: string, atMs: number): Promise<{ before: EventSpan | undefined, after: EventSpan | undefined }> {
    return await this.#told(cameraId, async () => await this.#repository.neighboursOf(cameraId, atMs))
  }

  async keepLate (place: LatePlace, detected: DetectedFrame, role?: ClipRole): Promise<boolean> {
    if (place.kind === 'opens') return await this.#told(detected.cameraId, async () => await this.#openLate(place, detected))
    const [event, mergedEventId] = place.kind === 'joins' ? [place.event, null] : [place.first, place.second.id]
    return await this.#join(event, detected, { mergedEventId, reopens: false }, role)
  }

  async reopen (event: EventSpan, detected: DetectedFrame): Promise<boolean> {
    return await this.#join(event, detected, { mergedEventId: null, reopens: true }, 'during')
  }

  /** Stores what was gathered, for an orderly end. */
  async close (): Promise<void> {
    await this.#notes.close()
  }

  /** An event that was over before the server heard of it. */
  async #openLate (place: Extract<LatePlace, { kind: 'opens' }>, detected: DetectedFrame): Promise<boolean> {
    const { clearBeforeMs, clearAfterMs } = place
    try {
      const event = await this.#open(detected, [], { endedAtMs: clearAfterMs ?? takenAtMs(detected.frame), clearBeforeMs, clearAfterMs })
      if (event?.evidenceState === 'missing') throw new StorageFull()
      return true
    } catch (error) {
      if (errorCode(error) !== 'DETECTION_KNOWN') throw error
      return false
    }
  }

  /** Stores an event with its opening frame and the first frames of its clip. */
  async #open (
    detected: DetectedFrame, before: readonly Frame[], span: Pick<NewEvent, 'endedAtMs' | 'clearBeforeMs' | 'clearAfterMs'>, ends?: EventEnd
  ): Promise<OilSpillEvent | undefined> {
    const { cameraId, frame } = detected
    const opening = openingFrames(before, frame, this.#clips.maxBytes)
    let clip: ClipAddition | undefined
    const beside: Beside = {
      write: async framePath => { clip = await this.#clips.begin(framePath, cameraId, opening) },
      undo: async () => {
        if (clip !== undefined) await this.#clips.discard(clip)
        clip = undefined
      }
    }
    try {
      const event = await this.#withEvidenceIfRoom(detected, async (detection, evidence, evidenceState) => {
        const event = { cameraId, startedAtMs: detection.takenAtMs, ...span, evidence, evidenceState, detection }
        return await this.#repository.change(ends, clip === undefined ? event : { ...event, clip })
      }, beside)
      if (event !== undefined && clip !== undefined) this.#clips.begun(event.id, clip)
      if (event?.evidenceState === 'kept') this.#tellOpening(event.id, event.evidence, frame)
      return event
    } catch (error) {
      // Where no answer came the rows may be there, and they must not lose their file.
      if (!isUncertain(error)) await beside.undo()
      throw error
    }
  }

  #tellOpening (eventId: number, { framePath }: Evidence, frame: Frame): void {
    for (const listener of this.#openingListeners) listener({ eventId, framePath, jpeg: frame.memory.jpeg })
  }

  /** The frame is in the clip before the camera is answered, unless that fails: its hash is kept all the same. */
  async #join (event: EventSpan, detected: DetectedFrame, change: Pick<LateJoin, 'mergedEventId' | 'reopens'>, role: ClipRole | undefined): Promise<boolean> {
    const { cameraId, frame } = detected
    // What both events went on with goes into the clip of each, before it is one.
    if (change.mergedEventId !== null) await Promise.all([event.id, change.mergedEventId].map(async id => { await this.#notes.flush(id) }))
    const isNew = await this.#told(cameraId, async () => await this.#storeJoin(event, detected, change))
    if (isNew && change.mergedEventId !== null) this.#clips.merged(change.mergedEventId, event.id)
    if (isNew && role !== undefined) await this.#notes.addFrameNow(event.id, cameraId, { frame, role })
    return isNew
  }

  async #storeJoin ({ id, startedAtMs }: EventSpan, detected: DetectedFrame, change: Pick<LateJoin, 'mergedEventId' | 'reopens'>): Promise<boolean> {
    if (takenAtMs(detected.frame) >= startedAtMs) {
      return await this.#repository.join({ eventId: id, ...change, detection: await toDetection(detected), evidence: null })
    }
    return await this.#withEvidence(detected, async (detection, evidence) => {
      const isNew = await this.#repository.join({ eventId: id, ...change, detection, evidence })
      if (isNew) this.#tellOpening(id, evidence, detected.frame)
      else await this.#evidence.discard(evidence)
      return isNew
    })
  }

  /** A frame that is sent again since there was no room for it: its event may have ended meanwhile. */
  async #keepKnown (detected: DetectedFrame): Promise<void> {
    const event = await this.#repository.lackingEvidence(await toDetection(detected))
    if (event !== undefined && !await this.#keepEvidenceOf(event, detected, false)) throw new StorageFull()
  }

  /** Where there is no room, the camera is asked to send again, and the detection is kept all the same. */
  async #keepEvidenceOf ({ id, evidence: { framePath } }: OilSpillEvent, detected: DetectedFrame, isNew: boolean): Promise<boolean> {
    try {
      await this.#withEvidence(detected, async (detection, evidence) => {
        if (await this.#repository.keepEvidence(id, detection, evidence, isNew)) this.#tellOpening(id, evidence, detected.frame)
        else await this.#evidence.discard(evidence)
      }, { ownPath: framePath })
      return true
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error
      this.#failed(error, detected.cameraId)
      if (isNew) await this.#repository.addDetections([{ eventId: id, detection: await toDetection(detected) }])
      return false
    }
  }

  /** As `#withEvidence`, but where there is no room for the frame, what goes with it is stored without. */
  async #withEvidenceIfRoom<T> (
    detected: DetectedFrame, store: (detection: Detection, evidence: Evidence, state: EvidenceState) => Promise<T>, beside: Beside
  ): Promise<T> {
    try {
      return await this.#withEvidence(detected, async (detection, evidence) => await store(detection, evidence, 'kept'), { beside })
    } catch (error) {
      if (!(error instanceof NoRoom)) throw error
      this.#failed(error, detected.cameraId)
      const detection = await toDetection(detected)
      return await this.#evidence.withoutFile(detected.frame, async evidence => await store(detection, evidence, 'missing'))
    }
  }

  /** Saves the frame, then whatever goes with it; where that fails, the frame goes too. */
  async #withEvidence<T> (
    detected: DetectedFrame, store: (detection: Detection, evidence: Evidence) => Promise<T>,
    { ownPath, beside }: { ownPath?: string, beside?: Beside } = {}
  ): Promise<T> {
    const detection = await toDetection(detected)
    const evidence = await this.#room.within(detection.sizeBytes, async () => await this.#evidence.save(detected.frame, ownPath, beside))
    try {
      const stored = await store(detection, evidence)
      if (stored !== false) void this.#uncertain.settle()
      return stored
    } catch (error) {
      // The row may be there all the same, and it must not lose its file.
      if (isUncertain(error)) await this.#uncertain.hold(evidence)
      else await this.#evidence.discard(evidence)
      throw error
    }
  }

  /** Keeps the account of how storing goes, and says it in the words of the catalogue. */
  async #told<T> (cameraId: string, store: () => Promise<T>): Promise<T> {
    try {
      const result = await store()
      if (!this.#health.ok) this.#health = { ...this.#health, ok: true }
      return result
    } catch (error) {
      switch (errorCode(error)) {
        case 'DETECTION_KNOWN': throw new DuplicateDetection()
        case 'IDEMPOTENCY_KEY_REUSED': throw new IdempotencyKeyReused()
      }
      if (error instanceof StorageFull) throw error // told already
      this.#failed(error, cameraId)
      throw toStorageError(error)
    }
  }

  #failed (error: unknown, cameraId: string): void {
    this.noteFailure(error)
    this.#onFailure(error, cameraId)
  }
}

async function toDetection ({ cameraId, frame, clockSkewMs }: DetectedFrame): Promise<Detection> {
  return {
    cameraId,
    takenAtMs: takenAtMs(frame),
    capturedAtMs: frame.capturedAtMs ?? null,
    receivedAtMs: frame.receivedAtMs,
    clockSkewMs,
    frameSequence: frame.frameSequence ?? null,
    idempotencyKey: frame.idempotencyKey ?? null,
    sha256: await frame.memory.sha256(),
    sizeBytes: frame.memory.jpeg.length,
    width: frame.width,
    height: frame.height,
    details: frame.details
  }
}
