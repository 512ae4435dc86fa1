import type { Verdict } from './event-filter.js'
import type { FrameDetails } from './frame.js'
import { formatTimestamp } from './time-format.js'

/** One unbroken run of detections on one camera. Times are milliseconds since 1970, UTC. */
export interface OilSpillEvent {
  /** Never used twice, even after a deletion. */
  readonly id: number
  readonly cameraId: string
  /** When the first frame that reported the spill was taken. */
  readonly startedAtMs: number
  /** When the last frame that reported it was taken, known to about a second while the event is open. */
  readonly lastDetectedAtMs: number
  /** When the first frame after it that did not was taken, or the last that did where none is known; null while the event is open. */
  readonly endedAtMs: number | null
  readonly evidence: Evidence
  readonly evidenceState: EvidenceState
  /** The event that it turned out to be a part of, since a late detection bridged them; null where it stands for itself. */
  readonly mergedInto: number | null
}

/**
 * What became of an event's evidence. `missing`: there was no room for its opening frame, of which the hash is known;
 * `deleted`: retention took it. The event itself stays. A file that was lost afterwards stays `kept`: that is a finding.
 */
export type EvidenceState = 'kept' | 'missing' | 'deleted'

/** An event with all that people see of it in lists. */
export interface ListedEvent extends OilSpillEvent {
  /** Of the detection that was surest, from 0 to 1; null where none said. */
  readonly peakConfidence: number | null
  /** Where it was seen from, in degrees, WGS 84: as its opening frame says, else where the camera was then; null where neither is known. */
  readonly latitude: number | null
  readonly longitude: number | null
  /** Of the newest review; null before the first. */
  readonly verdict: Verdict | null
  /** When somebody first said: I have seen it. */
  readonly acknowledgedAtMs: number | null
  /** Whether retention leaves its evidence alone. */
  readonly held: boolean
}

/** A camera's report of a spill in one frame, as it is kept. Times are milliseconds since 1970, UTC. */
export interface Detection {
  readonly cameraId: string
  /** Its place in the order of the camera's frames. */
  readonly takenAtMs: number
  /** On the camera's clock; null where it did not say. */
  readonly capturedAtMs: number | null
  readonly receivedAtMs: number
  /** How far the camera's clock is behind the server's, the time on the way included; null where it is not known. */
  readonly clockSkewMs: number | null
  readonly frameSequence: number | null
  readonly idempotencyKey: string | null
  /** Of the frame's bytes, in lower-case hexadecimal. */
  readonly sha256: string
  readonly sizeBytes: number
  readonly width: number
  readonly height: number
  readonly details: FrameDetails
}

/** A detection as it is kept. */
export interface StoredDetection extends Detection {
  /** Grows with each detection that is kept. */
  readonly id: number
  /** Where its frame is kept, below the data folder; null where only its hash is. */
  readonly framePath: string | null
}

/** The opening frame of an event: the camera's own bytes, where they are kept. */
export interface Evidence {
  /** Its own for ever, whatever becomes of the file. Below the data folder, with forward slashes: `oil_spill_frames/oil_spill_YYYYMMDD_HHMMSS.jpg`. */
  readonly framePath: string
  /** Lower-case hexadecimal. */
  readonly sha256: string
  readonly sizeBytes: number
  readonly width: number
  readonly height: number
}

/** The folder of evidence, below the data folder. */
export const EVIDENCE_FOLDER = 'oil_spill_frames'

/**
 * The path of an event's opening frame below the data folder.
 * @param nth 1 for the first event of that second, then 2, 3 and so on, which become a suffix.
 */
export function evidencePath (startedAtMs: number, nth: number): string {
  const suffix = nth === 1 ? '' : `_${nth}`
  return `${EVIDENCE_FOLDER}/oil_spill_${formatTimestamp(startedAtMs)}${suffix}.jpg`
}

/** The path of the thumbnail of an opening frame, below the data folder and apart from evidence. It may be missing: it is made of the frame. */
export function thumbnailPath (framePath: string): string {
  return framePath.replace(/^.*\//, 'thumbnails/')
}
