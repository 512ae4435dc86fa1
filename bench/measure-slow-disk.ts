import { mkdtempSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { BadDisk } from './bad-disk.js'
import { WATCH_PATH } from './camera-paths.js'
import type { Child } from './children.js'
import { UploaderReport, ViewersReport } from './client-reports.js'
import { startViewers } from './clients.js'
import { endAll } from './figures.js'
import { accepting, freePort } from './free-port.js'
import { fleet } from './measure-cameras.js'
import { copyCameras, startOurs } from './our-server.js'
import type { Ground } from './servers.js'
import { median } from './statistics.js'

/** What the server is put to. */
export interface SlowDiskLoad {
  readonly cameras: number
  readonly viewersEach: number
  /** Of each camera. */
  readonly framesPerSecond: number
  readonly flushDelayMs: number
  /** The server's threads for files: UV_THREADPOOL_SIZE. */
  readonly fileThreads: number
  readonly seconds: number
  readonly warmUpSeconds: number
}

/** What came of it. */
export interface SlowDiskFigures {
  readonly latencyP50Ms: number
  readonly latencyP99Ms: number
  readonly framesPerSecondMedian: number
  readonly framesPerSecondLeast: number
  readonly skipped: number
  /** Events that were stored meanwhile, over all cameras. */
  readonly eventsPerSecond: number
  readonly lostDetections: number
}

const Summary = Type.Object({ total_events: Type.Integer() })
const Status = Type.Object({ storage: Type.Object({ lost_detections: Type.Integer() }), cameras: Type.Object({ online: Type.Integer() }) })

/**
 * Feeds from cameras to a server each of whose flushes takes longer, with an event a second on each camera, or none. As
 * feeds, so that no camera waits for the disk itself and all frames come in their time.
 */
export async function measureSlowDisk (load: SlowDiskLoad, withEvents: boolean, ground: Ground): Promise<SlowDiskFigures> {
  const folder = realpathSync(mkdtempSync(join(ground.scratch, 'slow-disk-')))
  const keys = await copyCameras(ground, load.cameras, folder)
  const disk = new BadDisk(join(folder, 'data'), join(folder, 'control'))
  const children: Child[] = []
  try {
    const port = await freePort()
    const server = startOurs(ground, folder, port, undefined, { ...disk.environment, UV_THREADPOOL_SIZE: String(load.fileThreads) })
    children.push(server)
    await accepting(server, port)
    disk.set({ flushDelayMs: load.flushDelayMs })
    const target = {
      pid: server.pid, port, uploadPort: port, uploadHeaders: {}, uploadMethod: 'POST', cameraHeaders: keys.map(key => ({ 'X-Camera-Auth': key })), takesFeeds: true, end: async () => {}
    }
    const cameras = await fleet(target, load.cameras, load.framesPerSecond, null, withEvents ? load.framesPerSecond : null)
    children.unshift(cameras)
    // Nobody can watch a camera before its first frame.
    while ((await get(port, '/api/status', Status)).cameras.online < load.cameras) await setTimeout(50)
    const viewers = await startViewers({ port, path: WATCH_PATH, cameras: load.cameras, viewers: load.cameras * load.viewersEach, slowViewers: 0, slowBytesPerSecond: 0, stoppedViewers: 0 })
    children.unshift(viewers)
    await setTimeout(load.warmUpSeconds * 1000)
    for (const child of [cameras, viewers]) child.tell('begin')
    const before = await get(port, '/api/detection_summary', Summary)
    await setTimeout(load.seconds * 1000)
    for (const child of [cameras, viewers]) child.tell('end')
    const sent = await cameras.answer(UploaderReport)
    const seen = await viewers.answer(ViewersReport)
    if (sent.refused > 0 || seen.lost > 0 || seen.bad > 0) throw new Error(`${sent.refused} frames were refused, ${seen.lost} viewers lost, ${seen.bad} frames bad`)
    const after = await get(port, '/api/detection_summary', Summary)
    const { storage } = await get(port, '/api/status', Status)
    return {
      latencyP50Ms: seen.latencyP50Ms ?? NaN,
      latencyP99Ms: seen.latencyP99Ms ?? NaN,
      framesPerSecondMedian: median(seen.framesPerSecond) ?? NaN,
      framesPerSecondLeast: Math.min(...seen.framesPerSecond),
      skipped: seen.skipped,
      eventsPerSecond: (after.total_events - before.total_events) / seen.seconds,
      lostDetections: storage.lost_detections
    }
  } finally {
    disk.set()
    await endAll(children)
    disk.close()
  }
}

async function get<Schema extends TSchema> (port: number, path: string, schema: Schema): Promise<Static<Schema>> {
  return Value.Parse(schema, await (await fetch(`http://127.0.0.1:${port}${path}`)).json())
}
