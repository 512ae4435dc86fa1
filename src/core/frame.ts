import type { FrameMemory } from './frame-memory.js'

/** One JPEG with its times, as everything after the upload sees it. */
export interface Frame {
  /** Holds the camera's own bytes, never changed after this. */
  readonly memory: FrameMemory
  /** Pixels, from the JPEG's frame header. */
  readonly width: number
  /** Pixels, from the JPEG's frame header. */
  readonly height: number
  /** When its last byte had arrived: milliseconds since 1970, UTC. */
  readonly receivedAtMs: number
  /** The same moment on the clock that never jumps. */
  readonly receivedAtMonotonicMs: number
  /** What the camera's detector says of this frame. */
  readonly spillReported: boolean
}

/**
 * Reads the value of `X-Oil-Spill-Detected`: true, false, 1 or 0 in any letter case; no header means false.
 * Undefined for anything else: a misread `True` would be a lost spill, so nothing is guessed.
 */
export function parseSpillHeader (value: string | string[] | undefined): boolean | undefined {
  if (value === undefined) return false
  if (typeof value !== 'string') return undefined
  switch (value.trim().toLowerCase()) {
    case 'true': case '1': return true
    case 'false': case '0': return false
    default: return undefined
  }
}
