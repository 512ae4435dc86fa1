import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { Child } from './children.js'
import { SnapshotsReport, UploaderReport, ViewersReport } from './client-reports.js'
import { startSnapshots, startUploader, startViewers } from './clients.js'
import { common, endAll, ofViewers, window } from './figures.js'
import { framesFolder } from './frames.js'
import { accepting, freePort } from './free-port.js'
import { HISTORY_EVENTS, historyFolder } from './make-history.js'
import type { Metrics } from './metrics.js'
import { OUR_ADMIN_HEADERS, OUR_UPLOAD_HEADERS, startOurs } from './our-server.js'
import type { HistoryExportPoint, HistoryPoint, HistoryStartPoint } from './points.js'
import { processTree, rssBytes, socketBytes } from './proc.js'
import { Sampler } from './sampler.js'
import type { Ground, ServerName } from './servers.js'
import { quantile, Samples } from './statistics.js'
import type { Timing } from './timing.js'
import { installed } from './tools.js'

const ALL_EVENTS = '/api/oil_spill_events?format=ndjson'
/** Beside a live picture: such a camera as in the points about one. */
const FRAMES_PER_SECOND = 30
/** A million events in one answer take their time. */
const EXPORT_DEADLINE_MS = 300_000

/** How a server with a million events starts, answers, and gives all of them away. */
export async function measureHistory (point: HistoryPoint | HistoryStartPoint | HistoryExportPoint, name: ServerName, timing: Timing, ground: Ground): Promise<Metrics> {
  const folder = historyFolder(HISTORY_EVENTS)
  if (name === 'sqlite3') return point.kind === 'history' ? askShell(folder, point, timing) : exportByShell(folder)
  const port = await freePort()
  const startedMs = performance.now()
  const server = startOurs(ground, mkdtempSync(join(ground.scratch, 'history-')), port, folder)
  try {
    await accepting(server, port)
    const startSeconds = (performance.now() - startedMs) / 1000
    await setTimeout(2000)
    const idleRssMb = rssBytes(processTree(server.pid)) / 1e6
    switch (point.kind) {
      case 'history-start': return { startSeconds, idleRssMb, peakRssMb: idleRssMb }
      case 'history': return await ask(point, server, port, timing)
      case 'history-export': return { ...await exportAll(point, server, port, timing, idleRssMb), idleRssMb }
    }
  } finally {
    await server.end()
  }
}

/** The same request again and again over one connection. */
async function ask (point: HistoryPoint, server: Child, port: number, timing: Timing): Promise<Metrics> {
  const client = await startSnapshots({ port, path: point.path, headers: point.loggedIn === true ? OUR_ADMIN_HEADERS : {}, connections: 1 })
  try {
    await setTimeout(timing.warmUpSeconds * 1000)
    const sample = await window({ pid: server.pid }, [client], timing.seconds, socketBytes())
    const report = await client.answer(SnapshotsReport)
    if (report.refused > 0) throw new Error(`${report.refused} requests were refused or failed`)
    return { ...common(sample, [report]), ...ofLatencies(report), requestsPerSecond: report.answers / report.seconds }
  } finally {
    await client.end()
  }
}

function ofLatencies ({ latencyP50Ms, latencyP99Ms }: { latencyP50Ms?: number, latencyP99Ms?: number }): Metrics {
  return { ...latencyP50Ms !== undefined && { latencyP50Ms }, ...latencyP99Ms !== undefined && { latencyP99Ms } }
}

/** All events in one answer, once, beside a live picture where the point wants one. */
async function exportAll (point: HistoryExportPoint, server: Child, port: number, timing: Timing, idleRssMb: number): Promise<Metrics> {
  const children: Child[] = []
  try {
    if (point.viewers > 0) {
      children.push(await startUploader({
        port, path: '/api/upload_frame', headers: { ...OUR_UPLOAD_HEADERS }, framesFolder: framesFolder('720p'), connections: 1, framesPerSecond: FRAMES_PER_SECOND
      }))
      children.push(await startViewers({ port, path: '/stream', cameras: 1, viewers: point.viewers, slowViewers: 0, slowBytesPerSecond: 0, stoppedViewers: 0 }))
      await setTimeout(timing.warmUpSeconds * 1000)
    }
    for (const child of children) child.tell('begin')
    const sampler = new Sampler(server.pid, socketBytes())
    const fetched = point.exports ? await download(port) : undefined
    if (fetched === undefined) await setTimeout((point.seconds ?? timing.seconds) * 1000)
    const sample = sampler.end()
    for (const child of children) child.tell('end')
    const uploads = await children[0]?.answer(UploaderReport)
    const seen = await children[1]?.answer(ViewersReport)
    return {
      ...common(sample, [uploads, seen]),
      ...seen !== undefined && ofViewers(seen, sample),
      ...fetched !== undefined && { exportSeconds: sample.seconds, exportMegabytes: fetched / 1e6, rssAboveIdleMb: sample.rssPeakMb - idleRssMb }
    }
  } finally {
    await endAll(children)
  }
}

/** Takes the whole history with curl, which writes it to wc, so that a line missing shows. Returns its bytes. */
async function download (port: number): Promise<number> {
  const child = new Child('curl', 'sh', ['-c', `curl -sSf 'http://127.0.0.1:${port}${ALL_EVENTS}' | wc -lc`])
  try {
    const [lines, bytes] = (await child.line(EXPORT_DEADLINE_MS)).trim().split(/\s+/).map(Number)
    if (lines === undefined || bytes === undefined || lines < HISTORY_EVENTS) throw new Error(`the export has only ${lines} lines: ${child.errorText}`)
    return bytes
  } finally {
    await child.end()
  }
}

/** What the sqlite3 shell takes from its start to the JSON of the same events, by the SELECT that an operator would type. */
function askShell (folder: string, { sql = '' }: HistoryPoint, timing: Timing): Metrics {
  const latenciesMs = new Samples()
  const untilMs = performance.now() + timing.seconds * 1000
  let count = 0
  for (; performance.now() < untilMs; count++) {
    const beganMs = performance.now()
    shell(folder, sql, 'pipe')
    latenciesMs.add(performance.now() - beganMs)
  }
  const [latencyP50Ms, latencyP99Ms] = [quantile(latenciesMs.values, 0.5), quantile(latenciesMs.values, 0.99)]
  return { ...latencyP50Ms !== undefined && { latencyP50Ms }, ...latencyP99Ms !== undefined && { latencyP99Ms }, requestsPerSecond: count / timing.seconds }
}

function exportByShell (folder: string): Metrics {
  const beganMs = performance.now()
  shell(folder, 'SELECT * FROM oil_spill_events WHERE merged_into IS NULL ORDER BY started_at_ms, id', 'ignore')
  return { exportSeconds: (performance.now() - beganMs) / 1000 }
}

function shell (folder: string, sql: string, stdout: 'pipe' | 'ignore'): void {
  const { status, stderr } = spawnSync(installed('sqlite3') ?? 'sqlite3', ['-readonly', '-json', join(folder, 'videostream.db'), sql], { stdio: ['ignore', stdout, 'pipe'], encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (status !== 0) throw new Error(`sqlite3 failed: ${stderr}`)
}
