import { ChurnSettings, type ChurnReport } from './client-reports.js'
import { ownCpuSeconds, readSettings, serveRunner } from './line-protocol.js'
import { monotonicNs } from './stamp.js'
import { ViewerConnection } from './viewer-connection.js'

/** Viewers that come at a steady rate and leave with their first frame, and one that stays. */

const settings = readSettings(ChurnSettings)
const sharedBuffer = Buffer.allocUnsafeSlow(512 * 1024)
let opened = 0
let served = 0
let failed = 0
let stayerFrames = 0
let beganNs = monotonicNs()
let cpuSecondsBefore = ownCpuSeconds()
let running = false

function visit (): void {
  opened += 1
  const viewer = new ViewerConnection({
    port: settings.port,
    path: settings.path,
    buffer: sharedBuffer,
    sink: {
      onFrame: () => {
        served += 1
        viewer.close()
      }
    },
    onBytes: () => true,
    onLost: () => { failed += 1 }
  })
}

const stayer = new ViewerConnection({
  port: settings.port,
  path: settings.path,
  buffer: sharedBuffer,
  sink: { onFrame: () => { stayerFrames += 1 } },
  onBytes: () => true,
  onLost: () => { failed += 1 }
})
while (!stayer.streaming) await new Promise(resolve => setTimeout(resolve, 5))

setInterval(() => {
  if (!running) return
  const due = (monotonicNs() - beganNs) / 1e9 * settings.viewersPerSecond
  while (opened < due) visit()
}, 5)

serveRunner({
  begin: () => {
    opened = served = failed = stayerFrames = 0
    cpuSecondsBefore = ownCpuSeconds()
    beganNs = monotonicNs()
    running = true
  },
  pause: () => { running = false },
  report: (): ChurnReport => {
    const seconds = (monotonicNs() - beganNs) / 1e9
    return {
      seconds,
      opened,
      served,
      failed,
      stayerFramesPerSecond: stayerFrames / seconds,
      cpuSeconds: ownCpuSeconds() - cpuSecondsBefore
    }
  }
})
