import { setTimeout } from 'node:timers/promises'
import { Child } from './children.js'
import { SnapshotsReport } from './client-reports.js'
import { startSnapshots } from './clients.js'
import type { Metrics } from './metrics.js'
import type { SnapshotPoint } from './points.js'
import { socketBytes } from './proc.js'
import { Sampler } from './sampler.js'
import type { RunningServer } from './servers.js'
import { installed } from './tools.js'
import { parseWrk } from './wrk.js'
import type { Timing } from './timing.js'

const PATH = '/api/frame'

/** Measures how many snapshots a server answers. With wrk where it is installed, since that costs the least CPU. */
export async function measureSnapshots (point: SnapshotPoint, server: RunningServer, timing: Timing): Promise<Metrics> {
  const headers: Record<string, string> = {}
  if (point.conditional) {
    const answer = await fetch(`http://127.0.0.1:${server.port}${PATH}`)
    await answer.arrayBuffer()
    const tag = answer.headers.get('etag')
    if (tag === null) throw new Error('the snapshot has no ETag')
    headers['If-None-Match'] = tag
  }
  const wrk = installed('wrk')
  return wrk === undefined
    ? await withOwnClient(point, server, timing, headers)
    : await withWrk(wrk, point, server, timing, headers)
}

async function withWrk (wrk: string, { connections }: SnapshotPoint, server: RunningServer, timing: Timing, headers: Record<string, string>): Promise<Metrics> {
  const run = (seconds: number): Child => new Child('wrk', wrk, [
    '-t1', `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, '--latency', '--timeout', '5s',
    ...Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]),
    `http://127.0.0.1:${server.port}${PATH}`
  ])
  await run(timing.settleSeconds).output()
  const sampler = new Sampler(server.pid, socketBytes())
  const report = parseWrk(await run(timing.seconds).output())
  const sample = sampler.end()
  refuseRefusals(report)
  return {
    requestsPerSecond: report.requestsPerSecond,
    cpuMsPerRequest: sample.cpuSeconds / sample.seconds / report.requestsPerSecond * 1000,
    latencyP50Ms: report.latencyP50Ms,
    latencyP99Ms: report.latencyP99Ms,
    cores: sample.cpuSeconds / sample.seconds,
    peakRssMb: sample.rssPeakMb,
    machineBusy: sample.machineBusy
  }
}

async function withOwnClient (point: SnapshotPoint, server: RunningServer, timing: Timing, headers: Record<string, string>): Promise<Metrics> {
  const client = await startSnapshots({ port: server.port, path: PATH, connections: point.connections, headers })
  try {
    await setTimeout(timing.settleSeconds * 1000)
    client.tell('begin')
    const sampler = new Sampler(server.pid, socketBytes())
    await setTimeout(timing.seconds * 1000)
    const sample = sampler.end()
    client.tell('end')
    const report = await client.answer(SnapshotsReport)
    refuseRefusals(report)
    const requestsPerSecond = report.answers / report.seconds
    return {
      requestsPerSecond,
      cpuMsPerRequest: sample.cpuSeconds / sample.seconds / requestsPerSecond * 1000,
      ...report.latencyP50Ms !== undefined && { latencyP50Ms: report.latencyP50Ms },
      ...report.latencyP99Ms !== undefined && { latencyP99Ms: report.latencyP99Ms },
      cores: sample.cpuSeconds / sample.seconds,
      peakRssMb: sample.rssPeakMb,
      machineBusy: sample.machineBusy,
      clientCores: report.cpuSeconds / report.seconds
    }
  } finally {
    await client.end()
  }
}

/** Answers that are not the picture are quick ones, and would flatter. */
function refuseRefusals ({ refused }: { refused: number }): void {
  if (refused > 0) throw new Error(`${refused} snapshots were refused or failed`)
}
