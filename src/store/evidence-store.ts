import { constants } from 'node:fs'
import fs from 'node:fs/promises'
import { basename, dirname, join, parse } from 'node:path'
import { evidencePath, EVIDENCE_FOLDER, type Evidence } from '../core/event.js'
import { takenAtMs, type Frame } from '../core/frame.js'
import { sha256 } from '../core/sha256.js'
import { EvidenceAltered, EvidenceMissing } from '../errors.js'
import { flushFolder } from './folder.js'
import { errorCode } from './storage-errors.js'

/** Where complete frames go that no event claims after a crash. Nobody was told that they were stored. */
export const UNCLAIMED_FOLDER = 'unclaimed_frames'

const EVIDENCE_NAME = /^oil_spill_\d{8}_\d{6}(_\d+)?(\.jpg|(-\d+)?\.mjpeg)$/
const PART_NAME = /^\.oil_spill_\d{8}_\d{6}(_\d+)?\.jpg\.part$/
const SWEEP_BATCH = 500

/** The part of the file system that evidence needs, so that tests can make it fail. */
export type EvidenceFiles = Pick<typeof fs, 'access' | 'mkdir' | 'open' | 'opendir' | 'readFile' | 'rename' | 'stat' | 'statfs' | 'unlink'>

/** What lies beside an opening frame. Neither of its functions rejects. */
export interface Beside {
  write (framePath: string): Promise<void>
  /** Removes it again. */
  undo (): Promise<void>
}

/**
 * The stored frames of events: the camera's own bytes, never re-encoded. All work is done on the thread pool. A file is
 * written under another name, flushed, renamed, and its folder flushed, so that under its own name it is always whole.
 */
export class EvidenceStore {
  readonly #dataFolder: string
  readonly #files: EvidenceFiles
  /** Paths that are being written, so that two events of one second do not take the same one. */
  readonly #reserved = new Set<string>()
  readonly #isKnown: (path: string) => Promise<boolean>

  private constructor (dataFolder: string, files: EvidenceFiles, isKnown: (path: string) => Promise<boolean>) {
    this.#dataFolder = dataFolder
    this.#files = files
    this.#isKnown = isKnown
  }

  /**
   * Makes the folder of evidence where there is none. Rejects with the file system's error.
   * @param isKnown says whether the history has a path of which there is no file, since there was no room or it was deleted
   */
  static async open (dataFolder: string, files: EvidenceFiles = fs, isKnown: (path: string) => Promise<boolean> = async () => false): Promise<EvidenceStore> {
    const store = new EvidenceStore(dataFolder, files, isKnown)
    await files.mkdir(join(dataFolder, EVIDENCE_FOLDER), { recursive: true })
    await flushFolder(dataFolder, files)
    return store
  }

  /**
   * Stores an event's opening frame. Resolves when it is on disk and flushed; rejects with the file system's error.
   * @param ownPath the path of an event that has no file yet; another one is taken where there is one after all
   * @param beside what lies beside it, and is written at the same time
   */
  async save (frame: Frame, ownPath?: string, beside?: Beside): Promise<Evidence> {
    const [framePath, sha256] = await Promise.all([this.#reserve(takenAtMs(frame), ownPath), frame.memory.sha256()])
    const path = join(this.#dataFolder, framePath)
    const part = join(dirname(path), `.${basename(path)}.part`)
    try {
      await inParallel(this.#writeFlushed(part, frame.memory.jpeg), beside?.write(framePath))
      await this.#files.rename(part, path)
      await flushFolder(dirname(path), this.#files)
    } catch (error) {
      await this.#remove(part)
      await this.#remove(path)
      await beside?.undo()
      throw error
    } finally {
      this.#reserved.delete(framePath)
    }
    return evidenceOf(frame, framePath, sha256)
  }

  /** Does something with the path and the hash that a frame would have, where there is no room for its bytes. */
  async withoutFile<T> (frame: Frame, action: (evidence: Evidence) => Promise<T>): Promise<T> {
    const [framePath, sha256] = await Promise.all([this.#reserve(takenAtMs(frame), undefined), frame.memory.sha256()])
    try {
      return await action(evidenceOf(frame, framePath, sha256))
    } finally {
      this.#reserved.delete(framePath)
    }
  }

  /** Removes a stored frame whose event could not be stored. Does nothing where that fails: the next start sweeps it. */
  async discard (evidence: Evidence): Promise<void> {
    await this.#remove(join(this.#dataFolder, evidence.framePath))
  }

  /**
   * Reads a stored frame and compares it with what the camera sent.
   * @throws EvidenceMissing where it cannot be read, EvidenceAltered where its SHA-256 differs
   */
  async read (evidence: Evidence): Promise<Buffer> {
    let bytes: Buffer
    try {
      bytes = await this.#files.readFile(join(this.#dataFolder, evidence.framePath))
    } catch (cause) {
      throw Object.assign(new EvidenceMissing(evidence.framePath), { cause })
    }
    if (await sha256(bytes) !== evidence.sha256) throw new EvidenceAltered(evidence.framePath)
    return bytes
  }

  /**
   * Tidies up what a crash can leave. Files that were not finished are removed; whole frames that no event claims are
   * moved to `unclaimed_frames`, never deleted, since a restored older database may just not know them.
   * @param unclaimed says which of some evidence paths no event has
   * @returns how many were moved
   */
  async sweep (unclaimed: (paths: string[]) => Promise<string[]>): Promise<number> {
    const folder = join(this.#dataFolder, EVIDENCE_FOLDER)
    let moved = 0
    let batch: string[] = []
    const moveBatch = async (): Promise<void> => {
      for (const path of await unclaimed(batch)) {
        await this.#setAside(path)
        moved += 1
      }
      batch = []
    }
    for await (const { name } of await this.#files.opendir(folder)) {
      if (PART_NAME.test(name)) await this.#remove(join(folder, name))
      else if (EVIDENCE_NAME.test(name)) batch.push(`${EVIDENCE_FOLDER}/${name}`)
      if (batch.length >= SWEEP_BATCH) await moveBatch()
    }
    await moveBatch()
    return moved
  }

  async #setAside (framePath: string): Promise<void> {
    const folder = join(this.#dataFolder, UNCLAIMED_FOLDER)
    await this.#files.mkdir(folder, { recursive: true })
    const { name, ext } = parse(framePath)
    let target = join(folder, `${name}${ext}`)
    for (let nth = 2; await this.#exists(target); nth += 1) target = join(folder, `${name}-${nth}${ext}`)
    await this.#files.rename(join(this.#dataFolder, framePath), target)
  }

  /** The first free path of that second. Only this process writes here, so what is free and reserved stays free. */
  async #reserve (startedAtMs: number, ownPath: string | undefined): Promise<string> {
    if (ownPath !== undefined && await this.#reservePath(ownPath, async () => false)) return ownPath
    let nth = 1
    while (!await this.#reservePath(evidencePath(startedAtMs, nth), async path => await this.#isTaken(path))) nth += 1
    return evidencePath(startedAtMs, nth)
  }

  /** Whether the history has this path, or there is a clip of this name. */
  async #isTaken (framePath: string): Promise<boolean> {
    return await this.#exists(join(this.#dataFolder, framePath.replace(/\.jpg$/, '.mjpeg'))) || await this.#isKnown(framePath)
  }

  /** Says whether this path was free, and is reserved now. */
  async #reservePath (framePath: string, isKnown: (path: string) => Promise<boolean>): Promise<boolean> {
    if (this.#reserved.has(framePath)) return false
    this.#reserved.add(framePath)
    let isFree = false
    try {
      isFree = !await this.#exists(join(this.#dataFolder, framePath)) && !await isKnown(framePath)
      return isFree
    } finally {
      if (!isFree) this.#reserved.delete(framePath)
    }
  }

  async #exists (path: string): Promise<boolean> {
    try {
      await this.#files.access(path, constants.F_OK)
      return true
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false
      throw error
    }
  }

  async #writeFlushed (path: string, bytes: Buffer): Promise<void> {
    const file = await this.#files.open(path, 'w', 0o640)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  async #remove (path: string): Promise<void> {
    await this.#files.unlink(path).catch(() => {})
  }
}

function evidenceOf ({ memory, width, height }: Frame, framePath: string, sha256: string): Evidence {
  return { framePath, sha256, sizeBytes: memory.jpeg.length, width, height }
}

/** Settles as the first does, but not before both have: what is begun must not go on behind a failure. The other never rejects. */
async function inParallel (task: Promise<void>, other: Promise<void> = Promise.resolve()): Promise<void> {
  const [result] = await Promise.allSettled([task, other])
  if (result.status === 'rejected') throw result.reason
}
