import { formatTimestamp } from './time-format.js'

/** One unbroken run of detections on one camera. Times are milliseconds since 1970, UTC. */
export interface OilSpillEvent {
  /** Never used twice, even after a deletion. */
  readonly id: number
  readonly cameraId: string
  /** When the first frame that reported the spill was received. */
  readonly startedAtMs: number
  /** When the last frame that reported it was received, known to about a second while the event is open. */
  readonly lastDetectedAtMs: number
  /** When the first frame after it that did not was received; null while the event is open. */
  readonly endedAtMs: number | null
  readonly evidence: Evidence
}

/** The stored opening frame of an event: the camera's own bytes. */
export interface Evidence {
  /** Below the data folder, with forward slashes: `oil_spill_frames/oil_spill_YYYYMMDD_HHMMSS.jpg`. */
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
