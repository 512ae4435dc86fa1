import type { CameraKey, CameraSettings } from '../core/camera.js'
import type { LedgerPayload } from '../core/ledger.js'
import { maskedSource } from '../core/source-url.js'
import { wellFormed } from '../core/well-formed.js'
import type { Connection } from './database.js'
import { eventChanges } from './event-changes.js'
import type { Ledger } from './ledger-statements.js'

/** A camera as it was when the server last stopped. */
export interface StoredCamera {
  readonly settings: CameraSettings
  /** Whether an operator stopped its live picture. */
  readonly isStreamStopped: boolean
  /** When its newest frame was taken, as far as that was noted, known to a minute; null where it was not. */
  readonly newestTakenAtMs: number | null
  /** How far its clock was behind then, in milliseconds; null where that was not known. */
  readonly clockSkewMs: number | null
  /** What was noted of it last, and when; null for nothing. */
  readonly connection: { readonly connection: 'online' | 'offline', readonly atMs: number } | null
}

/** When a camera's newest frame was taken, and how far its clock was behind. */
export interface NewestFrameNote { readonly cameraId: string, readonly takenAtMs: number, readonly clockSkewMs: number | null }

/** A camera fell silent, or was heard again. */
export interface ConnectionNote {
  readonly cameraId: string
  readonly connection: 'online' | 'offline'
  readonly atMs: number
  readonly lastFrameAtMs: number | null
}

interface CameraRow {
  camera_id: string
  name: string
  site: string | null
  latitude: number | null
  longitude: number | null
  heading: number | null
  enabled: number
  source: string | null
  source_fps: number | null
}

type StoredRow = CameraRow & {
  stream_stopped_at_ms: number | null
  newest_taken_at_ms: number | null
  clock_skew_ms: number | null
  connection: 'online' | 'offline' | null
  connection_at_ms: number | null
}

/**
 * Every statement on cameras, their keys and their connections, prepared once. They run on the SQL thread. Of those that
 * change what somebody has set, `by` says who it was, as the ledger names them.
 */
export function cameraQueries (database: Connection, ledger: Ledger) {
  const { endOpen } = eventChanges(database, ledger)
  const tell = (action: string, cameraId: string, by: string, payload: LedgerPayload): void => {
    ledger.append({ actor: by, action, subject: `camera:${cameraId}`, payload })
  }
  const all = database.prepare<[], StoredRow>(`
    SELECT cameras.camera_id, name, site, latitude, longitude, heading, enabled, source, source_fps, stream_stopped_at_ms,
           newest_taken_at_ms, clock_skew_ms, connection, at_ms AS connection_at_ms
      FROM cameras
      LEFT JOIN camera_connections ON camera_connections.id = (SELECT max(id) FROM camera_connections WHERE camera_id = cameras.camera_id)
     WHERE archived_at_ms IS NULL ORDER BY created_at_ms, cameras.camera_id`)
  const insert = database.prepare<CameraRow & { created_at_ms: number }>(`
    INSERT INTO cameras (camera_id, name, site, latitude, longitude, heading, enabled, source, source_fps, created_at_ms)
    VALUES (:camera_id, :name, :site, :latitude, :longitude, :heading, :enabled, :source, :source_fps, :created_at_ms)`)
  const rowOf = database.prepare<[string], CameraRow>(
    'SELECT camera_id, name, site, latitude, longitude, heading, enabled, source, source_fps FROM cameras WHERE camera_id = ?')
  const update = database.prepare<CameraRow>(`
    UPDATE cameras SET name = :name, site = :site, latitude = :latitude, longitude = :longitude, heading = :heading,
           enabled = :enabled, source = :source, source_fps = :source_fps
     WHERE camera_id = :camera_id`)
  const hasHistory = database.prepare<{ id: string }, number>(`
    SELECT EXISTS (SELECT 1 FROM oil_spill_events WHERE camera_id = :id) OR EXISTS (SELECT 1 FROM camera_connections WHERE camera_id = :id)`).pluck()
  const archive = database.prepare<[number, string]>('UPDATE cameras SET archived_at_ms = ?, source = NULL WHERE camera_id = ?')
  const erase = database.prepare<[string]>('DELETE FROM cameras WHERE camera_id = ?')
  const keys = database.prepare<[], CameraKey>(
    'SELECT key_id AS keyId, camera_id AS cameraId, key_sha256 AS hash, created_at_ms AS createdAtMs FROM camera_keys ORDER BY created_at_ms, key_id')
  const insertKey = database.prepare<[string, string, string, number]>(
    'INSERT INTO camera_keys (key_id, camera_id, key_sha256, created_at_ms) VALUES (?, ?, ?, ?)')
  const deleteKey = database.prepare<[string], string>('DELETE FROM camera_keys WHERE key_id = ? RETURNING camera_id').pluck()
  const deleteKeys = database.prepare<[string]>('DELETE FROM camera_keys WHERE camera_id = ?')
  const isStopped = database.prepare<[string], number>('SELECT stream_stopped_at_ms IS NOT NULL FROM cameras WHERE camera_id = ?').pluck()
  const setStreamStopped = database.prepare<[number | null, string]>('UPDATE cameras SET stream_stopped_at_ms = ? WHERE camera_id = ?')
  const setNewestTaken = database.prepare<[number, number | null, string]>('UPDATE cameras SET newest_taken_at_ms = ?, clock_skew_ms = ? WHERE camera_id = ?')
  const noteConnection = database.prepare<[string, number, number | null, string]>(`
    INSERT INTO camera_connections (camera_id, connection, at_ms, last_frame_at_ms) SELECT camera_id, ?, ?, ? FROM cameras WHERE camera_id = ?`)
  const connections = database.prepare<[string, number], ConnectionNote>(`
    SELECT camera_id AS cameraId, connection, at_ms AS atMs, last_frame_at_ms AS lastFrameAtMs
      FROM camera_connections WHERE camera_id = ? ORDER BY id DESC LIMIT ?`)

  return {
    /** Every camera that was not removed, in the order in which they were made, and the keys of all. */
    loadCameras (): { cameras: StoredCamera[], keys: CameraKey[] } { return { cameras: all.all().map(fromRow), keys: keys.all() } },
    /** Throws SQLITE_CONSTRAINT_PRIMARYKEY where the id is taken. */
    insertCamera (settings: CameraSettings, createdAtMs: number, by = 'server'): void {
      insert.run({ ...toRow(settings), created_at_ms: createdAtMs })
      tell('camera.added', settings.cameraId, by, { camera: shownOf(toRow(settings)) })
    },
    updateCamera (settings: CameraSettings, by = 'server'): void {
      const [before, after] = [rowOf.get(settings.cameraId), toRow(settings)]
      update.run(after)
      const changed = before === undefined ? [] : namesOf(after).filter(name => before[name] !== after[name])
      if (changed.length > 0) tell('camera.changed', settings.cameraId, by, { changed, camera: shownOf(after) })
    },
    /** Removes a camera and its keys; one that has a history is only put away. Returns whether it has. */
    removeCamera (cameraId: string, atMs: number, by = 'server'): boolean {
      deleteKeys.run(cameraId)
      if (hasHistory.get({ id: cameraId }) === 0) {
        erase.run(cameraId)
        tell('camera.removed', cameraId, by, { archived: false })
        return false
      }
      endOpen(cameraId)
      archive.run(atMs, cameraId)
      tell('camera.removed', cameraId, by, { archived: true })
      return true
    },
    insertCameraKey ({ keyId, cameraId, hash, createdAtMs }: CameraKey, by = 'server'): void {
      insertKey.run(keyId, cameraId, hash, createdAtMs)
      tell('camera.key_added', cameraId, by, { key_id: keyId })
    },
    deleteCameraKey (keyId: string, by = 'server'): void {
      for (const cameraId of deleteKey.all(keyId)) tell('camera.key_removed', cameraId, by, { key_id: keyId })
    },
    /** Told is only what changes: a camera may start its stream as often as it likes. */
    setStreamStopped (cameraId: string, atMs: number | null, by = 'server'): void {
      const wasStopped = isStopped.get(cameraId) === 1
      setStreamStopped.run(atMs, cameraId)
      if (wasStopped !== (atMs !== null)) tell(atMs === null ? 'camera.stream_started' : 'camera.stream_stopped', cameraId, by, {})
    },
    /** Notes when the newest frame of each camera was taken. */
    noteNewestFrames (notes: readonly NewestFrameNote[]): void {
      for (const { cameraId, takenAtMs, clockSkewMs } of notes) setNewestTaken.run(takenAtMs, clockSkewMs, cameraId)
    },
    /** Those of cameras that are gone are left out. */
    noteConnections (notes: readonly ConnectionNote[]): void {
      for (const { cameraId, connection, atMs, lastFrameAtMs } of notes) {
        if (noteConnection.run(connection, atMs, lastFrameAtMs, cameraId).changes === 0) continue
        ledger.append({ actor: 'server', action: `camera.${connection}`, subject: `camera:${cameraId}`, payload: { at_ms: atMs, last_frame_at_ms: lastFrameAtMs } })
      }
    },
    /** The newest notes of a camera, newest first. */
    connectionsOf (cameraId: string, limit: number): ConnectionNote[] { return connections.all(cameraId, limit) }
  }
}

/** Those of them that change something. */
export const WRITING_CAMERA_QUERIES: ReadonlyArray<keyof ReturnType<typeof cameraQueries>> = [
  'insertCamera', 'updateCamera', 'removeCamera', 'insertCameraKey', 'deleteCameraKey', 'setStreamStopped', 'noteNewestFrames', 'noteConnections'
]

function fromRow (row: StoredRow): StoredCamera {
  return {
    settings: {
      cameraId: row.camera_id,
      name: row.name,
      site: row.site,
      latitude: row.latitude,
      longitude: row.longitude,
      heading: row.heading,
      enabled: row.enabled === 1,
      source: row.source,
      sourceFps: row.source_fps
    },
    isStreamStopped: row.stream_stopped_at_ms !== null,
    newestTakenAtMs: row.newest_taken_at_ms,
    clockSkewMs: row.clock_skew_ms,
    connection: row.connection === null || row.connection_at_ms === null ? null : { connection: row.connection, atMs: row.connection_at_ms }
  }
}

/** What the ledger shows of a camera: no password of its source. */
function shownOf ({ camera_id: _cameraId, source, enabled, ...rest }: CameraRow): LedgerPayload {
  return {
    ...rest,
    enabled: enabled === 1,
    source: source === null ? null : wellFormed(maskedSource(source))
  }
}

function namesOf (row: CameraRow): Array<keyof CameraRow> {
  return ['name', 'site', 'latitude', 'longitude', 'heading', 'enabled', 'source', 'source_fps'].filter(name => isColumn(name, row))
}

function isColumn (name: string, row: CameraRow): name is keyof CameraRow {
  return name in row
}

function toRow (settings: CameraSettings): CameraRow {
  return {
    camera_id: settings.cameraId,
    name: wellFormed(settings.name),
    site: settings.site === null ? null : wellFormed(settings.site),
    latitude: settings.latitude,
    longitude: settings.longitude,
    heading: settings.heading,
    enabled: settings.enabled ? 1 : 0,
    source: settings.source,
    source_fps: settings.sourceFps
  }
}
