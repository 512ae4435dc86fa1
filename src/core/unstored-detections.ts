import { ByteBudget } from './byte-budget.js'
import type { Clock } from './clock.js'
import type { Frame } from './frame.js'
import type { LiveCamera } from './live-camera.js'

/** Detections of one camera that could not be stored, since the first time it was told. */
export interface LostDetections {
  readonly cameraId: string
  readonly detections: number
  /** Why the last one could not be stored. */
  readonly error: unknown
}

export interface UnstoredDetectionsOptions {
  readonly clock: Clock
  /** What those of all cameras together may use. */
  readonly maxBytes: number
  /** How many of each camera are held. */
  readonly maxPerCamera: number
  /** How long each of them is tried. */
  readonly maxAgeMs: number
  /** Is told of those that are given up, once a round and camera. */
  readonly onLost: (lost: LostDetections) => void
}

/**
 * Detections whose senders cannot be asked to send them again, held until the disk takes them. The oldest are kept
 * where there is no room for all: they say when the spill began, and a new one opens an event by itself.
 */
export class UnstoredDetections {
  readonly #options: UnstoredDetectionsOptions
  readonly #budget: ByteBudget
  readonly #frames = new Map<LiveCamera, Set<Frame>>()
  #lost = new Map<string, LostDetections>()
  #lostCount = 0
  #round: Promise<void> | undefined

  constructor (options: UnstoredDetectionsOptions) {
    this.#options = options
    this.#budget = new ByteBudget(options.maxBytes)
  }

  /** How many are held. */
  get count (): number {
    let count = 0
    for (const frames of this.#frames.values()) count += frames.size
    return count
  }

  /** How many were given up since the start. */
  get lostCount (): number {
    return this.#lostCount
  }

  /** Whether this frame is held. */
  has (camera: LiveCamera, frame: Frame): boolean {
    return this.#frames.get(camera)?.has(frame) === true
  }

  /** Holds a frame whose detection could not be stored. */
  add (camera: LiveCamera, frame: Frame, error: unknown): void {
    const frames = this.#frames.get(camera) ?? new Set()
    if (frames.size >= this.#options.maxPerCamera || !this.#budget.take(frame.memory.jpeg.length)) {
      this.#giveUp(camera, error)
      return
    }
    this.#frames.set(camera, frames)
    frames.add(frame)
  }

  /** Tries all of them again. To be called about once a second. Settles when the round is over. */
  retry (): Promise<void> {
    this.#round ??= this.#tryAll().finally(() => { this.#round = undefined })
    return this.#round
  }

  /** Gives up whatever is still held, and tells it. For the end. */
  close (): void {
    for (const [camera, frames] of this.#frames) {
      for (const frame of frames) {
        this.#drop(camera, frame)
        this.#giveUp(camera, new Error('the server was stopped'))
      }
    }
    this.#tell()
  }

  async #tryAll (): Promise<void> {
    await Promise.all([...this.#frames].map(async ([camera, frames]) => { await this.#tryCamera(camera, frames) }))
    this.#tell()
  }

  /** One after the other, up to the first that the disk does not take. The newest first, if the camera has sent nothing since: it opens the event that the others join. */
  async #tryCamera (camera: LiveCamera, frames: Set<Frame>): Promise<void> {
    const { newest } = camera.frames
    const first = [...frames].filter(({ memory }) => memory === newest?.memory)
    for (const frame of new Set([...first, ...frames])) {
      try {
        await camera.takeAgain(frame)
        this.#drop(camera, frame)
      } catch (error) {
        if (isOfStorage(error) && !this.#isTooOld(frame)) return
        this.#drop(camera, frame)
        this.#giveUp(camera, error)
      }
    }
  }

  #isTooOld (frame: Frame): boolean {
    return this.#options.clock.monotonicMs() - frame.receivedAtMonotonicMs > this.#options.maxAgeMs
  }

  #drop (camera: LiveCamera, frame: Frame): void {
    const frames = this.#frames.get(camera)
    if (frames?.delete(frame) !== true) return
    this.#budget.give(frame.memory.jpeg.length)
    if (frames.size === 0) this.#frames.delete(camera)
  }

  #giveUp ({ id: cameraId }: LiveCamera, error: unknown): void {
    this.#lostCount += 1
    this.#lost.set(cameraId, { cameraId, detections: (this.#lost.get(cameraId)?.detections ?? 0) + 1, error })
  }

  #tell (): void {
    const lost = this.#lost
    this.#lost = new Map()
    for (const each of lost.values()) this.#options.onLost(each)
  }
}

/** Whether an error says that the frame should be sent again. */
function isOfStorage (error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && Number(error.statusCode) >= 500
}
