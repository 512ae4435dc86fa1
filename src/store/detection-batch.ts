import type { Detection } from '../core/event.js'

/** A detection that an open event goes on with. */
export interface DetectionNote { readonly eventId: number, readonly detection: Detection }

/** One commit a second is enough for what nobody waits for, also on an SD card. */
const FLUSH_AFTER_MS = 1000

/** What cannot be stored is tried again with the next ones, up to this many. */
const MAX_KEPT = 1000

/** Gathers the detections for which nobody waits, and stores those of a second together. */
export class DetectionBatch {
  readonly #store: (notes: DetectionNote[]) => Promise<void>
  #notes: Array<Promise<DetectionNote>> = []
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()
  #isClosed = false

  /** @param store rejects where they could not be stored, after it has told so */
  constructor (store: (notes: DetectionNote[]) => Promise<void>) {
    this.#store = store
  }

  add (note: Promise<DetectionNote>): void {
    this.#notes.push(note)
    this.#setTimer()
  }

  /** Stores what was gathered. Never rejects: what is not stored waits for the next time. */
  async flush (): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const notes = this.#notes
    this.#notes = []
    const earlier = this.#flushing
    this.#flushing = (async () => {
      await earlier
      if (notes.length === 0) return
      try {
        await this.#store(await Promise.all(notes))
      } catch {
        this.#notes = [...notes, ...this.#notes].slice(0, MAX_KEPT)
        this.#setTimer()
      }
    })()
    await this.#flushing
  }

  /** Stores what was gathered, and tries no more after that. */
  async close (): Promise<void> {
    this.#isClosed = true
    await this.flush()
  }

  #setTimer (): void {
    if (!this.#isClosed) this.#timer ??= setTimeout(() => { void this.flush() }, FLUSH_AFTER_MS).unref()
  }
}
