import { UploaderSettings, type UploaderReport } from './client-reports.js'
import { readFrames } from './frames.js'
import { ownCpuSeconds, readSettings, serveRunner } from './line-protocol.js'
import { monotonicNs } from './stamp.js'
import { quantile, Samples } from './statistics.js'
import { UploadConnection } from './upload-connection.js'

/** The camera: uploads frames over a few connections, at a steady rate or as fast as they are acknowledged. */

const settings = readSettings(UploaderSettings)
// The stamp brings the start of image along.
const bodies = readFrames(settings.framesFolder).map(jpeg => jpeg.subarray(2))
const acksMs = new Samples()
let sequence = 0
let acknowledged = 0
let refused = 0
let missed = 0
let reconnects = 0
let beganNs = monotonicNs()
let cpuSecondsBefore = ownCpuSeconds()

const connections = Array.from({ length: settings.connections }, () => new UploadConnection({ ...settings, method: 'POST' }, {
  onIdle: sendWhereFlatOut,
  onAnswer: (status, tookMs) => {
    if (status >= 200 && status < 300) acknowledged += 1
    else refused += 1
    acksMs.add(tookMs)
  },
  onReconnect: () => { reconnects += 1 }
}))

function send (connection: UploadConnection): void {
  sequence += 1
  const body = bodies[sequence % bodies.length]
  if (body === undefined) throw new Error(`no frames in ${settings.framesFolder}`)
  connection.send(body, sequence)
}

function sendWhereFlatOut (connection: UploadConnection): void {
  if (settings.framesPerSecond === null) send(connection)
  else if (turnPending) takeTurn()
}

let turnPending = false
let nextConnection = 0

/** Sends the frame whose turn it is on the next connection that is free, if any is. */
function takeTurn (): void {
  for (let tried = 0; tried < connections.length; tried++) {
    const connection = connections[nextConnection++ % connections.length]
    if (connection?.idle !== true) continue
    turnPending = false
    send(connection)
    return
  }
}

/** Keeps to times counted from the start, so that no delay adds up. */
function startClock (framesPerSecond: number): void {
  const startMs = performance.now()
  let turn = 0
  const tick = (): void => {
    while (startMs + turn * 1000 / framesPerSecond <= performance.now()) {
      if (turnPending) missed += 1
      turnPending = true
      turn += 1
    }
    if (turnPending) takeTurn()
    setTimeout(tick, Math.max(0, startMs + turn * 1000 / framesPerSecond - performance.now()))
  }
  tick()
}

await Promise.all(connections.map(async each => { await each.connected() }))
if (settings.framesPerSecond !== null) startClock(settings.framesPerSecond)
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
