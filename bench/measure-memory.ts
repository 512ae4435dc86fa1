import { setTimeout } from 'node:timers/promises'
import { UploaderReport } from './client-reports.js'
import { endAll } from './figures.js'
import { fleet } from './measure-cameras.js'
import type { Metrics } from './metrics.js'
import type { MemoryPoint } from './points.js'
import { processTree, rssBytes } from './proc.js'
import { startServer, type Ground, type RunningServer, type ServerName } from './servers.js'

/** Until a server has done what it does behind its start, or behind the last frame. */
const REST_SECONDS = 2
const FRAMES_PER_SECOND = 100

/**
 * The memory of a server without cameras, of a second one with so many that have sent nothing yet, and of that one once
 * each has sent one frame. Nobody watches, and nothing warms up: what V8 makes room for under load would hide the rest.
 */
export async function measureMemory ({ cameras }: MemoryPoint, name: ServerName, ground: Ground): Promise<Metrics> {
  const empty = await withServer(name, ground, 0, async server => await restingRss(server))
  return await withServer(name, ground, cameras, async server => {
    const idle = await restingRss(server)
    await sendOneFrameEach(server, cameras)
    const active = await restingRss(server)
    return {
      emptyRssMb: empty / 1e6,
      // The others know of a camera only once it sends.
      ...server.cameraHeaders.length > 0 && { idleCamerasRssMb: idle / 1e6, kibPerIdleCamera: (idle - empty) / 1024 / cameras },
      activeCamerasRssMb: active / 1e6,
      kibPerActiveCamera: (active - idle) / 1024 / cameras
    }
  })
}

async function withServer <T> (name: ServerName, ground: Ground, cameras: number, use: (server: RunningServer) => Promise<T>): Promise<T> {
  const server = await startServer(name, ground, cameras)
  try {
    return await use(server)
  } finally {
    await server.end()
  }
}

async function restingRss (server: RunningServer): Promise<number> {
  await setTimeout(REST_SECONDS * 1000)
  return rssBytes(processTree(server.pid))
}

async function sendOneFrameEach (server: RunningServer, cameras: number): Promise<void> {
  const senders = await fleet(server, cameras, FRAMES_PER_SECOND / cameras, 1)
  try {
    await setTimeout((cameras / FRAMES_PER_SECOND + 0.5) * 1000)
    senders.tell('end')
    const { acknowledged, refused } = await senders.answer(UploaderReport)
    if (acknowledged !== cameras) throw new Error(`of ${cameras} frames ${acknowledged} were acknowledged and ${refused} refused`)
  } finally {
    await endAll([senders])
  }
}
