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

/** Requests for one and the same thing from a server with a million events, one after the other. */
export interface HistoryPoint extends Common {
  readonly kind: 'history'
  readonly path: string
  /** What an operator would ask the sqlite3 shell instead. */
  readonly sql?: string
  /** Whether it is asked by a person who logs in: what reviews say is for no one else. */
  readonly loggedIn?: boolean
}

/** The start of a server with a million events. */
export interface HistoryStartPoint extends Common { readonly kind: 'history-start' }

/** A million events in one answer, beside a live picture or not. */
export interface HistoryExportPoint extends Common {
  readonly kind: 'history-export'
  /** Whether it is asked for; without, there is only the live picture, to compare. */
  readonly exports: boolean
  /** Viewers of the live picture; without any there is none. */
  readonly viewers: number
}

export type Point = StreamPoint | SnapshotPoint | IdlePoint | ChurnPoint | CamerasPoint | MemoryPoint | HistoryPoint | HistoryStartPoint | HistoryExportPoint

/** What points are about; each has a part of its own in the document. */
export const GROUP_NAMES = ['camera', 'cameras', 'history'] as const
export type GroupName = typeof GROUP_NAMES[number]

/** The group of a point, by its kind. */
export function groupOf ({ kind }: { readonly kind: string }): GroupName {
  if (kind.startsWith('history')) return 'history'
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

/** A page of a hundred events. */
function page (name: string, title: string, query: string, where: string): HistoryPoint {
  return {
    kind: 'history',
    name: `history-page${name}`,
    title: `100 events${title}`,
    servers: ['ours', 'sqlite3'],
    path: `/api/oil_spill_events?limit=100${query}`,
    loggedIn: query.includes('&q='),
    sql: `SELECT * FROM oil_spill_events WHERE merged_into IS NULL${where} ORDER BY started_at_ms, id LIMIT 100`
  }
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
  memory(500),
  { kind: 'history-start', name: 'history-start', title: 'Start with a million events', servers: ['ours'] },
  { kind: 'history', name: 'history-status', title: 'Status', servers: ['ours'], path: '/api/status' },
  { kind: 'history', name: 'history-summary', title: 'Summary', servers: ['ours', 'sqlite3'], path: '/api/detection_summary', sql: 'SELECT count(*), max(started_at_ms) FROM oil_spill_events WHERE merged_into IS NULL' },
  { kind: 'history', name: 'history-event', title: 'One event', servers: ['ours', 'sqlite3'], path: '/api/oil_spill_events/500000', sql: 'SELECT * FROM oil_spill_events WHERE id = 500000' },
  page('', ', the oldest', '', ''),
  page('-newest', ', the newest', '&sort=-started_at', ' AND 1 = 1'),
  page('-camera', ' of a camera', '&camera=site-7', ' AND camera_id = \'site-7\''),
  page('-window', ' of a day', '&from=2024-02-29&to=2024-02-29', ' AND started_at_ms BETWEEN 1709164800000 AND 1709251199999'),
  page('-verdict', ' of a verdict', '&verdict=unsure', ' AND verdict = \'unsure\''),
  page('-sure', ' that the detector was nearly sure of', '&min_confidence=0.999', ' AND peak_confidence >= 0.999'),
  page('-place', ' of a place', '&bbox=2,54,2.5,54.5', ' AND longitude BETWEEN 2 AND 2.5 AND latitude BETWEEN 54 AND 54.5'),
  page('-words', ' with two words in their notes', '&q=tanker%20harbour', ' AND id IN (SELECT event_id FROM reviews WHERE notes LIKE \'%tanker%\' AND notes LIKE \'%harbour%\')'),
  page('-all', ' by camera, verdict, confidence and place', '&camera=site-7&verdict=confirmed&min_confidence=0.9&bbox=-5,50,12,62',
    ' AND camera_id = \'site-7\' AND verdict = \'confirmed\' AND peak_confidence >= 0.9 AND longitude BETWEEN -5 AND 12 AND latitude BETWEEN 50 AND 62'),
  page('-nowhere', ' of a place where there are none', '&bbox=100,-20,101,-19', ' AND longitude BETWEEN 100 AND 101 AND latitude BETWEEN -20 AND -19'),
  page('-nothing', ' with words that nobody wrote, of a verdict', '&verdict=confirmed&q=kraken', ' AND verdict = \'confirmed\' AND id IN (SELECT event_id FROM reviews WHERE notes LIKE \'%kraken%\')'),
  page('-none-so-sure', ' of cameras and a verdict, with a certainty that none has', '&camera=site-7&camera=site-8&verdict=confirmed&min_confidence=0.9999999',
    ' AND camera_id IN (\'site-7\', \'site-8\') AND verdict = \'confirmed\' AND peak_confidence >= 0.9999999'),
  { kind: 'history-export', name: 'history-watched', title: 'A live picture with 10 viewers, and a million events that nobody asks for', servers: ['ours'], exports: false, viewers: 10, seconds: 30 },
  { kind: 'history-export', name: 'history-export', title: 'The same, while all of them are exported as NDJSON', servers: ['ours'], exports: true, viewers: 10 },
  { kind: 'history-export', name: 'history-export-alone', title: 'All events as NDJSON, and no live picture', servers: ['ours', 'sqlite3'], exports: true, viewers: 0 }
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
