/** A part of the picture in which a detector sees oil, relative to the picture's size, from 0 to 1. */
export interface Box { x: number, y: number, width: number, height: number, label?: string, confidence?: number }

/** What is told of a frame beside the picture and whether it shows a spill. */
export interface FrameDetails {
  /** How sure the detector is, from 0 to 1. */
  confidence?: number
  boxes?: Box[]
  modelVersion?: string
  /** Degrees north. */
  latitude?: number
  /** Degrees east. */
  longitude?: number
  /** Degrees clockwise from true north into which the camera looks. */
  heading?: number
}

/** One picture as its source gives it. */
export interface CameraFrame {
  jpeg: Buffer
  /** What the detector says of it: whether it shows an oil spill. Undefined where nobody can tell, as when the detector failed. */
  spillDetected: boolean | undefined
  details?: FrameDetails
  /** When it was taken, in milliseconds since 1970, where the source knows better than "just now". */
  capturedAtMs?: number
  /** Names it, if it shows a spill, where the source may give it twice: it is kept once. */
  idempotencyKey?: string
  /** Called once the source need not keep the picture any more: it is on disk, sent, or a newer one took its place. */
  done?: () => void
}

/** One picture with all that is sent of it. */
export interface Shot {
  readonly jpeg: Buffer
  readonly spillDetected: boolean | undefined
  /** Grows from frame to frame, also over restarts. */
  readonly sequence: number
  /** The request headers that tell of it, all printable ASCII. */
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Where pictures come from. Hands each one to `put` as soon as it is there, whether or not the server keeps up, until
 * the signal is aborted; then it returns. Throws a `CameraError` when there is no hope of another picture.
 */
export type FrameSource = (put: (frame: CameraFrame) => void, signal: AbortSignal) => Promise<void>
