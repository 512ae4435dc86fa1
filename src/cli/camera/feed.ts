import { CameraError } from './camera-error.js'
import type { FrameSlot } from './frame-slot.js'
import type { CameraFrame } from './frame.js'
import { Backoff, pause } from './pause.js'
import type { Report } from './report.js'
import type { Uploader } from './upload.js'

/** What `feed` works with. */
export interface Feed {
  slot: FrameSlot
  uploader: Pick<Uploader, 'send'>
  report: Report
  signal: AbortSignal
  /** How to wait between tries; tests have their own. */
  wait?: typeof pause
}

/**
 * Sends frame after frame from the slot to the server, one at a time, until the signal is aborted. A frame that shows
 * a spill is sent again until the server has it; any other is dropped when it fails, in favour of the newest.
 * @throws CameraError if the server does not accept the password
 */
export async function feed ({ slot, uploader, report, signal, wait = pause }: Feed): Promise<void> {
  const backoff = new Backoff()

  /** Returns whether the frame is dealt with. */
  async function tryOnce (frame: CameraFrame): Promise<boolean> {
    const sentMs = performance.now()
    const answer = await uploader.send(frame, signal)
    if (signal.aborted) return true
    switch (answer.kind) {
      case 'unauthorized':
        throw new CameraError(`the server does not accept the password (${answer.reason})`)
      case 'again':
        report.failed(answer.reason)
        await wait(Math.max(answer.retryAfterMs, backoff.nextMs()), signal)
        return !frame.spillDetected || signal.aborted
      case 'refused':
        report.refused(answer.reason)
        return true
      case 'taken':
        report.taken(frame, performance.now() - sentMs)
        backoff.reset()
        return true
    }
  }

  for (let frame = await slot.take(); frame !== undefined; frame = await slot.take()) {
    while (!await tryOnce(frame)) { /* until the server has it */ }
  }
}
