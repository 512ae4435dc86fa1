import { cpus } from 'node:os'
import { setTimeout } from 'node:timers/promises'
import type { Child } from './children.js'
import type { UploaderReport, ViewersReport } from './client-reports.js'
import type { Metrics } from './metrics.js'
import { Sampler, type Sample } from './sampler.js'
import { median } from './statistics.js'

/** What points of several kinds have in common: the window, and what its figures mean. */

/** The time that counts: clients begin, the server is watched, clients end. Their reports are the next they say. */
export async function window (server: { readonly pid: number }, children: readonly Child[], seconds: number, socketBytesBefore: number): Promise<Sample> {
  for (const child of children) child.tell('begin')
  const sampler = new Sampler(server.pid, socketBytesBefore)
  await setTimeout(seconds * 1000)
  const sample = sampler.end()
  for (const child of children) child.tell('end')
  return sample
}

/** What is told of every point that has clients. */
export function common (sample: Sample, reports: ReadonlyArray<{ seconds: number, cpuSeconds: number } | undefined>): Metrics {
  const cores = sample.cpuSeconds / sample.seconds
  const clientsCores = reports.map(each => each === undefined ? 0 : each.cpuSeconds / each.seconds)
  return {
    cores,
    othersCores: Math.max(0, sample.machineBusy * cpus().length - cores - clientsCores.reduce((sum, each) => sum + each, 0)),
    peakRssMb: sample.rssPeakMb,
    rssGrowthMb: sample.rssAtEndMb - sample.rssAtStartMb,
    socketGrowthMb: sample.socketGrowthMb,
    machineBusy: sample.machineBusy,
    clientCores: Math.max(...clientsCores)
  }
}

/** Rates are taken by each side's own clock, since a loaded machine lets neither begin at the very moment. */
export function ofViewers (report: ViewersReport, sample: Sample): Metrics {
  const gigabytesPerSecond = report.bytes / report.seconds / 1e9
  return {
    cpuSecondsPerGb: sample.cpuSeconds / sample.seconds / gigabytesPerSecond,
    megabytesPerSecond: gigabytesPerSecond * 1000,
    framesPerSecondMedian: median(report.framesPerSecond) ?? 0,
    framesPerSecondLeast: Math.min(...report.framesPerSecond),
    framesPerSecondMost: Math.max(...report.framesPerSecond),
    ...report.slowFramesPerSecond.length > 0 && { slowFramesPerSecondMedian: median(report.slowFramesPerSecond) ?? 0 },
    ...report.latencyP50Ms !== undefined && { latencyP50Ms: report.latencyP50Ms },
    ...report.latencyP99Ms !== undefined && { latencyP99Ms: report.latencyP99Ms },
    skipped: report.skipped,
    repeated: report.repeated,
    outOfOrder: report.outOfOrder,
    bad: report.bad,
    lost: report.lost
  }
}

/** How soon uploads were answered. */
export function ofAnswers (report: UploaderReport): Metrics {
  return {
    ...report.ackP50Ms !== undefined && { ackP50Ms: report.ackP50Ms },
    ...report.ackP99Ms !== undefined && { ackP99Ms: report.ackP99Ms }
  }
}

/** Ends clients, all at once. */
export async function endAll (children: readonly Child[]): Promise<void> {
  await Promise.all(children.map(async each => { await each.end() }))
}
