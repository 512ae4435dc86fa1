import type { FrameMemory } from './frame-memory.js'

/** A part of the picture in which a detector sees oil. All measures are relative to the picture's size, from 0 to 1. */
export interface DetectionBox {
  /** Of its left edge. */
  readonly x: number
  /** Of its upper edge. */
  readonly y: number
  readonly width: number
  readonly height: number
  readonly label?: string
  /** From 0 to 1. */
  readonly confidence?: number
}

/** What a camera may say of a frame beside the picture. Undefined where it says nothing. */
export interface FrameDetails {
  /** How sure the detector is, from 0 to 1. */
  readonly confidence?: number
  readonly boxes?: readonly DetectionBox[]
  readonly modelVersion?: string
  /** Degrees north, WGS 84. */
  readonly latitude?: number
  /** Degrees east, WGS 84. */
  readonly longitude?: number
  /** Degrees clockwise from true north into which the camera looks. */
  readonly heading?: number
}

/** What a camera says of a frame in its headers. */
export interface FrameReport {
  /** What the camera's detector says of this frame. */
  readonly spillReported: boolean
  /** When it was taken, on the camera's clock: milliseconds since 1970, UTC. */
  readonly capturedAtMs: number | undefined
  /** The camera's own number of the frame. */
  readonly frameSequence: number | undefined
  /** Names this upload: another one of the same key is the same frame sent again. */
  readonly idempotencyKey: string | undefined
  readonly details: FrameDetails
}

/** One JPEG with its times, as everything after the upload sees it. */
export interface Frame extends FrameReport {
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
}

/**
 * When a frame was taken, as far as it is known: when it was captured, but never after it was received, since a camera's
 * clock may be ahead. Milliseconds since 1970, UTC.
 */
export function takenAtMs ({ capturedAtMs, receivedAtMs }: Pick<Frame, 'capturedAtMs' | 'receivedAtMs'>): number {
  return capturedAtMs === undefined ? receivedAtMs : Math.min(capturedAtMs, receivedAtMs)
}

/** Whether the camera named this frame, so that it can tell the same one sent twice. */
export function isNamed ({ frameSequence, idempotencyKey }: Pick<FrameReport, 'frameSequence' | 'idempotencyKey'>): boolean {
  return frameSequence !== undefined || idempotencyKey !== undefined
}

/**
 * Reads the value of `X-Oil-Spill-Detected`: true, false, 1 or 0 in any letter case; no header means false.
 * Undefined for anything else: a misread `True` would be a lost spill, so nothing is guessed.
 */
export function parseSpillHeader (value: unknown): boolean | undefined {
  if (value === undefined) return false
  if (typeof value !== 'string') return undefined
  switch (value.trim().toLowerCase()) {
    case 'true': case '1': return true
    case 'false': case '0': return false
    default: return undefined
  }
}
