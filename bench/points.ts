import type { FrameSize } from './frames.js'
import type { ServerName } from './servers.js'

/** What servers are put to. Data only; measure.ts does it. */

interface Common {
  readonly name: string
  /** One line for tables. */
  readonly title: string
  readonly servers: readonly ServerName[]
  /** How long it is measured, where the run's own seconds do not fit. */
  readonly seconds?: number
}

/** A camera and viewers. */
export interface StreamPoint extends Common {
  readonly kind: 'stream'
  readonly viewers: number
  readonly slowViewers: number
  readonly stoppedViewers: number
  readonly size: FrameSize
  readonly connections: number
  /** Null for flat out. */
  readonly framesPerSecond: number | null
}

/** Requests for the newest frame, which stays the same meanwhile. */
export interface SnapshotPoint extends Common {
  readonly kind: 'snapshots'
  readonly connections: number
  /** Whether the client has the frame already and says so. */
  readonly conditional: boolean
}

/** Nothing at all, for a while. */
export interface IdlePoint extends Common { readonly kind: 'idle', readonly seconds: number }

/** Viewers that come and go. */
export interface ChurnPoint extends Common { readonly kind: 'churn', readonly seconds: number, readonly viewersPerSecond: number }

export type Point = StreamPoint | SnapshotPoint | IdlePoint | ChurnPoint

/** What each slow viewer reads. */
export const SLOW_BYTES_PER_SECOND = 50_000

const LEAN: readonly ServerName[] = ['ours', 'node-net', 'c-epoll']
const ALL: readonly ServerName[] = [...LEAN, 'mjpeg-server', 'mjpeg-proxy']
/** mjpeg-proxy takes no uploads. */
const UPLOADED_TO: readonly ServerName[] = [...LEAN, 'mjpeg-server']

function stream (name: string, title: string, servers: readonly ServerName[], more: Partial<StreamPoint>): StreamPoint {
  return { kind: 'stream', name, title, servers, viewers: 0, slowViewers: 0, stoppedViewers: 0, size: '720p', connections: 1, framesPerSecond: 30, ...more }
}

function watched (viewers: number, servers: readonly ServerName[]): StreamPoint {
  return stream(`viewers-${viewers}`, `${viewers} viewers, 720p at 30 frames/s`, servers, { viewers })
}

function snapshots (connections: number, conditional: boolean): SnapshotPoint {
  const name = `snapshots-${connections}${conditional ? '-unchanged' : ''}`
  const title = `Snapshots over ${connections} connections${conditional ? ', of a frame that the client has (304)' : ''}`
  return { kind: 'snapshots', name, title, servers: conditional ? ['ours'] : ['ours', 'node-net', 'nginx'], connections, conditional }
}

/** The whole benchmark. */
export const POINTS: readonly Point[] = [
  watched(10, ALL),
  watched(50, ALL),
  watched(200, ALL),
  watched(500, ALL),
  watched(1000, LEAN),
  stream('overload', '500 viewers, 1080p at 60 frames/s: more than one core can send', ALL, { viewers: 500, size: '1080p', framesPerSecond: 60 }),
  stream('ingest', 'Uploads flat out over 32 connections, nobody watches', UPLOADED_TO, { connections: 32, framesPerSecond: null }),
  stream('ingest-watched', 'Uploads flat out over 32 connections, 50 viewers', LEAN, { viewers: 50, connections: 32, framesPerSecond: null }),
  watched(15, ['ours', 'node-net']),
  stream('slow-5-of-20', '20 viewers, 5 of them read 50 kB/s', ['ours', 'node-net', 'mjpeg-server'], { viewers: 20, slowViewers: 5 }),
  stream('stopped-500-of-1000', '1000 viewers, 500 of them have stopped reading', LEAN, { viewers: 1000, stoppedViewers: 500 }),
  snapshots(2, false),
  snapshots(32, false),
  snapshots(2, true),
  snapshots(32, true),
  { kind: 'idle', name: 'idle', title: 'Nothing to do', servers: LEAN, seconds: 10 },
  { kind: 'churn', name: 'churn', title: '200 viewers a second that come, see one frame and leave, and one that stays', servers: ['ours'], seconds: 60, viewersPerSecond: 200 }
]

/** What `--quick` takes of it. */
export const QUICK_POINTS: readonly Point[] = [
  watched(10, LEAN),
  watched(200, LEAN),
  watched(500, LEAN),
  stream('ingest', 'Uploads flat out over 32 connections, nobody watches', LEAN, { connections: 32, framesPerSecond: null }),
  snapshots(2, false),
  snapshots(32, false)
]
