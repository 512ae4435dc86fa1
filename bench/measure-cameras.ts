import { setTimeout } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { sendPath, statusPath, WATCH_PATH } from './camera-paths.js'
import type { Child } from './children.js'
import { UploaderReport, ViewersReport } from './client-reports.js'
import { startFleet, startViewers } from './clients.js'
import { common, endAll, ofAnswers, ofViewers, window } from './figures.js'
import { framesFolder } from './frames.js'
import type { Metrics } from './metrics.js'
import type { CamerasPoint } from './points.js'
import { socketBytes } from './proc.js'
import type { RunningServer, ServerName } from './servers.js'
import { WARM_UP_FRAMES_PER_SECOND, type Timing } from './timing.js'

/** How many frames may be on their way where it is counted whether all have arrived. */
const UNDER_WAY_EACH = 2

/** The point's own cameras and viewers, at as many frames a second as every other server is warmed up with. */
export async function warmUpCameras (point: CamerasPoint, server: RunningServer, timing: Timing): Promise<void> {
  const children: Child[] = []
  try {
    children.push(await fleet(server, point.cameras, WARM_UP_FRAMES_PER_SECOND / point.cameras))
    const audience = await watch(point, server)
    if (audience !== undefined) children.push(audience)
    await setTimeout(timing.warmUpSeconds * 1000)
  } finally {
    await endAll(children)
  }
}

/** Many cameras at a steady rate, each with viewers of its own. */
export async function measureCameras (point: CamerasPoint, name: ServerName, server: RunningServer, timing: Timing): Promise<Metrics> {
  const children: Child[] = []
  try {
    const socketBytesBefore = socketBytes()
    const cameras = await fleet(server, point.cameras, point.framesPerSecond)
    children.push(cameras)
    const audience = await watch(point, server)
    if (audience !== undefined) children.push(audience)
    await setTimeout(timing.settleSeconds * 1000)
    const receivedBefore = server.takesFeeds ? await framesReceived(point, server) : 0
    const sample = await window(server, children, timing.seconds, socketBytesBefore)
    const sent = await cameras.answer(UploaderReport)
    const seen = await audience?.answer(ViewersReport)
    if (sent.refused > 0) throw new Error(`${sent.refused} frames were refused`)
    if (server.takesFeeds) expectReceived(sent.acknowledged, await framesReceived(point, server) - receivedBefore, point)
    const framesInPerSecond = sent.acknowledged / sent.seconds
    return {
      ...common(sample, [sent, seen]),
      ...seen !== undefined && ofViewers(seen, sample),
      framesInPerSecond,
      cpuMsPerFrame: sample.cpuSeconds / sample.seconds / framesInPerSecond * 1000,
      // mjpeg-proxy is not who answers the uploads.
      ...name !== 'mjpeg-proxy' && ofAnswers(sent),
      missed: sent.missed
    }
  } finally {
    await endAll(children)
  }
}

/** Frames of a feed are not acknowledged: a server that passes them over would look cheap. */
function expectReceived (sent: number, received: number, { cameras }: CamerasPoint): void {
  if (received < sent - UNDER_WAY_EACH * cameras) throw new Error(`of ${sent} frames only ${received} were received`)
}

/** Starts so many cameras. They go on until they are ended, or for so many frames each. */
export async function fleet (
  server: RunningServer, cameras: number, framesPerSecond: number, framesEach: number | null = null, framesPerEvent: number | null = null
): Promise<Child> {
  return await startFleet({
    port: server.uploadPort,
    method: server.uploadMethod,
    cameras: Array.from({ length: cameras }, (_, index) => ({ path: sendPath(index, server.takesFeeds), headers: { ...server.cameraHeaders[index] } })),
    framesFolder: framesFolder('720p'),
    framesPerSecond,
    asFeed: server.takesFeeds,
    framesEach,
    framesPerEvent
  })
}

async function watch ({ cameras, viewersEach }: CamerasPoint, { port }: RunningServer): Promise<Child | undefined> {
  if (viewersEach === 0) return undefined
  return await startViewers({ port, path: WATCH_PATH, cameras, viewers: cameras * viewersEach, slowViewers: 0, slowBytesPerSecond: 0, stoppedViewers: 0 })
}

const Status = Type.Object({ frames_received: Type.Integer() })

/** All frames that the server has counted. */
async function framesReceived ({ cameras }: CamerasPoint, { port }: RunningServer): Promise<number> {
  let sum = 0
  for (let index = 0; index < cameras; index++) {
    const answer = await fetch(`http://127.0.0.1:${port}${statusPath(index)}`)
    sum += Value.Parse(Status, await answer.json()).frames_received
  }
  return sum
}
