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

/** Many cameras, each with viewers of its own. */
export interface CamerasPoint extends Common {
  readonly kind: 'cameras'
  readonly cameras: number
  readonly viewersEach: number
  /** Of each camera. */
  readonly framesPerSecond: number
}

/** What cameras cost in memory: while they have sent nothing, and with one frame each. */
export interface MemoryPoint extends Common { readonly kind: 'camera-memory', readonly cameras: number }

export type Point = StreamPoint | SnapshotPoint | IdlePoint | ChurnPoint | CamerasPoint | MemoryPoint

/** What points are about; each has a part of its own in the document. */
export const GROUP_NAMES = ['camera', 'cameras'] as const
export type GroupName = typeof GROUP_NAMES[number]

/** The group of a point, by its kind. */
export function groupOf ({ kind }: { readonly kind: string }): GroupName {
  return kind === 'cameras' || kind === 'camera-memory' ? 'cameras' : 'camera'
}

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

function cameras (count: number, viewersEach: number, framesPerSecond: number, servers: readonly ServerName[], seconds?: number): CamerasPoint {
  const many = count === 1 ? '1 camera' : `${count} cameras`
  const name = viewersEach === 0 ? `unwatched-${count}` : `cameras-${count}`
  return {
    kind: 'cameras',
    name: framesPerSecond === 5 || count === 1 ? name : `${name}-at-${framesPerSecond}`,
    title: `${many}, 720p at ${framesPerSecond} frames/s, ${viewersEach === 0 ? 'nobody watches' : `${viewersEach} viewers each`}`,
    servers,
    cameras: count,
    viewersEach,
    framesPerSecond,
    ...seconds !== undefined && { seconds }
  }
}

function memory (count: number): MemoryPoint {
  return { kind: 'camera-memory', name: `memory-${count}`, title: `Memory of ${count} cameras`, servers: ['ours', 'node-net'], cameras: count }
}

/** What takes frames that nobody watches: in single requests, and in feeds. */
const TAKERS: readonly ServerName[] = ['ours', 'ours-feed', 'node-net', 'node-net-feed', 'mjpeg-server', 'mjpeg-consumer', 'nginx']

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
  { kind: 'churn', name: 'churn', title: '200 viewers a second that come, see one frame and leave, and one that stays', servers: ['ours'], seconds: 60, viewersPerSecond: 200 },
  cameras(50, 2, 5, ['ours', 'node-net']),
  cameras(100, 2, 5, ['ours', 'node-net']),
  cameras(200, 2, 5, ['ours', 'ours-feed', 'node-net', 'c-epoll', 'mjpeg-server', 'mjpeg-proxy']),
  cameras(500, 2, 5, ['ours', 'ours-feed', 'node-net']),
  cameras(1, 0, 30, TAKERS, 6),
  cameras(200, 0, 5, TAKERS),
  memory(200),
  memory(500)
]

/** What `--quick` takes of it. */
export const QUICK_POINTS: readonly Point[] = [
  watched(10, LEAN),
  watched(200, LEAN),
  watched(500, LEAN),
  stream('ingest', 'Uploads flat out over 32 connections, nobody watches', LEAN, { connections: 32, framesPerSecond: null }),
  snapshots(2, false),
  snapshots(32, false),
  cameras(50, 2, 5, ['ours', 'ours-feed', 'node-net']),
  cameras(50, 0, 5, ['ours', 'ours-feed', 'node-net']),
  { ...memory(200), servers: ['ours'] }
]
