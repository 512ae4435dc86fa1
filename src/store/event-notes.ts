import { ByteBudget } from '../core/byte-budget.js'
import type { ClipRole, KeptFrame } from '../core/clip.js'
import type { Detection } from '../core/event.js'
import { isNamed, type Frame } from '../core/frame.js'
import { IdempotencyKeyReused } from '../errors.js'
import type { ClipArchive, ClipFrames } from './clip-archive.js'
import type { ClipAddition } from './clip-statements.js'
import { NoteBatch, type DetectionNote, type EventNote } from './note-batch.js'
import type { ClipNote } from './event-queries.js'

/** Frames that wait to be written to clips are held in memory up to this many bytes, those of all cameras together. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** Stores detections and frames of clips as one change. Resolves with the places of the detections whose key came with another frame. */
export type StoreNotes = (detections: readonly DetectionNote[], clips: readonly ClipNote[], cameraId: string) => Promise<number[]>

/**
 * What events go on with: detections, and frames for their clips. The bytes of the clips are on disk before the index
 * and the detections are stored, in one change for all events together.
 */
export class EventNotes {
  readonly #clips: ClipArchive
  readonly #store: StoreNotes
  readonly #batch: NoteBatch
  readonly #waiting = new ByteBudget(MAX_WAITING_BYTES)

  constructor (clips: ClipArchive, store: StoreNotes) {
    this.#clips = clips
    this.#store = store
    this.#batch = new NoteBatch(async notes => await this.#storeNotes(notes))
  }

  /** Keeps a detection, and its frame where it has a role. Settles at once, unless its camera named the frame: then when it is on disk. */
  async addDetection (eventId: number, frame: Frame, role: ClipRole | undefined, detection: Promise<Detection>): Promise<void> {
    const held = this.#held(eventId, role === undefined ? undefined : { frame, role })
    const note = detection.then(told => ({ eventId, cameraId: told.cameraId, detection: told, ...held }))
    if (isNamed(frame)) await this.#batch.addNow(eventId, note)
    else this.#batch.add(eventId, note)
  }

  /** Keeps a frame in a clip within about a second. */
  addFrame (eventId: number, cameraId: string, kept: KeptFrame): void {
    const held = this.#held(eventId, kept)
    if (held.kept !== undefined) this.#batch.add(eventId, Promise.resolve({ eventId, cameraId, detection: undefined, ...held }))
  }

  /** Keeps a frame in a clip. Settles when it is on disk, or cannot be. */
  async addFrameNow (eventId: number, cameraId: string, kept: KeptFrame): Promise<void> {
    const held = this.#held(eventId, kept)
    if (held.kept !== undefined) await this.#batch.addNow(eventId, Promise.resolve({ eventId, cameraId, detection: undefined, ...held })).catch(() => {})
  }

  /** Stores what was gathered of one event. Never rejects: what is not stored waits for the next time. */
  async flush (eventId: number): Promise<void> {
    await this.#batch.flushEvent(eventId)
  }

  /** Stores what was gathered, and tries no more after that. */
  async close (): Promise<void> {
    await this.#batch.close()
  }

  /** Counts the bytes of a frame until it is stored. Where too many wait it is left out of the clip. */
  #held (eventId: number, kept: KeptFrame | undefined): Pick<EventNote, 'kept' | 'done'> {
    if (kept === undefined) return { kept }
    const bytes = kept.frame.memory.jpeg.length
    if (this.#waiting.take(bytes)) return { kept, done: () => { this.#waiting.give(bytes) } }
    this.#clips.leftOut(eventId)
    return { kept: undefined }
  }

  async #storeNotes (notes: readonly EventNote[]): Promise<ReadonlyMap<EventNote, Error>> {
    const clips = await this.#write(notes)
    const detections = notes.flatMap(note => note.detection === undefined ? [] : [{ note, told: { eventId: note.eventId, detection: note.detection } }])
    if (detections.length === 0 && clips.length === 0) return new Map()
    try {
      const reused = await this.#store(detections.map(({ told }) => told), clips, notes[0]?.cameraId ?? '')
      for (const { eventId, clip } of clips) this.#clips.stored(eventId, clip)
      return new Map(detections.flatMap(({ note }, at) => reused.includes(at) ? [[note, new IdempotencyKeyReused()]] : []))
    } catch (error) {
      for (const { eventId, clip } of clips) this.#clips.unstored(eventId, clip)
      throw error
    }
  }

  async #write (notes: readonly EventNote[]): Promise<ClipNote[]> {
    const written = await Promise.all([...framesByEvent(notes)].map(async ([eventId, frames]): Promise<[number, ClipAddition | undefined]> =>
      [eventId, await this.#clips.append(frames)]))
    return written.flatMap(([eventId, clip]) => clip === undefined ? [] : [{ eventId, clip }])
  }
}

/** The frames that are kept of each event, in their order. */
function framesByEvent (notes: readonly EventNote[]): Map<number, ClipFrames> {
  const byEvent = new Map<number, ClipFrames>()
  for (const { eventId, cameraId, kept } of notes) {
    if (kept !== undefined) byEvent.set(eventId, { eventId, cameraId, frames: [...byEvent.get(eventId)?.frames ?? [], kept] })
  }
  return byEvent
}
