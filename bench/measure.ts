import { setTimeout } from 'node:timers/promises'
import { Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import type { Child } from './children.js'
import { ChurnReport, UploaderReport, ViewersReport } from './client-reports.js'
import { startChurn, startUploader, startViewers } from './clients.js'
import { common, endAll, ofAnswers, ofViewers, window } from './figures.js'
import { framesFolder, type FrameSize } from './frames.js'
import { measureCameras, warmUpCameras } from './measure-cameras.js'
import { measureHistory } from './measure-history.js'
import { measureMemory } from './measure-memory.js'
import { measureSnapshots } from './measure-snapshots.js'
import type { Metrics } from './metrics.js'
import { SLOW_BYTES_PER_SECOND, type ChurnPoint, type IdlePoint, type Point, type StreamPoint } from './points.js'
import { openFiles, processTree, rssBytes, socketBytes, voluntarySwitches } from './proc.js'
import { Sampler, type Sample } from './sampler.js'
import { startServer, type Ground, type RunningServer, type ServerName } from './servers.js'
import { WARM_UP_FRAMES_PER_SECOND, type Timing } from './timing.js'

const UPLOAD_PATH = '/api/upload_frame'
const STREAM_PATH = '/stream'
/** How long the kernel takes to fill what it holds for viewers that do not read. */
const BACKLOG_SECONDS = 5
const WARM_UP_VIEWERS = 10

/**
 * Puts one server to one work point: starts it, warms it up, loads it, and measures it for a while. Ends everything
 * that it started.
 */
export async function measure (point: Point, name: ServerName, timing: Timing, ground: Ground): Promise<Metrics> {
  if (point.kind === 'camera-memory') return await measureMemory(point, name, ground)
  if (point.kind === 'history' || point.kind === 'history-start' || point.kind === 'history-export') return await measureHistory(point, name, timing, ground)
  const server = await startServer(name, ground, point.kind === 'cameras' ? point.cameras : 0)
  try {
    await setTimeout(500)
    const idleRssMb = rssBytes(processTree(server.pid)) / 1e6
    if (point.kind === 'idle') return await measureIdle(point, server)
    if (point.kind === 'cameras') await warmUpCameras(point, server, timing)
    else if (name !== 'nginx') await warmUp(server, timing, point.kind === 'stream' ? point.size : '720p')
    const seconds = point.seconds ?? timing.seconds
    switch (point.kind) {
      case 'stream': return { ...await measureStream(point, name, server, { ...timing, seconds }), idleRssMb }
      case 'snapshots': return { ...await measureSnapshots(point, server, { ...timing, seconds }), idleRssMb }
      case 'cameras': return { ...await measureCameras(point, name, server, { ...timing, seconds }), idleRssMb }
      case 'churn': return { ...await measureChurn(point, server, timing), idleRssMb }
    }
  } finally {
    await server.end()
  }
}

/** The same for every server: many uploads and a few viewers, since V8 compiles as it runs. */
async function warmUp (server: RunningServer, timing: Timing, size: FrameSize): Promise<void> {
  const children: Child[] = []
  try {
    children.push(await uploader(server, size, 4, WARM_UP_FRAMES_PER_SECOND))
    children.push(await startViewers({ port: server.port, path: STREAM_PATH, cameras: 1, viewers: WARM_UP_VIEWERS, slowViewers: 0, slowBytesPerSecond: 0, stoppedViewers: 0 }))
    await setTimeout(timing.warmUpSeconds * 1000)
  } finally {
    await endAll(children)
  }
}

async function measureStream (point: StreamPoint, name: ServerName, server: RunningServer, timing: Timing): Promise<Metrics> {
  const children: Child[] = []
  try {
    const socketBytesBefore = socketBytes()
    const camera = await uploader(server, point.size, point.connections, point.framesPerSecond)
    children.push(camera)
    const { viewers, slowViewers, stoppedViewers } = point
    const audience = viewers === 0
      ? undefined
      : await startViewers({ port: server.port, path: STREAM_PATH, cameras: 1, viewers, slowViewers, slowBytesPerSecond: SLOW_BYTES_PER_SECOND, stoppedViewers })
    if (audience !== undefined) children.push(audience)
    await setTimeout((slowViewers + stoppedViewers > 0 ? BACKLOG_SECONDS : timing.settleSeconds) * 1000)
    const sample = await window(server, children, timing.seconds, socketBytesBefore)
    const uploads = await camera.answer(UploaderReport)
    const seen = await audience?.answer(ViewersReport)
    return {
      ...common(sample, [uploads, seen]),
      ...seen !== undefined && ofViewers(seen, sample),
      // mjpeg-proxy is not who answers the uploads.
      ...name !== 'mjpeg-proxy' && ofUploads(uploads, sample, viewers === 0),
      missed: uploads.missed,
      refused: uploads.refused
    }
  } finally {
    await endAll(children)
  }
}

function ofUploads (report: UploaderReport, sample: Sample, nothingElse: boolean): Metrics {
  const uploadsPerSecond = report.acknowledged / report.seconds
  return {
    uploadsPerSecond,
    ...nothingElse && { cpuMsPerUpload: sample.cpuSeconds / sample.seconds / uploadsPerSecond * 1000 },
    ...ofAnswers(report)
  }
}

async function measureIdle (point: IdlePoint, server: RunningServer): Promise<Metrics> {
  await setTimeout(2000)
  const before = voluntarySwitches(server.pid)
  const sampler = new Sampler(server.pid, socketBytes())
  await setTimeout(point.seconds * 1000)
  const sample = sampler.end()
  return {
    switchesPerSecond: (voluntarySwitches(server.pid) - before) / sample.seconds,
    cores: sample.cpuSeconds / sample.seconds,
    idleRssMb: sample.rssAtEndMb
  }
}

const Viewers = Type.Object({ viewers: Type.Integer() })

async function measureChurn (point: ChurnPoint, server: RunningServer, timing: Timing): Promise<Metrics> {
  const children: Child[] = []
  try {
    const camera = await uploader(server, '720p', 1, 30)
    children.push(camera)
    const visitors = await startChurn({ port: server.port, path: STREAM_PATH, viewersPerSecond: point.viewersPerSecond })
    children.push(visitors)
    await setTimeout(timing.settleSeconds * 1000)
    const openFilesBefore = openFiles(server.pid)
    for (const child of children) child.tell('begin')
    const sampler = new Sampler(server.pid, socketBytes())
    await setTimeout(point.seconds * 1000)
    visitors.tell('pause')
    await setTimeout(2000)
    const sample = sampler.end()
    const openFilesGrowth = openFiles(server.pid) - openFilesBefore // before there is a connection for the status
    const status = Value.Parse(Viewers, await (await fetch(`http://127.0.0.1:${server.port}/api/status`)).json())
    for (const child of children) child.tell('end')
    const uploads = await camera.answer(UploaderReport)
    const seen = await visitors.answer(ChurnReport)
    return {
      ...common(sample, [uploads, seen]),
      visitsPerSecond: seen.served / point.seconds,
      visitsFailed: seen.failed,
      viewersAfter: status.viewers,
      openFilesGrowth,
      framesPerSecondMedian: seen.stayerFramesPerSecond
    }
  } finally {
    await endAll(children)
  }
}

async function uploader (server: RunningServer, size: FrameSize, connections: number, framesPerSecond: number | null): Promise<Child> {
  return await startUploader({
    port: server.uploadPort,
    path: UPLOAD_PATH,
    headers: { ...server.uploadHeaders },
    framesFolder: framesFolder(size),
    connections,
    framesPerSecond
  })
}
