import { hasRoom, type KeptFrame } from '../core/clip.js'
import type { Clock } from '../core/clock.js'
import type { ClipFiles } from './clip-files.js'
import type { DiskRoom } from './disk-room.js'
import type { ClipRepository } from './clip-repository.js'
import { toClipFrame, type ClipAddition } from './clip-statements.js'
import { errorCode } from './storage-errors.js'

export interface ClipArchiveOptions {
  readonly clock: Clock
  /** How large a clip may get. */
  readonly maxBytes: number
  /** How long after the last change of a clip whose event is over it is closed. */
  readonly closeAfterMs: number
  /** The room on the disk. */
  readonly room: Pick<DiskRoom, 'within'>
  /** Is told of every failure, with the error of SQLite or of the file system. */
  readonly onFailure: (error: unknown, cameraId: string) => void
}

/** Frames for the clip of one event. */
export interface ClipFrames { readonly eventId: number, readonly cameraId: string, readonly frames: readonly KeptFrame[] }

/** What is known here of a clip that grows. */
interface Growing {
  readonly path: string
  eventId: number
  sizeBytes: number
  frames: number
  isTruncated: boolean
  /** False after a failure: the index may know more or less of the file than this. */
  isCertain: boolean
  /** Whether something is being written. */
  isBusy: boolean
  /** Whether it could not be closed, since its file is gone or too short: that was told, and is not tried again before a restart. */
  isLost: boolean
  touchedAtMs: number
}

/**
 * The clips that grow. Their bytes are written first, and then the index comes to know of them, in one change with the
 * detections; so what lies in a file behind the index was never told to be stored. Frames that cannot be written are left
 * out, and their clip is marked as truncated: neither the detections nor the live picture wait for it.
 */
export class ClipArchive {
  readonly #repository: ClipRepository
  readonly #files: ClipFiles
  readonly #options: ClipArchiveOptions
  /** By event: the one to which its next frame is added. */
  readonly #growing = new Map<number, Growing>()
  /** Those to which nothing is added any more, though they are not closed yet. */
  readonly #finished = new Set<Growing>()
  #closing: Promise<void> | undefined

  constructor (repository: ClipRepository, files: ClipFiles, options: ClipArchiveOptions) {
    this.#repository = repository
    this.#files = files
    this.#options = options
  }

  get maxBytes (): number {
    return this.#options.maxBytes
  }

  /**
   * Takes up the clips that were growing when the server last stopped, and sets aside what a crash left behind them.
   * @returns how many bytes were set aside
   */
  async takeUp (): Promise<number> {
    let bytes = 0
    for (const { eventId, path, sizeBytes, frames } of await this.#repository.growing()) {
      bytes += (await this.#files.setTailAside(path, sizeBytes))?.bytes ?? 0
      this.#add({ ...this.#newClip(eventId, path), sizeBytes, frames })
    }
    return bytes
  }

  /**
   * Writes the first frames of the clip of an event that has no row yet, beside its opening frame, which is saved at the
   * same time. Never rejects: where that fails the event has no clip so far.
   */
  async begin (framePath: string, cameraId: string, { frames, isTruncated }: { frames: readonly KeptFrame[], isTruncated: boolean }): Promise<ClipAddition> {
    const path = clipPath(framePath, 1)
    try {
      await this.#writeWithin(frames, async jpegs => { await this.#files.begin(path, jpegs) })
      return { path, offsetBytes: 0, firstNumber: 1, isTruncated, frames: await Promise.all(frames.map(toClipFrame)) }
    } catch (error) {
      this.#options.onFailure(error, cameraId)
      return { path, offsetBytes: 0, firstNumber: 1, isTruncated: true, frames: [] }
    }
  }

  /** What `begin` wrote is stored, with the event. */
  begun (eventId: number, addition: ClipAddition): void {
    const clip = { ...this.#newClip(eventId, addition.path), isTruncated: addition.isTruncated }
    this.#add(clip)
    this.#grow(clip, addition)
  }

  /** What `begin` wrote is not to be: its event could not be stored. */
  async discard ({ path }: ClipAddition): Promise<void> {
    await this.#files.discard(path)
  }

  /**
   * Writes frames of an event that goes on. Resolves with what the index is to know of it, undefined for nothing. Never
   * rejects. To be followed by `stored` or `unstored`, before the next frames of that event.
   */
  async append ({ eventId, cameraId, frames }: ClipFrames): Promise<ClipAddition | undefined> {
    try {
      const clip = await this.#clipOf(eventId)
      if (clip === undefined) return undefined
      if (clip.isBusy) {
        // Of two at once the second would be written over the first.
        clip.isTruncated = true
        return undefined
      }
      clip.isBusy = true
      clip.touchedAtMs = this.#options.clock.monotonicMs()
      try {
        return await this.#write(clip, frames)
      } catch (error) {
        this.#options.onFailure(error, cameraId)
        clip.isTruncated = true
        clip.isBusy = false
        return undefined
      }
    } catch (error) {
      this.#options.onFailure(error, cameraId)
      return undefined
    }
  }

  /** The index knows of what `append` wrote. */
  stored (eventId: number, addition: ClipAddition): void {
    const clip = this.#find(eventId, addition)
    if (clip !== undefined) this.#grow(clip, addition)
  }

  /** Whether the index knows of what `append` wrote is not known. */
  unstored (eventId: number, addition: ClipAddition): void {
    const clip = this.#find(eventId, addition)
    if (clip === undefined) return
    clip.isCertain = false
    clip.isBusy = false
  }

  /** Frames of an event had to be left out. */
  leftOut (eventId: number): void {
    const clip = this.#growing.get(eventId)
    if (clip !== undefined) clip.isTruncated = true
  }

  /** One event became a part of another, and its clips are that one's. */
  merged (fromEventId: number, toEventId: number): void {
    const clip = this.#growing.get(fromEventId)
    if (clip === undefined) return
    this.#growing.delete(fromEventId)
    clip.eventId = toEventId
    this.#add(clip)
  }

  /** Closes the clips whose events are over. To be called about once a second. Never rejects. */
  async closeFinished (): Promise<void> {
    this.#closing ??= this.#closeAll().finally(() => { this.#closing = undefined })
    await this.#closing
  }

  async #closeAll (): Promise<void> {
    const { clock, closeAfterMs, onFailure } = this.#options
    const isDue = ({ touchedAtMs, isBusy, isLost }: Growing): boolean => !isBusy && !isLost && clock.monotonicMs() - touchedAtMs >= closeAfterMs
    for (const clip of [...this.#growing.values(), ...this.#finished].filter(isDue)) {
      try {
        if (await this.#repository.isOver(clip.path) && isDue(clip)) await this.#close(clip)
      } catch (error) {
        clip.isLost = ['ENOENT', 'CLIP_TOO_SHORT'].includes(errorCode(error))
        onFailure(error, '')
      }
      clip.touchedAtMs = clock.monotonicMs()
    }
  }

  async #close (clip: Growing): Promise<void> {
    if (this.#growing.get(clip.eventId) === clip) this.#growing.delete(clip.eventId)
    this.#finished.add(clip)
    await this.#ascertain(clip)
    const { path, sizeBytes, isTruncated } = clip
    // What a failed write left behind the index is no part of the clip.
    if (sizeBytes > 0) await this.#files.setTailAside(path, sizeBytes)
    const sha256 = sizeBytes === 0 ? undefined : await this.#files.digest(path, sizeBytes)
    const isClosed = sha256 === undefined || await this.#repository.close({ path, sizeBytes, sha256, isTruncated, closedAtMs: this.#options.clock.nowMs() })
    if (isClosed) this.#finished.delete(clip)
    else clip.isCertain = false
  }

  async #write (clip: Growing, frames: readonly KeptFrame[]): Promise<ClipAddition | undefined> {
    await this.#ascertain(clip)
    const { path, sizeBytes } = clip
    const taken: KeptFrame[] = []
    let bytes = sizeBytes
    for (const kept of frames) {
      if (hasRoom(bytes, kept, this.#options.maxBytes)) {
        taken.push(kept)
        bytes += kept.frame.memory.jpeg.length
      } else {
        clip.isTruncated = true
      }
    }
    await this.#writeWithin(taken, async jpegs => { await this.#files.append(path, sizeBytes, jpegs) })
    return { path, offsetBytes: sizeBytes, firstNumber: clip.frames + 1, isTruncated: clip.isTruncated, frames: await Promise.all(taken.map(toClipFrame)) }
  }

  async #writeWithin (frames: readonly KeptFrame[], write: (jpegs: readonly Buffer[]) => Promise<void>): Promise<void> {
    if (frames.length === 0) return
    const jpegs = frames.map(({ frame }) => frame.memory.jpeg)
    const bytes = jpegs.reduce((sum, { length }) => sum + length, 0)
    await this.#options.room.within(bytes, async () => { await write(jpegs) })
  }

  /** The clip to which frames of an event are added, made where there is none. Undefined where there is no such event. */
  async #clipOf (eventId: number): Promise<Growing | undefined> {
    const known = this.#growing.get(eventId)
    if (known !== undefined) return known
    const owner = await this.#repository.owner(eventId)
    if (owner === undefined) return undefined
    const found = this.#growing.get(owner.id)
    if (found !== undefined) return found
    const clip = this.#newClip(owner.id, await this.#freePath(owner.framePath))
    this.#add(clip)
    return clip
  }

  async #freePath (framePath: string): Promise<string> {
    for (let nth = 1; ; nth += 1) {
      const path = clipPath(framePath, nth)
      const isTaken = [...this.#finished].some(each => each.path === path) || await this.#repository.isKnown(path) || await this.#files.exists(path)
      if (!isTaken) return path
    }
  }

  async #ascertain (clip: Growing): Promise<void> {
    if (clip.isCertain) return
    const known = await this.#repository.growingOf(clip.path)
    clip.sizeBytes = known?.sizeBytes ?? 0
    clip.frames = known?.frames ?? 0
    clip.isCertain = true
  }

  #find (eventId: number, { path }: ClipAddition): Growing | undefined {
    const clip = this.#growing.get(eventId)
    return clip?.path === path ? clip : [...this.#growing.values(), ...this.#finished].find(each => each.path === path)
  }

  #newClip (eventId: number, path: string): Growing {
    return { eventId, path, sizeBytes: 0, frames: 0, isTruncated: false, isCertain: true, isBusy: false, isLost: false, touchedAtMs: this.#options.clock.monotonicMs() }
  }

  /** An event has one clip that grows: the one before it is finished. */
  #add (clip: Growing): void {
    const before = this.#growing.get(clip.eventId)
    if (before !== undefined) this.#finished.add(before)
    this.#growing.set(clip.eventId, clip)
  }

  #grow (clip: Growing, { frames }: ClipAddition): void {
    clip.sizeBytes += frames.reduce((bytes, frame) => bytes + frame.sizeBytes, 0)
    clip.frames += frames.length
    clip.isBusy = false
    clip.touchedAtMs = this.#options.clock.monotonicMs()
  }
}

/** Beside the opening frame of its event, under the same name. */
function clipPath (framePath: string, nth: number): string {
  return `${framePath.slice(0, -'.jpg'.length)}${nth === 1 ? '' : `-${nth}`}.mjpeg`
}
