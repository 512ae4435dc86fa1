import { isNamed, type Frame, type FrameReport } from './frame.js'

/** Names of frames that are remembered for each camera; older ones that were detections are in the history. */
const MAX_REMEMBERED = 128

/** A frame that was taken before under the same name. */
export interface Remembered {
  /** Of its bytes, in lower-case hexadecimal. */
  readonly sha256: Promise<string>
  readonly spillReported: boolean
  /** Settles when what it meant is on disk; undefined where nothing had to be. */
  readonly stored: Promise<void> | undefined
}

/** The names under which the same frame could be sent again. */
function namesOf ({ idempotencyKey, frameSequence }: FrameReport): string[] {
  return [...idempotencyKey === undefined ? [] : [`key ${idempotencyKey}`], ...frameSequence === undefined ? [] : [`sequence ${frameSequence}`]]
}

/** The newest frames of one camera that it named by a key or a number, so that one that is sent twice is taken once. */
export class RecentFrames {
  readonly #byName = new Map<string, Remembered>()

  /** The frame that had this one's key, or else its number. */
  find (frame: Frame): { readonly earlier: Remembered, readonly sameKey: boolean } | undefined {
    if (!isNamed(frame)) return undefined
    for (const name of namesOf(frame)) {
      const earlier = this.#byName.get(name)
      if (earlier !== undefined) return { earlier, sameKey: name.startsWith('key ') }
    }
    return undefined
  }

  /** Remembers a frame, and forgets the oldest where there are too many. */
  note (frame: Frame, remembered: Remembered): void {
    for (const name of namesOf(frame)) {
      this.#byName.delete(name)
      this.#byName.set(name, remembered)
      const oldest = this.#byName.size > MAX_REMEMBERED ? this.#byName.keys().next().value : undefined
      if (oldest !== undefined) this.#byName.delete(oldest)
    }
  }

  /** Forgets a frame that was not taken after all. */
  forget (frame: Frame, remembered: Remembered): void {
    for (const name of namesOf(frame)) if (this.#byName.get(name) === remembered) this.#byName.delete(name)
  }
}
