import { parseDetection } from './detection.js'
import type { FrameSlot } from './frame-slot.js'
import type { CameraFrame } from './frame.js'
import { messageOf } from './message-of.js'
import type { Report } from './report.js'

/**
 * Runs a detector on one JPEG and gives what it says, as `parseDetection` reads it.
 * @throws Error with one line on why it said nothing
 */
export type Detector = (jpeg: Buffer, signal: AbortSignal) => Promise<string>

/** What a detector may say of one frame: a hundred boxes fit many times. */
export const maxDetectorBytes = 256 * 1024

/** What `inspectFrames` works with. */
export interface Inspection {
  slot: Pick<FrameSlot, 'take'>
  detector: Detector
  /** Takes each frame with what the detector says of it. */
  put: (frame: CameraFrame) => void
  report: Pick<Report, 'detectorFailed' | 'detectorWorked'>
  signal: AbortSignal
}

/**
 * Runs the detector on frame after frame, one at a time, until the signal is aborted. A frame on which it fails goes on
 * as one of which nobody knows whether it shows a spill: that is not the same as none.
 */
export async function inspectFrames ({ slot, detector, put, report, signal }: Inspection): Promise<void> {
  for (let frame = await slot.take(); frame !== undefined; frame = await slot.take()) {
    try {
      const { spillDetected, details, complaints } = parseDetection(await detector(frame.jpeg, signal))
      report.detectorWorked(complaints)
      put({ ...frame, spillDetected, details })
    } catch (error) {
      if (signal.aborted) return
      report.detectorFailed(messageOf(error))
      put({ ...frame, spillDetected: undefined })
    }
  }
}
