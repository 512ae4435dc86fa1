import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { matroskaFrameHeader, matroskaHeader } from '../core/matroska.js'

/** A frame for a video. */
export interface VideoFrame { readonly takenAtMs: number, readonly width: number, readonly height: number, readonly jpeg: Buffer }

/** ffmpeg reads what it is given and nothing else. Every frame keeps its own time; a fragment begins every few seconds. */
const ARGS = [
  '-hide_banner', '-nostdin', '-loglevel', 'error', '-protocol_whitelist', 'pipe', '-format_whitelist', 'matroska', '-f', 'matroska', '-i', 'pipe:0',
  '-map', '0:v:0', '-an', '-fps_mode', 'passthrough', '-vf', 'scale=trunc(iw/2)*2:trunc(ih/2)*2,format=yuv420p',
  '-c:v', 'libx264', '-preset', 'veryfast', '-crf', '21', '-bf', '0', '-g', '20', '-threads', '1',
  '-video_track_timescale', '1000', '-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4', 'pipe:1'
]

/** Makes videos of clips with ffmpeg, a few at once. Its processes end with the one who watches, and with the server. */
export class ClipVideos {
  readonly #maxAtOnce: number
  readonly #ffmpeg: string
  readonly #running = new Set<ChildProcess>()
  #isThere: Promise<boolean> | undefined

  constructor (maxAtOnce: number, ffmpeg = 'ffmpeg') {
    this.#maxAtOnce = maxAtOnce
    this.#ffmpeg = ffmpeg
  }

  /** Whether this machine has an ffmpeg that can make MP4. */
  async isPossible (): Promise<boolean> {
    this.#isThere ??= this.#look()
    const isThere = await this.#isThere
    if (!isThere) this.#isThere = undefined // It may be installed while the server runs.
    return isThere
  }

  /** Makes a fragmented MP4 of frames in the order of their times. Undefined while as many as may be are being made. */
  make (frames: AsyncIterable<VideoFrame>): Readable | undefined {
    if (this.#running.size >= this.#maxAtOnce) return undefined
    const child = spawn(this.#ffmpeg, ARGS, { stdio: ['pipe', 'pipe', 'pipe'] })
    this.#running.add(child)
    child.once('close', () => { this.#running.delete(child) })
    child.once('error', () => { this.#running.delete(child) })
    yieldToOthers(child)
    return outputOf(child, frames)
  }

  /** Ends all. */
  close (): void {
    for (const child of this.#running) child.kill('SIGKILL')
  }

  async #look (): Promise<boolean> {
    const child = spawn(this.#ffmpeg, ['-hide_banner', '-h', 'encoder=libx264'], { stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => { text = (text + chunk).slice(0, 1000) })
    const end = await once(child, 'close').catch(() => undefined)
    return end !== undefined && text.includes('Encoder libx264')
  }
}

/** The video, which takes ffmpeg with it when it is destroyed. */
function outputOf (child: ChildProcess, frames: AsyncIterable<VideoFrame>): Readable {
  const { stdin, stdout, stderr } = child
  if (stdin === null || stdout === null || stderr === null) throw new Error('ffmpeg has no pipes')
  let words = ''
  let failure: Error | undefined
  stderr.setEncoding('utf8').on('data', (chunk: string) => { words = (words + chunk).slice(-1000) })
  const fed = feed(frames, stdin).catch((error: unknown) => {
    // Where ffmpeg ended first, its own words say why.
    if (error instanceof Error && !isBrokenPipe(error)) failure = error
    child.kill('SIGKILL')
  })
  const output = new Readable({
    read () { stdout.resume() },
    destroy (error, callback) {
      child.kill('SIGKILL')
      callback(error)
    }
  })
  stdout.on('data', (chunk: Buffer) => { if (!output.push(chunk)) stdout.pause() })
  child.once('error', error => { output.destroy(error) })
  child.once('close', (code: number | null) => {
    void fed.then(() => {
      if (failure === undefined && code === 0) output.push(null)
      else output.destroy(failure ?? new Error(`ffmpeg: ${words.trim()}`))
    })
  })
  return output
}

async function feed (frames: AsyncIterable<VideoFrame>, stdin: Writable): Promise<void> {
  await pipeline(Readable.from(matroskaOf(frames), { objectMode: false }), stdin)
}

async function * matroskaOf (frames: AsyncIterable<VideoFrame>): AsyncGenerator<Buffer> {
  let startMs: number | undefined
  let atMs = -1
  for await (const { takenAtMs, width, height, jpeg } of frames) {
    if (startMs === undefined) yield matroskaHeader(width, height)
    startMs ??= takenAtMs
    atMs = Math.max(atMs + 1, takenAtMs - startMs) // No two frames have the same time in a video.
    yield matroskaFrameHeader(atMs, jpeg.length)
    yield jpeg
  }
}

/** The live picture comes first. */
function yieldToOthers ({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It has ended already, or may not.
  }
}

function isBrokenPipe (error: Error): boolean {
  return 'code' in error && (error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE' || error.code === 'ECONNRESET')
}
