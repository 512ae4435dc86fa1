import { ViewersSettings, type ViewersReport } from './client-reports.js'
import { ownCpuSeconds, readSettings, serveRunner } from './line-protocol.js'
import type { FrameSink } from './multipart.js'
import { monotonicNs, readStamp } from './stamp.js'
import { quantile, Samples } from './statistics.js'
import { ViewerConnection } from './viewer-connection.js'

/**
 * Many viewers of one stream, or of many cameras' streams, in one process: opens them, is ready once each has had a
 * frame (or after a while, if some get none), and reports what they get.
 */

const READ_BYTES = 512 * 1024
const SLOW_READ_BYTES = 4096
const SLOW_TICK_MS = 20
const READY_DEADLINE_MS = 20_000
const OPEN_TOGETHER = 16

const settings = readSettings(ViewersSettings)
const sharedBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
const latenciesMs = new Samples()
let beganNs = monotonicNs()
let cpuSecondsBefore = ownCpuSeconds()
let bytes = 0
let lost = 0

type Pace = 'free' | 'slow' | 'stopped'

/** Counts what one viewer gets, and reads at its pace. */
class CountingViewer implements FrameSink {
  readonly pace: Pace
  readonly #connection: ViewerConnection
  #lastSequence = -1
  #budget = 0
  gone = false
  seen = false
  frames = 0
  skipped = 0
  repeated = 0
  outOfOrder = 0
  bad = 0

  constructor (pace: Pace, camera: number) {
    this.pace = pace
    this.#connection = new ViewerConnection({
      port: settings.port,
      path: settings.path.replace('{camera}', String(camera)),
      buffer: pace === 'free' ? sharedBuffer : Buffer.allocUnsafeSlow(SLOW_READ_BYTES),
      sink: this,
      onBytes: count => this.#onBytes(count),
      onLost: () => {
        this.gone = true
        lost += 1
      }
    })
  }

  get ready (): boolean {
    return this.gone || (this.pace === 'stopped' ? this.#connection.streaming : this.seen)
  }

  get streaming (): boolean { return this.gone || this.#connection.streaming }

  onFrame (head: Uint8Array, whole: boolean): void {
    this.seen = true
    this.frames += 1
    if (!whole) this.bad += 1
    const stamp = readStamp(head)
    if (stamp === undefined) {
      this.bad += 1
      return
    }
    if (this.pace === 'free') latenciesMs.add((monotonicNs() - stamp.sentAtNs) / 1e6)
    const step = stamp.sequence - this.#lastSequence
    if (this.#lastSequence >= 0) {
      if (step === 0) this.repeated += 1
      else if (step < 0) this.outOfOrder += 1
      else this.skipped += step - 1
    }
    this.#lastSequence = stamp.sequence
  }

  /** Allows a slow viewer so many bytes more. */
  allow (count: number): void {
    if (this.gone) return
    this.#budget = Math.min(this.#budget + count, 2 * SLOW_READ_BYTES)
    if (this.#budget > 0) this.#connection.resume()
  }

  clear (): void {
    this.frames = this.skipped = this.repeated = this.outOfOrder = this.bad = 0
  }

  #onBytes (count: number): boolean {
    bytes += count
    this.#budget -= count
    return this.pace === 'free' || (this.pace === 'slow' && this.#budget > 0)
  }
}

const viewers: CountingViewer[] = []
const paceOf = (index: number): Pace => {
  const fromEnd = settings.viewers - index
  if (fromEnd <= settings.stoppedViewers) return 'stopped'
  return fromEnd <= settings.stoppedViewers + settings.slowViewers ? 'slow' : 'free'
}

async function until (condition: () => boolean, deadlineMs: number): Promise<void> {
  while (!condition() && performance.now() < deadlineMs) await new Promise(resolve => setTimeout(resolve, 2))
}

const deadlineMs = performance.now() + READY_DEADLINE_MS
// The first alone: mjpeg-proxy answers wrongly those that come before its own source has answered.
for (let next = 0; next < settings.viewers; next = viewers.length) {
  const count = next === 0 ? 1 : OPEN_TOGETHER
  while (viewers.length < Math.min(next + count, settings.viewers)) viewers.push(new CountingViewer(paceOf(viewers.length), viewers.length % settings.cameras))
  await until(() => viewers.slice(next).every(each => each.streaming), deadlineMs)
}
const slow = viewers.filter(({ pace }) => pace === 'slow')
if (slow.length > 0) {
  setInterval(() => {
    for (const viewer of slow) viewer.allow(settings.slowBytesPerSecond * SLOW_TICK_MS / 1000)
  }, SLOW_TICK_MS)
}
await until(() => viewers.every(each => each.ready || each.pace === 'slow'), deadlineMs)

serveRunner({
  begin: () => {
    for (const viewer of viewers) viewer.clear()
    latenciesMs.clear()
    bytes = 0
    cpuSecondsBefore = ownCpuSeconds()
    beganNs = monotonicNs()
  },
  report: () => report((monotonicNs() - beganNs) / 1e9)
})

function report (seconds: number): ViewersReport {
  const cpuSeconds = ownCpuSeconds() - cpuSecondsBefore
  const latencyP50Ms = quantile(latenciesMs.values, 0.5)
  const latencyP99Ms = quantile(latenciesMs.values, 0.99)
  const free = viewers.filter(({ pace }) => pace === 'free')
  const sum = (key: 'skipped' | 'repeated' | 'outOfOrder' | 'bad'): number => free.reduce((total, each) => total + each[key], 0)
  return {
    seconds,
    bytes,
    framesPerSecond: free.map(({ frames }) => frames / seconds),
    slowFramesPerSecond: slow.map(({ frames }) => frames / seconds),
    ...latencyP50Ms !== undefined && { latencyP50Ms },
    ...latencyP99Ms !== undefined && { latencyP99Ms },
    skipped: sum('skipped'),
    repeated: sum('repeated'),
    outOfOrder: sum('outOfOrder'),
    bad: viewers.reduce((total, each) => total + each.bad, 0),
    lost,
    cpuSeconds
  }
}
