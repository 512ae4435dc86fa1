import { takenAtMs, type DetectionBox, type Frame } from './frame.js'
import { FrameThinning } from './frame-thinning.js'

/**
 * What a frame is in the clip of its event: from before the opening, the one that opened it, from the run, the one in it
 * of which the detector was surest (unless that is the opening one), or from after the end.
 */
export type ClipRole = 'pre' | 'opening' | 'during' | 'peak' | 'post'

/** A frame that goes into the clip of an event. */
export interface KeptFrame { readonly frame: Frame, readonly role: ClipRole }

/** A frame of a clip, as its index knows it. Times are milliseconds since 1970, UTC. */
export interface StoredClipFrame {
  readonly clipId: number
  readonly number: number
  readonly path: string
  readonly offsetBytes: number
  readonly sizeBytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
  readonly takenAtMs: number
  readonly capturedAtMs: number | null
  readonly receivedAtMs: number
  readonly role: ClipRole
  readonly width: number
  readonly height: number
  readonly confidence: number | null
  readonly boxes: readonly DetectionBox[] | null
}

export interface ClipSettings {
  /** Frames a second that are kept. */
  readonly maxFps: number
  /** How long frames are kept after the end of an event. */
  readonly postMs: number
}

/** The part of a clip that only frames may fill of which there will be few: the surest, and those after the end. */
const RESERVED = 1 / 8

/**
 * Whether a clip has room for one more frame. What is most telling comes last, so the last part is reserved for it.
 * The opening frame may take all.
 */
export function hasRoom (clipBytes: number, { frame, role }: KeptFrame, maxBytes: number): boolean {
  const isReserved = role === 'opening' || role === 'peak' || role === 'post'
  return clipBytes + frame.memory.jpeg.length <= (isReserved ? maxBytes : maxBytes * (1 - RESERVED))
}

/**
 * The frames that open a clip: as many of those before the opening as there is room for beside it, the newest of them,
 * and the opening one.
 * @returns also whether some had to be left out
 */
export function openingFrames (before: readonly Frame[], opening: Frame, maxBytes: number): { frames: KeptFrame[], isTruncated: boolean } {
  const last: KeptFrame = { frame: opening, role: 'opening' }
  const isWhole = hasRoom(0, last, maxBytes)
  const frames = isWhole ? [last] : []
  let bytes = isWhole ? opening.memory.jpeg.length : 0
  for (const frame of before.toReversed()) {
    const kept: KeptFrame = { frame, role: 'pre' }
    if (!hasRoom(bytes, kept, maxBytes)) return { frames, isTruncated: true }
    bytes += frame.memory.jpeg.length
    frames.unshift(kept)
  }
  return { frames, isTruncated: !isWhole }
}

/** Says which frames of one camera are kept in the clips of its events, from the opening on. */
export class ClipSelection {
  readonly #settings: ClipSettings
  #thinning: FrameThinning | undefined
  #lateThinning: FrameThinning | undefined
  #highestConfidence = -1
  #ended: { readonly eventId: number, readonly untilMs: number } | undefined

  constructor (settings: ClipSettings) {
    this.#settings = settings
  }

  /** An event has opened with this frame, which is kept. */
  opened (frame: Frame): void {
    this.#ended = undefined
    this.#highestConfidence = frame.details.confidence ?? -1
    this.#thinning = new FrameThinning(this.#settings.maxFps)
    this.#thinning.takes(takenAtMs(frame))
  }

  /** What a frame is to the event that is open; undefined where it is not kept. */
  during (frame: Frame): 'during' | 'peak' | undefined {
    const isDue = this.#takes(takenAtMs(frame))
    if (this.#isSurest(frame)) return 'peak'
    return isDue ? 'during' : undefined
  }

  /** The event has ended. */
  ended (eventId: number, endedAtMs: number): void {
    this.#ended = { eventId, untilMs: endedAtMs + this.#settings.postMs }
  }

  /** The event to which a frame belongs that was taken while none was open; undefined where it is not kept. */
  after (frame: Frame): number | undefined {
    if (this.#ended === undefined) return undefined
    const atMs = takenAtMs(frame)
    if (atMs > this.#ended.untilMs) this.#ended = undefined
    else if (this.#takes(atMs)) return this.#ended.eventId
    return undefined
  }

  /** Whether a detection that came late is kept. Those of an outage come one after the other, as they were taken. */
  late (frame: Frame): boolean {
    this.#lateThinning ??= new FrameThinning(this.#settings.maxFps)
    return this.#lateThinning.takes(takenAtMs(frame))
  }

  #takes (atMs: number): boolean {
    this.#thinning ??= new FrameThinning(this.#settings.maxFps)
    return this.#thinning.takes(atMs)
  }

  #isSurest ({ spillReported, details: { confidence } }: Frame): boolean {
    if (!spillReported || confidence === undefined || confidence <= this.#highestConfidence) return false
    this.#highestConfidence = confidence
    return true
  }
}
