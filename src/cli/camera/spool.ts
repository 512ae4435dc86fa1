import type { Shot } from './frame.js'
import { messageOf } from './message-of.js'
import type { Log } from './report.js'
import { SpoolFolder, type SpooledFile } from './spool-folder.js'
import { chooseVictims, type Thinnable } from './thinning.js'

/** A frame that waits for the server: with a spill, or the one without that ended a run of them. */
export interface SpoolEntry extends Thinnable {
  /** The frame itself, where it could not be put on disk. */
  shot: Shot | undefined
  /** It is being sent: it must stay. */
  busy: boolean
  /** Not to be sent before this, by `performance.now()`. */
  notBeforeMs: number
  /** How often the server has refused it. */
  refusedCount: number
  /** How often sending it failed in a row. */
  failedCount: number
}

/** Where a spool is, and how much it may hold. */
export interface SpoolSettings {
  /** Undefined keeps all in memory. */
  folder: string | undefined
  /** Of the files on disk, those set aside included. */
  maxBytes: number
  log: Log
  /** Of the frames that cannot be put on disk. */
  maxMemoryBytes?: number
}

/** A frame on its way to the disk. */
interface PendingFrame { readonly shot: Shot, readonly runId: number, readonly done: () => void }

const sameLineEveryMs = 30_000
const unreadableAgainMs = 60_000

/**
 * Keeps every frame with a spill until the server has it, and the frame that ended each run of them: on disk, or in memory while the disk takes none. What a
 * frame's `add` has settled for survives a kill and a power cut. When it is full it gives frames up as `chooseVictims`
 * says, counts them and tells of it.
 */
export class Spool {
  readonly #settings: SpoolSettings
  readonly #folder: SpoolFolder | undefined
  readonly #maxMemoryBytes: number
  #entries: SpoolEntry[] = []
  #refused: SpooledFile[] = []
  #pending: PendingFrame[] = []
  #writing: Promise<void> | undefined
  #givenUpCount = 0
  #fullToldAtMs = -Infinity
  #diskFails = false

  private constructor (settings: SpoolSettings, folder: SpoolFolder | undefined) {
    this.#settings = settings
    this.#folder = folder
    this.#maxMemoryBytes = settings.maxMemoryBytes ?? 32 * 1024 * 1024
  }

  /**
   * Opens a spool with all that waits in it.
   * @throws CameraError if the folder cannot be used
   */
  static async open (settings: SpoolSettings): Promise<Spool> {
    const folder = settings.folder === undefined ? undefined : await SpoolFolder.open(settings.folder)
    const spool = new Spool(settings, folder)
    if (folder !== undefined) {
      spool.#entries = (await folder.list()).map(file => newEntry(file, undefined))
      spool.#refused = await folder.listRefused()
    }
    return spool
  }

  /** What waits, oldest first. */
  get entries (): readonly SpoolEntry[] {
    return this.#entries
  }

  /** How many frames with a spill wait. */
  get spillCount (): number {
    return this.#entries.reduce((count, { isClear }) => isClear ? count : count + 1, 0)
  }

  /** The highest sequence number in use; 0 where there is none. */
  get highestSequence (): number {
    return Math.max(this.#entries.at(-1)?.sequence ?? 0, this.#refused.at(-1)?.sequence ?? 0)
  }

  /** How many frames with a spill were given up since the start, since there was no room for them. */
  get givenUpCount (): number {
    return this.#givenUpCount
  }

  /** Takes a frame in. Settles when it is on disk, or is held in memory since that cannot be. Never throws. */
  async add (shot: Shot, runId: number): Promise<void> {
    await new Promise<void>(resolve => {
      if (sum(this.#pending.map(frame => frame.shot.jpeg.length)) > this.#maxMemoryBytes) this.#dropNewestPending()
      this.#pending.push({ shot, runId, done: resolve })
      this.#writing ??= this.#writePending().finally(() => { this.#writing = undefined })
    })
  }

  /** Gives an entry's frame. Undefined where it cannot be read: then it is out of the way. */
  async load (entry: SpoolEntry): Promise<Shot | undefined> {
    if (entry.shot !== undefined || this.#folder === undefined) return entry.shot
    try {
      return await this.#folder.read(entry)
    } catch (error) {
      const reason = messageOf(error)
      if (error instanceof Error && 'code' in error) { // of the file system
        this.#settings.log(`a frame with a spill cannot be read (${reason})`)
        if (error.code === 'ENOENT') this.#forget(new Set([entry]))
        else entry.notBeforeMs = performance.now() + unreadableAgainMs
      } else {
        await this.setAside(entry, `it is damaged: ${reason}`)
      }
      return undefined
    }
  }

  /** The server has this one. */
  async delete (entry: SpoolEntry): Promise<void> {
    this.#forget(new Set([entry]))
    if (entry.shot === undefined) await this.#folder?.delete(entry)
  }

  /** This one is never to be sent again, but a person may want to see it, if it shows a spill. */
  async setAside (entry: SpoolEntry, reason: string): Promise<void> {
    if (entry.isClear) return await this.delete(entry)
    const { log } = this.#settings
    this.#forget(new Set([entry]))
    if (this.#folder === undefined || entry.shot !== undefined) {
      this.#givenUpCount++
      log(`A FRAME WITH A SPILL IS LOST: ${reason}`)
    } else if (await this.#folder.setAside(entry)) {
      this.#refused.push(entry)
      log(`A FRAME WITH A SPILL WAS NOT TAKEN and is in ${this.#folder.path}/refused: ${reason}`)
    } else {
      log(`A FRAME WITH A SPILL WAS NOT TAKEN and stays in ${this.#folder.path} until the next start: ${reason}`)
    }
  }

  /** Waits for what is being written, and lets go of the folder. */
  async close (): Promise<void> {
    await this.#writing
    await this.#folder?.close()
  }

  async #writePending (): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending
      this.#pending = []
      const entries = batch.map(({ shot, runId }) => newEntry({ sequence: shot.sequence, runId, isClear: shot.spillDetected === false, byteCount: sizeOf(shot) }, shot))
      // Those that the disk did not take before have another try with the next.
      const held = this.#entries.filter(entry => entry.shot !== undefined)
      await this.#putOnDisk([...held, ...entries])
      const sentMeanwhile = held.filter(entry => !this.#entries.includes(entry))
      for (const entry of sentMeanwhile) if (entry.shot === undefined) await this.#folder?.delete(entry)
      this.#entries.push(...entries)
      await this.#boundMemory()
      for (const { done } of batch) done()
    }
  }

  async #putOnDisk (entries: SpoolEntry[]): Promise<void> {
    if (this.#folder === undefined) return
    const fitting = entries.filter(entry => entry.byteCount <= this.#settings.maxBytes)
    await this.#makeRoom(sum(fitting.map(entry => entry.byteCount)))
    const frames = fitting.flatMap(entry => entry.shot === undefined ? [] : [{ entry, name: entry, shot: entry.shot }])
    const results = await this.#folder.write(frames)
    let failure: Error | undefined
    frames.forEach(({ entry }, i) => {
      const result = results[i]
      if (result instanceof Error) failure = result
      else entry.shot = undefined
    })
    if (failure !== undefined && !this.#diskFails) {
      this.#settings.log(`FRAMES WITH A SPILL CANNOT BE PUT ON DISK (${failure.message}): they are held in memory, and would be lost with this program`)
    } else if (failure === undefined && this.#diskFails) {
      this.#settings.log('frames with a spill can be put on disk again')
    }
    this.#diskFails = failure !== undefined
  }

  async #makeRoom (byteCount: number): Promise<void> {
    const onDisk = this.#entries.filter(entry => entry.shot === undefined)
    let excess = sum([...onDisk, ...this.#refused].map(file => file.byteCount)) + byteCount - this.#settings.maxBytes
    while (excess > 0) {
      const oldest = this.#refused.shift()
      if (oldest === undefined) break
      excess -= oldest.byteCount
      await this.#folder?.deleteRefused(oldest)
      this.#tellFull(1)
    }
    if (excess > 0) await this.#giveUp(chooseVictims(onDisk.filter(entry => !entry.busy), excess))
  }

  async #boundMemory (): Promise<void> {
    const held = this.#entries.filter(entry => entry.shot !== undefined)
    const excess = sum(held.map(entry => entry.byteCount)) - this.#maxMemoryBytes
    if (excess > 0) await this.#giveUp(chooseVictims(held.filter(entry => !entry.busy), excess))
  }

  async #giveUp (victims: SpoolEntry[]): Promise<void> {
    this.#forget(new Set(victims))
    for (const entry of victims) if (entry.shot === undefined) await this.#folder?.delete(entry)
    this.#tellFull(victims.filter(({ isClear }) => !isClear).length)
  }

  /** Frames come faster than the disk takes them: the one before the newest gives way, so that a run keeps its ends. */
  #dropNewestPending (): void {
    const dropped = this.#pending.pop()
    dropped?.done()
    if (dropped?.shot.spillDetected === true) this.#tellFull(1)
  }

  #tellFull (count: number): void {
    if (count === 0) return
    this.#givenUpCount += count
    if (performance.now() - this.#fullToldAtMs < sameLineEveryMs) return
    this.#fullToldAtMs = performance.now()
    this.#settings.log(`NO MORE ROOM FOR FRAMES WITH A SPILL: ${this.#givenUpCount} given up since the start, first those between the ` +
      'first and the last of a run. Give the spool more room (--spool-max-bytes), or mend the link')
  }

  #forget (entries: Set<SpoolEntry>): void {
    this.#entries = this.#entries.filter(entry => !entries.has(entry))
  }
}

function newEntry ({ sequence, runId, isClear, byteCount }: SpooledFile, shot: Shot | undefined): SpoolEntry {
  return { sequence, runId, isClear, byteCount, shot, busy: false, notBeforeMs: 0, refusedCount: 0, failedCount: 0 }
}

/** About as many bytes as its file has. */
function sizeOf ({ jpeg, headers }: Shot): number {
  return jpeg.length + JSON.stringify(headers).length + 128
}

function sum (numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
