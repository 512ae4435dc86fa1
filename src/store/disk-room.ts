import { join } from 'node:path'
import { EVIDENCE_FOLDER } from '../core/event.js'
import type { Clock } from '../core/clock.js'
import type { EvidenceFiles } from './evidence-store.js'
import { errorCode, isDiskFull } from './storage-errors.js'

/** There is no room for evidence. Its code is that of the file system, or ENOSPC where room is kept for the database. */
export class NoRoom extends Error {
  readonly code: string
  constructor (cause: unknown) {
    super('there is no room for evidence', { cause })
    this.code = cause === undefined ? 'ENOSPC' : errorCode(cause)
  }
}

export interface DiskRoomOptions {
  readonly dataFolder: string
  readonly files: Pick<EvidenceFiles, 'statfs'>
  readonly clock: Clock
  /** What stays free for the database; 0 for nothing. */
  readonly minFreeBytes: number
}

/** Where nothing could be deleted it is not tried again for every frame. */
const RETRY_MS = 1000

/**
 * The room on the disk of the evidence. Evidence is not written into the last of it: so events can still be written down
 * when their pictures no longer can.
 */
export class DiskRoom {
  readonly minFreeBytes: number
  readonly #options: DiskRoomOptions
  #freeBytes: number | undefined
  #isShort = false
  #makeRoom: (bytes: number) => Promise<number> = async () => 0
  #triedInVainAtMs = -Infinity

  constructor (options: DiskRoomOptions) {
    this.#options = options
    this.minFreeBytes = options.minFreeBytes
  }

  /** Whether evidence could not be written when it was last tried, or could not be now. */
  get isShort (): boolean {
    return this.#isShort
  }

  /** What was free when it was last looked at, in bytes; undefined where that is not known. */
  get freeBytes (): number | undefined {
    return this.#freeBytes
  }

  /** Sets what deletes evidence so that so many bytes become free. It resolves with how many did. */
  onShort (makeRoom: (bytes: number) => Promise<number>): void {
    this.#makeRoom = makeRoom
  }

  /** Looks how much is free, in bytes; undefined where the system does not say. */
  async look (): Promise<number | undefined> {
    try {
      const { bavail, bsize } = await this.#options.files.statfs(join(this.#options.dataFolder, EVIDENCE_FOLDER))
      this.#freeBytes = bavail * bsize
    } catch {
      this.#freeBytes = undefined
    }
    if (this.minFreeBytes > 0 && this.#freeBytes !== undefined) this.#isShort = this.#freeBytes < this.minFreeBytes
    return this.#freeBytes
  }

  /**
   * Writes evidence of so many bytes. Where there is no room, older evidence is deleted as far as may be.
   * @throws NoRoom where that did not help, and whatever else `write` throws
   */
  async within<T> (bytes: number, write: () => Promise<T>): Promise<T> {
    const missing = await this.#missingBytes(bytes)
    if (missing > 0 && (await this.#delete(missing) === 0 || await this.#missingBytes(bytes) > 0)) {
      this.#isShort = true
      throw new NoRoom(undefined)
    }
    try {
      const written = await this.#written(bytes, write)
      this.#isShort = false
      return written
    } catch (error) {
      if (!isDiskFull(error)) throw error
      this.#isShort = true
      throw new NoRoom(error)
    }
  }

  async #written<T> (bytes: number, write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      if (!isDiskFull(error) || await this.#delete(bytes) === 0) throw error
      return await write()
    }
  }

  async #missingBytes (bytes: number): Promise<number> {
    if (this.minFreeBytes === 0) return 0
    const free = await this.look()
    return free === undefined ? 0 : this.minFreeBytes + bytes - free
  }

  async #delete (bytes: number): Promise<number> {
    const { clock } = this.#options
    if (clock.monotonicMs() - this.#triedInVainAtMs < RETRY_MS) return 0
    const deleted = await this.#makeRoom(bytes)
    if (deleted === 0) this.#triedInVainAtMs = clock.monotonicMs()
    return deleted
  }
}
