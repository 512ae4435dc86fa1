import { FleetSettings, type UploaderReport } from './client-reports.js'
import { FeedConnection } from './feed-connection.js'
import { readFrames } from './frames.js'
import { ownCpuSeconds, readSettings, serveRunner } from './line-protocol.js'
import { monotonicNs } from './stamp.js'
import { quantile, Samples } from './statistics.js'
import { UploadConnection } from './upload-connection.js'

/**
 * Many cameras in one process: each has a connection, a path, a key and a count of frames of its own, and sends at a
 * steady rate, one request a frame or all of them in one endless request. Their turns are spread evenly over the time
 * between two frames.
 */

interface Camera {
  readonly connection: FeedConnection | UploadConnection
  sequence: number
}

const settings = readSettings(FleetSettings)
// The stamp brings the start of image along.
const bodies = readFrames(settings.framesFolder).map(jpeg => jpeg.subarray(2))
const turnMs = 1000 / (settings.framesPerSecond * settings.cameras.length)
const acksMs = new Samples()
let acknowledged = 0
let refused = 0
let missed = 0
let reconnects = 0
let beganNs = monotonicNs()
let cpuSecondsBefore = ownCpuSeconds()

const cameras = settings.cameras.map(({ path, headers }): Camera => ({ connection: connect(path, headers), sequence: 0 }))

function connect (path: string, headers: Record<string, string>): Camera['connection'] {
  const { port, method } = settings
  const onReconnect = (): void => { reconnects += 1 }
  if (settings.asFeed) {
    return new FeedConnection({ port, path, headers }, {
      onSent: () => { acknowledged += 1 },
      onAnswer: () => { refused += 1 },
      onReconnect
    })
  }
  return new UploadConnection({ port, path, headers, method }, {
    onIdle: () => {},
    onAnswer: (status, tookMs) => {
      if (status >= 200 && status < 300) acknowledged += 1
      else refused += 1
      acksMs.add(tookMs)
    },
    onReconnect
  })
}

function takeTurn (turn: number): void {
  const camera = cameras[turn % cameras.length]
  if (camera === undefined) return
  if (!camera.connection.idle) {
    missed += 1
    return
  }
  camera.sequence += 1
  // Cameras do not all show the same picture at once.
  const body = bodies[(turn + camera.sequence) % bodies.length]
  if (body === undefined) throw new Error(`no frames in ${settings.framesFolder}`)
  // The cameras' events do not all open at once either.
  const spill = settings.framesPerEvent !== null && (camera.sequence + turn % cameras.length) % settings.framesPerEvent === 0
  camera.connection.send(body, camera.sequence, spill)
}

/** Keeps to times counted from the start, so that no delay adds up. Ends after the last turn, where there is one. */
function startClock (): void {
  const startMs = performance.now()
  const turns = settings.framesEach === null ? Infinity : settings.framesEach * cameras.length
  let turn = 0
  const tick = (): void => {
    while (turn < turns && startMs + turn * turnMs <= performance.now()) takeTurn(turn++)
    if (turn < turns) setTimeout(tick, Math.max(0, startMs + turn * turnMs - performance.now()))
  }
  tick()
}

await Promise.all(cameras.map(async ({ connection }) => { await connection.connected() }))
startClock()
serveRunner({
  begin: () => {
    acknowledged = refused = missed = reconnects = 0
    acksMs.clear()
    cpuSecondsBefore = ownCpuSeconds()
    beganNs = monotonicNs()
  },
  report: (): UploaderReport => {
    const ackP50Ms = quantile(acksMs.values, 0.5)
    const ackP99Ms = quantile(acksMs.values, 0.99)
    return {
      seconds: (monotonicNs() - beganNs) / 1e9,
      acknowledged,
      ...ackP50Ms !== undefined && { ackP50Ms },
      ...ackP99Ms !== undefined && { ackP99Ms },
      refused,
      missed,
      reconnects,
      cpuSeconds: ownCpuSeconds() - cpuSecondsBefore
    }
  }
})
