import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { CameraError } from './camera-error.js'
import { describeInput } from './ffmpeg-input.js'
import type { FrameSource } from './frame.js'
import { messageOf } from './message-of.js'
import { MpjpegParser } from './mpjpeg.js'
import type { Size } from './options.js'
import { Backoff, pause } from './pause.js'
import type { Log } from './report.js'
import { withoutSecrets } from './without-secrets.js'

/** What to send through ffmpeg, and how. */
export interface FfmpegSettings {
  /** See `describeInput`. */
  source: string
  fps: number
  /** Undefined keeps the source's own size. */
  size: Size | undefined
  /** What to say of every frame, since there is no detector: whether it shows an oil spill. */
  spillDetected: boolean
  log: Log
  /** The program to run; tests name others. */
  command?: string
  /** How long a source may be silent before ffmpeg is started anew. */
  silenceMs?: number
}

/** How a run of ffmpeg ended. */
interface FfmpegEnd { frameCount: number, reason: string }

/**
 * A source of real frames: whatever the machine's ffmpeg can read. It is opened again when it ends, breaks off or falls
 * silent, unless it is a file that gave no frame at all: then it throws, with ffmpeg's own last words.
 */
export function createFfmpegSource (settings: FfmpegSettings): FrameSource {
  return async (put, signal) => {
    const { source, fps, size, spillDetected, log } = settings
    const input = await describeInput(source, fps)
    const scale = size === undefined ? [] : ['-vf', `scale=${size.width}:${size.height}`]
    const args = [
      '-hide_banner', '-nostdin', '-loglevel', 'error', ...input.args,
      '-an', '-r', String(fps), ...scale, '-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '4', '-f', 'mpjpeg', 'pipe:1'
    ]
    const backoff = new Backoff()
    let told = ''
    while (!signal.aborted) {
      const { frameCount, reason } = await runFfmpeg(settings, args, jpeg => put({ jpeg, spillDetected }), signal)
      if (signal.aborted) return
      if (frameCount > 0) backoff.reset()
      else if (!input.live) throw new CameraError(`ffmpeg cannot read ${source}: ${reason}`)
      if (frameCount > 0 || told !== reason) log(`no more pictures from ${withoutSecrets(source)} (${reason}): opening it again`)
      told = reason
      await pause(backoff.nextMs(), signal)
    }
  }
}

/** Runs ffmpeg until it ends, is silent for too long, or the signal is aborted. */
async function runFfmpeg (
  { command = 'ffmpeg', fps, silenceMs = Math.max(15_000, 3000 / fps) }: FfmpegSettings,
  args: string[], onJpeg: (jpeg: Buffer) => void, signal: AbortSignal
): Promise<FfmpegEnd> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const kill = () => { child.kill('SIGKILL') } // it has nothing to save, and SIGTERM can wait on a dead camera
  let ownReason: string | undefined
  const end = (reason: string) => {
    ownReason = reason
    kill()
  }
  const silence = setTimeout(() => end(`no picture for ${silenceMs / 1000} s`), silenceMs)
  signal.addEventListener('abort', kill, { once: true })
  const parser = new MpjpegParser()
  let frameCount = 0
  child.stdout.on('data', (chunk: Buffer) => {
    try {
      for (const jpeg of parser.push(chunk)) {
        frameCount++
        silence.refresh()
        onJpeg(jpeg)
      }
    } catch (error) {
      end(messageOf(error))
    }
  })
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => { words = (words + chunk).slice(-4096) })
  try {
    await once(child, 'close')
  } catch (error) {
    throw new CameraError(isMissing(error)
      ? 'ffmpeg was not found: install it (Debian: apt-get install ffmpeg) or leave out --file'
      : `ffmpeg cannot be started: ${messageOf(error)}`)
  } finally {
    clearTimeout(silence)
    signal.removeEventListener('abort', kill)
  }
  return { frameCount, reason: ownReason ?? withoutSecrets(words.trim().split('\n').at(-1) || 'it ended') }
}

function isMissing (error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
