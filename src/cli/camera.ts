import { existsSync, realpathSync } from 'node:fs'
import { readEnvironment } from '../config.js'
import { CameraError } from './camera/camera-error.js'
import { feed } from './camera/feed.js'
import { createFfmpegSource } from './camera/ffmpeg-source.js'
import { FrameSlot } from './camera/frame-slot.js'
import type { FrameSource } from './camera/frame.js'
import { parseOptions, usage, type CameraOptions } from './camera/options.js'
import { findPassword } from './camera/password.js'
import { Report, type Log } from './camera/report.js'
import { createSeaSource } from './camera/sea-source.js'
import { createUploader } from './camera/upload.js'
import { withoutSecrets } from './camera/without-secrets.js'

/** What the program prints to: `console`, or a test's. */
export type Terminal = Pick<Console, 'log' | 'error'>

/** What a caller in the same process may choose. */
export interface MainSettings {
  terminal?: Terminal
  /** Abort it to end the program. */
  stop?: AbortController
  summaryEveryMs?: number
}

/**
 * The camera program: takes frames from a source and sends them to a Videostream server, until SIGINT, SIGTERM or
 * `stop`. It knows of the server only what any camera knows: its address, the password and one HTTP request.
 * @param argv the arguments after the program's name; `usage` lists them
 * @returns the exit code: 0 when told to stop, 1 when it cannot go on, 2 for a mistake in how it was called
 */
export async function main (
  argv: string[], env: NodeJS.ProcessEnv,
  { terminal = console, stop = new AbortController(), summaryEveryMs = 30_000 }: MainSettings = {}
): Promise<number> {
  try {
    const options = parseOptions(argv)
    if (options === undefined) {
      terminal.log(usage)
    } else {
      const password = await findPassword(options.password, env)
      const log: Log = line => terminal.log(`${timeOfDay()} ${line}`)
      await stopOnSignals(runCamera(options, password, { log, stop, summaryEveryMs }), stop)
    }
    return 0
  } catch (error) {
    if (!(error instanceof CameraError)) throw error
    terminal.error(`camera: ${error.message}`)
    return error.exitCode
  }
}

/** Source -> slot -> server. The source and the upload run side by side, and when one fails the other is stopped. */
async function runCamera (
  options: CameraOptions, password: string, { log, stop, summaryEveryMs }: { log: Log, stop: AbortController, summaryEveryMs: number }
): Promise<void> {
  const { signal } = stop
  const slot = new FrameSlot(signal)
  const report = new Report(log)
  const uploader = createUploader({ server: options.server, password })
  const source = createSource(options, log)
  log(`sending ${withoutSecrets(options.file ?? 'a simulated sea')} to ${options.server.origin} at ${options.fps} frames a second`)
  const summary = setInterval(() => report.summary(slot.skippedCount), summaryEveryMs)
  const parts = [
    source(frame => {
      report.seen(frame)
      slot.put(frame)
    }, signal),
    feed({ slot, uploader, report, signal })
  ]
  const ends = await Promise.allSettled(parts.map(part => part.finally(() => stop.abort())))
  clearInterval(summary)
  uploader.close()
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  report.summary(slot.skippedCount)
}

function createSource ({ file, fps, size, spill }: CameraOptions, log: Log): FrameSource {
  if (file !== undefined) return createFfmpegSource({ source: file, fps, size, spillDetected: spill, log })
  return createSeaSource({ fps, ...size ?? { width: 1280, height: 720 }, seed: 7 })
}

/** Waits for a run that SIGINT and SIGTERM stop. */
async function stopOnSignals (run: Promise<void>, stop: AbortController): Promise<void> {
  const abort = () => stop.abort()
  process.once('SIGINT', abort).once('SIGTERM', abort)
  try {
    await run
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort)
  }
}

function timeOfDay (): string {
  return new Date().toISOString().slice(11, 19)
}

const startedFile = String(process.argv[1])
if (existsSync(startedFile) && realpathSync(startedFile) === import.meta.filename) {
  process.exitCode = await main(process.argv.slice(2), readEnvironment())
}
