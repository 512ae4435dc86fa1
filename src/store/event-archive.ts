import type { EventChange, EventStore } from '../core/event-recorder.js'
import type { OilSpillEvent } from '../core/event.js'
import type { EventRepository } from './event-repository.js'
import type { EvidenceStore } from './evidence-store.js'
import { SqlThreadLost } from './sql-thread.js'
import { errorCode, toStorageError } from './storage-errors.js'

/** How storing went since the start. */
export interface StorageHealth {
  /** False from a failure until the next event is stored. */
  readonly ok: boolean
  /** Failures since the start. */
  readonly failures: number
  /** The code of the last failure, such as `ENOSPC`; null where there was none. */
  readonly lastError: string | null
}

/**
 * Keeps events with their evidence: first the file, then the row, so that a row never lacks its file. What a crash in
 * between leaves is a file without a row, which the next start sets aside.
 */
export class EventArchive implements EventStore {
  readonly #repository: EventRepository
  readonly #evidence: EvidenceStore
  readonly #onFailure: (error: unknown) => void
  readonly #onNoteLost: (error: unknown) => void
  #health: StorageHealth = { ok: true, failures: 0, lastError: null }

  /**
   * @param told.onFailure is told of every change that could not be stored, with the error of SQLite or of the file system
   * @param told.onNoteLost is told when only the last detection of an open event could not be noted: nothing is missing
   */
  constructor (repository: EventRepository, evidence: EvidenceStore, told: { onFailure: (error: unknown) => void, onNoteLost: (error: unknown) => void }) {
    this.#repository = repository
    this.#evidence = evidence
    this.#onFailure = told.onFailure
    this.#onNoteLost = told.onNoteLost
  }

  get health (): StorageHealth {
    return this.#health
  }

  /**
   * Stores an end, an opening or both.
   * @throws StorageFull or StorageUnavailable: nothing was stored and the frame should be sent again
   */
  async change (change: EventChange): Promise<OilSpillEvent | undefined> {
    try {
      const opened = await this.#store(change)
      this.#health = { ...this.#health, ok: true }
      return opened
    } catch (error) {
      this.#fail(error)
      throw toStorageError(error)
    }
  }

  noteDetection (eventId: number, detectedAtMs: number): void {
    this.#repository.noteDetection(eventId, detectedAtMs).catch(this.#onNoteLost)
  }

  async #store ({ ends, opens }: EventChange): Promise<OilSpillEvent | undefined> {
    if (opens === undefined) return await this.#repository.change(ends, undefined)
    const evidence = await this.#evidence.save(opens.frame)
    try {
      return await this.#repository.change(ends, { cameraId: opens.cameraId, startedAtMs: opens.frame.receivedAtMs, evidence })
    } catch (error) {
      // Where no answer came the row may be there, and it must not lose its file.
      if (!(error instanceof SqlThreadLost)) await this.#evidence.discard(evidence)
      throw error
    }
  }

  #fail (error: unknown): void {
    this.#health = { ok: false, failures: this.#health.failures + 1, lastError: errorCode(error) }
    this.#onFailure(error)
  }
}
