import type { KeptFrame } from '../core/clip.js'
import type { Detection } from '../core/event.js'

/** A detection that an open event goes on with. */
export interface DetectionNote { readonly eventId: number, readonly detection: Detection }

/** What an event goes on with: a detection, a frame for its clip, or both of one frame. */
export interface EventNote {
  readonly eventId: number
  readonly cameraId: string
  readonly detection: Detection | undefined
  readonly kept: KeptFrame | undefined
  /** To be called when nothing holds on to the frame any more. */
  readonly done?: () => void
}

/** One commit a second is enough for what nobody waits for, also on an SD card. */
const FLUSH_AFTER_MS = 1000

/** What cannot be stored is tried again with the next ones, up to this many. */
const MAX_KEPT = 1000

interface Waiting {
  readonly eventId: number
  readonly note: Promise<EventNote>
  /** Whether it could not be stored before: its event may be a part of another by now. */
  readonly isLeft?: boolean
  /** Undefined where nobody waits. */
  readonly answer?: { readonly resolve: () => void, readonly reject: (error: unknown) => void }
}

/**
 * Gathers what events go on with, and stores that of a second together. Where somebody waits for one it is stored at
 * once, with those that are there.
 */
export class NoteBatch {
  readonly #store: (notes: EventNote[]) => Promise<ReadonlyMap<EventNote, Error>>
  #waiting: Waiting[] = []
  #timer: NodeJS.Timeout | undefined
  #storing: readonly Waiting[] = []
  #stored: Promise<void> = Promise.resolve()
  #nextStored: Promise<void> | undefined
  #isClosed = false

  /** @param store resolves with those that were refused; rejects where nothing could be stored, after it has told so */
  constructor (store: (notes: EventNote[]) => Promise<ReadonlyMap<EventNote, Error>>) {
    this.#store = store
  }

  /** Nobody waits for this one: what cannot be stored is tried again. */
  add (eventId: number, note: Promise<EventNote>): void {
    this.#waiting.push({ eventId, note })
    this.#setTimer()
  }

  /** Stores this one and those that are there. Rejects where that fails: then it is not tried again. */
  async addNow (eventId: number, note: Promise<EventNote>): Promise<void> {
    const stored = new Promise<void>((resolve, reject) => { this.#waiting.push({ eventId, note, answer: { resolve, reject } }) })
    await Promise.all([stored, this.flush()])
  }

  /**
   * Stores what was gathered. Never rejects: what is not stored waits for the next time. All who call while something is
   * being stored share the next turn, or each camera would wait for all others on a slow disk.
   */
  async flush (): Promise<void> {
    this.#nextStored ??= this.#stored.then(async () => {
      this.#nextStored = undefined
      this.#stored = this.#storeWaiting()
      await this.#stored
    })
    await this.#nextStored
  }

  /** Stores what was gathered of one event, and waits for nothing where there is nothing of it. Never rejects. */
  async flushEvent (eventId: number): Promise<void> {
    const mayBeOfEvent = (each: Waiting): boolean => each.isLeft === true || each.eventId === eventId
    if (this.#storing.some(mayBeOfEvent)) await this.#stored
    if (this.#waiting.some(mayBeOfEvent)) await this.flush()
  }

  /** Stores what was gathered, and tries no more after that. */
  async close (): Promise<void> {
    this.#isClosed = true
    await this.flush()
  }

  async #storeWaiting (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#storing = this.#waiting
    this.#waiting = []
    if (this.#storing.length > 0) await this.#storeAll(this.#storing)
    this.#storing = []
  }

  async #storeAll (all: readonly Waiting[]): Promise<void> {
    const settled = await Promise.allSettled(all.map(({ note }) => note))
    const notes: EventNote[] = []
    const waiting = all.filter(({ answer }, at) => {
      const note = settled[at]
      if (note?.status === 'fulfilled') notes.push(note.value)
      else answer?.reject(note?.reason)
      return note?.status === 'fulfilled'
    })
    try {
      const refused = await this.#store(notes)
      for (const [at, note] of notes.entries()) {
        const error = refused.get(note)
        const answer = waiting[at]?.answer
        note.done?.()
        if (error === undefined) answer?.resolve()
        else answer?.reject(error)
      }
    } catch (error) {
      const again: Waiting[] = []
      for (const [at, { eventId, answer, note }] of waiting.entries()) {
        if (answer === undefined && again.length < MAX_KEPT) {
          again.push({ eventId, note, isLeft: true })
        } else {
          notes[at]?.done?.()
          answer?.reject(error)
        }
      }
      this.#waiting = [...again, ...this.#waiting]
      this.#setTimer()
    }
  }

  #setTimer (): void {
    if (!this.#isClosed) this.#timer ??= setTimeout(() => { void this.flush() }, FLUSH_AFTER_MS).unref()
  }
}
