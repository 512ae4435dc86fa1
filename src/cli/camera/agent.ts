import { createCommandDetector } from './detector-command.js'
import { createUrlDetector } from './detector-url.js'
import { inspectFrames, type Detector } from './detector.js'
import { feed } from './feed.js'
import { createFfmpegSource } from './ffmpeg-source.js'
import { FrameSlot } from './frame-slot.js'
import type { CameraFrame, FrameSource } from './frame.js'
import { createInboxSource } from './inbox-source.js'
import { Intake } from './intake.js'
import type { CameraOptions } from './options.js'
import { Outbox } from './outbox.js'
import { Report, type Log } from './report.js'
import { createSeaSource } from './sea-source.js'
import { SequenceNumbers } from './sequence.js'
import { Spool } from './spool.js'
import { createUploader } from './upload.js'
import { withoutSecrets } from './without-secrets.js'

/** What an agent runs with. */
export interface AgentSettings {
  options: CameraOptions
  password: string
  /** Where frames with a spill are kept; undefined keeps them in memory. */
  spoolPath: string | undefined
  log: Log
  /** Aborted to end it; it aborts it itself when a part fails. */
  stop: AbortController
  summaryEveryMs: number
}

/**
 * Source -> detector, if there is one -> spool, for frames with a spill -> server. All run side by side until `stop`,
 * and when one fails the others are stopped.
 * @throws CameraError when it cannot go on
 */
export async function runAgent ({ options, password, spoolPath, log, stop, summaryEveryMs }: AgentSettings): Promise<void> {
  const { signal } = stop
  const spool = await Spool.open({ folder: spoolPath, maxBytes: options.spoolMaxBytes, log })
  const numbers = await SequenceNumbers.open({ folder: spoolPath, highestUsed: spool.highestSequence, log })
  const report = new Report(log)
  const outbox = new Outbox(spool, signal)
  const newest = spool.entries.at(-1)
  const intake = new Intake({ numbers, outbox, report, position: options.position, runBefore: newest?.isClear === false ? newest.runId : undefined })
  const slot = new FrameSlot(signal)
  const detector = createDetector(options)
  const uploader = createUploader({ server: options.server, password, cameraId: options.cameraId })
  log(`sending ${withoutSecrets(options.file ?? options.inbox ?? 'a simulated sea')} to ${options.server.origin} at ${options.fps} frames a second`)
  if (spool.spillCount > 0) log(`frames with a spill that wait from before: ${spool.spillCount}`)
  const summarise = () => report.summary(slot.skippedCount + outbox.skippedCount, stateOf(spool))
  const summary = setInterval(summarise, summaryEveryMs)
  const take = detector === undefined
    ? (frame: CameraFrame) => intake.put(frame)
    : (frame: CameraFrame) => slot.put({ capturedAtMs: Date.now(), ...frame })
  const parts = [
    createSource(options, log, report)(take, signal),
    feed({ outbox, spool, uploader, report, signal }),
    ...detector === undefined ? [] : [inspectFrames({ slot, detector, put: frame => intake.put(frame), report, signal })]
  ]
  const ends = await Promise.allSettled(parts.map(part => part.finally(() => stop.abort())))
  clearInterval(summary)
  uploader.close()
  await intake.idle()
  await numbers.idle()
  await spool.close()
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  summarise()
}

function createSource ({ file, inbox, fps, size, spill }: CameraOptions, log: Log, report: Report): FrameSource {
  if (file !== undefined) return createFfmpegSource({ source: file, fps, size, spillDetected: spill, log })
  if (inbox !== undefined) return createInboxSource({ folder: inbox, fps, log, report })
  return createSeaSource({ fps, ...size ?? { width: 1280, height: 720 }, seed: 7 })
}

function createDetector ({ detectorCommand, detectorUrl, detectorTimeoutMs: timeoutMs }: CameraOptions): Detector | undefined {
  if (detectorCommand !== undefined) return createCommandDetector({ command: detectorCommand, timeoutMs })
  return detectorUrl && createUrlDetector({ url: detectorUrl, timeoutMs })
}

/** What a summary tells of a spool, where there is something to tell. */
function stateOf ({ spillCount, givenUpCount }: Spool): string[] {
  return [
    ...spillCount > 0 ? [`${spillCount} with a spill wait`] : [],
    ...givenUpCount > 0 ? [`${givenUpCount} WITH A SPILL GIVEN UP since the start`] : []
  ]
}
