import { setTimeout as wait } from 'node:timers/promises'
import type { SourceState } from '../core/source-report.js'
import { parseSourceUrl, type SourceUrl } from '../core/source-url.js'
import { Credentials } from '../outbound/credentials.js'
import { OutboundFailed, OutboundRefused } from '../outbound/guard.js'
import { whenAborted } from '../outbound/when-aborted.js'
import { Backoff } from './backoff.js'
import { readHttp } from './http-source.js'
import type { Reading, SourcePart } from './reading.js'
import { readRtmp, readRtsp } from './relayed-source.js'
import { SourceFailed } from './source-failed.js'

/** What to read, and where to put it. */
export interface PullOptions extends Pick<Reading, 'guard' | 'maxFrameBytes' | 'onPart' | 'signal'> {
  /** One that `sourceProblem` has nothing against. */
  readonly url: string
  /** Pictures a second: how often a snapshot address is asked, 1 by default; at most how many ffmpeg makes, all by default. MJPEG is taken as it comes. */
  readonly fps?: number | undefined
  /** Told of every change; the reason, of `waiting`, is for people to read and holds no secret of the address. */
  readonly onState: (state: SourceState, reason?: string) => void
  /** Told of every part that is no picture and was left out. */
  readonly onBadPart?: (reason: string) => void
  /** The program that reads what the server cannot: `ffmpeg`. */
  readonly ffmpeg?: string
  readonly times?: Partial<PullTimes>
}

/** How long to wait for what, in milliseconds. */
export interface PullTimes {
  /** From the start of a try to its first picture; a camera may send a whole one only every ten seconds. */
  readonly firstPictureMs: number
  /** Between two pictures. */
  readonly silenceMs: number
  readonly firstRetryMs: number
  readonly longestRetryMs: number
  /** Where somebody has to do something first: a wrong password, no ffmpeg. */
  readonly helplessRetryMs: number
  /** A try that gave pictures for so long makes the next wait short again. */
  readonly wellAfterMs: number
}

const TIMES: PullTimes = { firstPictureMs: 30_000, silenceMs: 15_000, firstRetryMs: 1000, longestRetryMs: 30_000, helplessRetryMs: 300_000, wellAfterMs: 20_000 }

/**
 * Reads a camera's source until the signal is aborted, and opens it again when it breaks off, falls silent or is not
 * there. When it returns, every connection and child process of it is gone.
 * @throws SourceFailed if the address is none that can be read; what `onPart`, `onState` or `onBadPart` throw ends a try
 */
export async function pullSource (options: PullOptions): Promise<void> {
  const source = parseSourceUrl(options.url)
  if ('problem' in source) throw new SourceFailed(source.problem)
  const times = { ...TIMES, ...options.times }
  const backoff = new Backoff(times.firstRetryMs, times.longestRetryMs)
  const kept = { source, credentials: Credentials.of(source.url), lastSnapshot: { headers: {} } }
  const { signal, onState } = options
  while (!signal.aborted) {
    onState('connecting')
    const { error, receivedForMs } = await tryOnce(options, kept, times)
    if (signal.aborted) return
    if (receivedForMs >= times.wellAfterMs) backoff.reset()
    onState('waiting', reasonOf(error))
    const ms = error instanceof SourceFailed && error.needsHelp ? times.helplessRetryMs : backoff.nextMs()
    await wait(ms, undefined, { signal }).catch(() => {})
  }
}

/** One try: how it ended, and how long there were pictures. */
async function tryOnce (options: PullOptions, kept: Pick<Reading, 'source' | 'credentials' | 'lastSnapshot'>, times: PullTimes): Promise<{ error: unknown, receivedForMs: number }> {
  const { guard, fps, maxFrameBytes, onPart, onState, onBadPart = () => {}, ffmpeg = 'ffmpeg' } = options
  const attempt = new AbortController()
  const stopListening = whenAborted(options.signal, () => { attempt.abort(options.signal.reason) })
  const silenceMs = Math.max(times.silenceMs, 3000 / (fps ?? 1))
  const silence = new Silence(ms => { attempt.abort(new SourceFailed(`no picture for ${Math.round(ms / 1000)} s`)) })
  let firstPictureMs: number | undefined
  const alive = () => {
    silence.expectWithin(silenceMs)
    if (firstPictureMs !== undefined) return
    firstPictureMs = performance.now()
    onState('receiving')
  }
  const takePart = (part: SourcePart) => {
    alive()
    const taken = onPart(part)
    if (taken === undefined) return
    // While it is taken nothing is read, which is not the camera's silence.
    silence.pause()
    return taken.finally(() => { if (!attempt.signal.aborted) silence.expectWithin(silenceMs) })
  }
  silence.expectWithin(times.firstPictureMs)
  let error: unknown
  try {
    await readerFor(kept.source)({ ...kept, guard, fps, maxFrameBytes, ffmpeg, onBadPart, onPart: takePart, onAlive: alive, signal: attempt.signal })
  } catch (thrown) {
    error = thrown
  }
  if (attempt.signal.aborted) error = attempt.signal.reason
  attempt.abort() // whatever is left of it
  silence.pause()
  stopListening()
  return { error, receivedForMs: firstPictureMs === undefined ? 0 : performance.now() - firstPictureMs }
}

function readerFor ({ scheme }: SourceUrl): (reading: Reading) => Promise<void> {
  if (scheme.startsWith('http')) return readHttp
  return scheme.startsWith('rtsp') ? readRtsp : readRtmp
}

/** Only our own errors are known to hold no secret. */
function reasonOf (error: unknown): string {
  if (error === undefined) return 'the stream ended'
  if (error instanceof SourceFailed || error instanceof OutboundRefused || error instanceof OutboundFailed) return error.message
  const code = error instanceof Error && 'code' in error ? String(error.code) : error instanceof Error ? error.name : 'unknown'
  return `the connection broke off (${code})`
}

/** A timer that says when something has not happened for too long. */
class Silence {
  readonly #onSilence: (ms: number) => void
  #timer: NodeJS.Timeout | undefined
  #ms = 0

  constructor (onSilence: (ms: number) => void) {
    this.#onSilence = onSilence
  }

  expectWithin (ms: number): void {
    if (this.#timer !== undefined && ms === this.#ms) {
      this.#timer.refresh()
      return
    }
    this.pause()
    this.#ms = ms
    this.#timer = setTimeout(() => { this.#onSilence(ms) }, ms)
  }

  pause (): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
