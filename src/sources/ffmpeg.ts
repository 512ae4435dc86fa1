import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { whenAborted } from '../outbound/when-aborted.js'
import { readParts } from './part-reader.js'
import type { Reading } from './reading.js'
import { SourceFailed } from './source-failed.js'

/**
 * What ffmpeg may read: video as cameras send it. Play lists and scripts, which name other files and addresses, are not
 * among it.
 */
const FORMATS = 'mpegts,mpeg,flv,live_flv,mov,mp4,matroska,webm,h264,hevc,m4v,mjpeg,jpeg_pipe,png_pipe,ogg,avi,asf,rtsp'

/** What ffmpeg is to read. */
export interface FfmpegInput {
  /** The arguments up to and with `-i`, none of which may come from outside as it stands. */
  readonly args: readonly string[]
  /** The protocols that it may use, in ffmpeg's own words. */
  readonly protocols: string
  /** What goes into its standard input. */
  readonly bytes?: Readable
}

/**
 * Has ffmpeg turn a source into JPEGs, until it ends or the signal is aborted. ffmpeg gets all that it reads from this
 * process, through a pipe or the loopback, so it ends with it even after a kill -9. It never outlives the call.
 * @throws SourceFailed with ffmpeg's last words if it ends by itself
 */
export async function readThroughFfmpeg (input: FfmpegInput, reading: Reading): Promise<void> {
  const { signal, ffmpeg } = reading
  const child = spawn(ffmpeg, ffmpegArgs(input, reading.fps), { stdio: [input.bytes === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] })
  const closed = once(child, 'close').catch((error: unknown) => error)
  const words = lastWordsOf(child)
  // It has nothing to save, and SIGTERM can wait on a dead camera.
  const stopListening = whenAborted(signal, () => { child.kill('SIGKILL') })
  try {
    // ffmpeg may end first, which is its own matter: how it ended is told below.
    const fed = input.bytes === undefined || child.stdin === null ? undefined : pipeline(input.bytes, child.stdin).catch(() => {})
    if (child.stdout !== null) await readParts(child.stdout, reading)
    await Promise.all([fed, closed])
  } finally {
    child.kill('SIGKILL')
    input.bytes?.destroy()
    await closed
    stopListening()
  }
  const end = await closed
  if (end instanceof Error) throw startFailure(end)
  throw new SourceFailed(words() ?? 'the stream ended')
}

function ffmpegArgs ({ args, protocols }: FfmpegInput, fps: number | undefined): string[] {
  // A steady rate would repeat old pictures to make up for a gap. Pictures can be left out by their times; where none is
  // to be left out they are counted instead, since a camera's times may stand still or run backwards.
  const pace = fps === undefined
    ? ['-vf', 'settb=1/25,setpts=N', '-enc_time_base', '1/25', '-fps_mode', 'passthrough']
    : ['-r', String(fps), '-fps_mode', 'vfr']
  return [
    '-hide_banner', '-nostdin', '-loglevel', 'error', '-protocol_whitelist', protocols, '-format_whitelist', FORMATS, ...args,
    '-map', '0:v:0', ...pace, '-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', '4', '-flush_packets', '1', '-f', 'mpjpeg', 'pipe:1'
  ]
}

/** The last line that ffmpeg wrote, without the addresses in it. */
function lastWordsOf (child: ChildProcess): () => string | undefined {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => { text = (text + chunk).slice(-4096) })
  return () => {
    const line = text.trim().split('\n').at(-1)?.replace(/\b[a-z]+:\/\/\S+/gi, 'the source').slice(0, 300)
    return line === undefined || line === '' ? undefined : `ffmpeg: ${line}`
  }
}

function startFailure (error: Error): SourceFailed {
  const isMissing = 'code' in error && error.code === 'ENOENT'
  return new SourceFailed(isMissing
    ? 'ffmpeg was not found on the server: install it (Debian: apt-get install ffmpeg), or give an MJPEG or snapshot address'
    : `ffmpeg cannot be started: ${error.message}`, { needsHelp: true })
}
