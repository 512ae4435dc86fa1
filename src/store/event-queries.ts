import type { OilSpillEvent } from '../core/event.js'
import type { Connection } from './database.js'

/** A new event, before it has an id. */
export type NewEvent = Omit<OilSpillEvent, 'id' | 'endedAtMs' | 'lastDetectedAtMs'>

/** Where a page of the history goes on: behind this event, in the order of start and id. */
export interface EventPosition { readonly startedAtMs: number, readonly id: number }

interface EventRow {
  id: number
  camera_id: string
  started_at_ms: number
  last_detected_at_ms: number
  ended_at_ms: number | null
  frame_path: string
  frame_sha256: string
  frame_size_bytes: number
  frame_width: number
  frame_height: number
}

const COLUMNS = `id, camera_id, started_at_ms, last_detected_at_ms, ended_at_ms,
  frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height`

/**
 * Every statement on the event history, prepared once. Synchronous: they run on the SQL thread, never on the one that
 * relays frames. Arguments and results are plain data, since they travel between threads.
 */
export function eventQueries (database: Connection) {
  const insert = database.prepare<[string, number, number, string, string, number, number, number]>(`
    INSERT INTO oil_spill_events (camera_id, started_at_ms, last_detected_at_ms, frame_path, frame_sha256,
                                  frame_size_bytes, frame_width, frame_height)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`)
  const end = database.prepare<[number, number]>(
    'UPDATE oil_spill_events SET ended_at_ms = max(?, started_at_ms) WHERE id = ? AND ended_at_ms IS NULL')
  const endOpen = database.prepare<[string]>(
    'UPDATE oil_spill_events SET ended_at_ms = last_detected_at_ms WHERE camera_id = ? AND ended_at_ms IS NULL')
  const note = database.prepare<[number, number]>(
    'UPDATE oil_spill_events SET last_detected_at_ms = max(last_detected_at_ms, ?) WHERE id = ?')
  const byId = database.prepare<[number], EventRow>(`SELECT ${COLUMNS} FROM oil_spill_events WHERE id = ?`)
  const openOf = database.prepare<[string], EventRow>(
    `SELECT ${COLUMNS} FROM oil_spill_events WHERE camera_id = ? AND ended_at_ms IS NULL`)
  const newest = database.prepare<[], EventRow>(
    `SELECT ${COLUMNS} FROM oil_spill_events ORDER BY started_at_ms DESC, id DESC LIMIT 1`)
  const count = database.prepare<[], number>('SELECT count(*) FROM oil_spill_events').pluck()
  const page = database.prepare<[number, number, number], EventRow>(`
    SELECT ${COLUMNS} FROM oil_spill_events
     WHERE (started_at_ms, id) > (?, ?) ORDER BY started_at_ms, id LIMIT ?`)
  const path = database.prepare<[string], number>('SELECT count(*) FROM oil_spill_events WHERE frame_path = ?').pluck()
  const streamStopped = database.prepare<[string], number | null>(
    'SELECT stream_stopped_at_ms FROM cameras WHERE camera_id = ?').pluck()
  const setStreamStopped = database.prepare<[number | null, string]>(
    'UPDATE cameras SET stream_stopped_at_ms = ? WHERE camera_id = ?')

  return {
    /** Ends one event and opens another, whichever is given. Returns the one that was opened. */
    changeEvent (ends: { eventId: number, endedAtMs: number } | undefined, opens: NewEvent | undefined): OilSpillEvent | undefined {
      if (ends !== undefined) end.run(ends.endedAtMs, ends.eventId)
      if (opens === undefined) return undefined
      const { cameraId, startedAtMs, evidence } = opens
      // Open, but unknown to whoever asks: its answer was lost. It must not stand in the way of this one.
      endOpen.run(cameraId)
      const { lastInsertRowid } = insert.run(cameraId, startedAtMs, startedAtMs, evidence.framePath, evidence.sha256,
        evidence.sizeBytes, evidence.width, evidence.height)
      return { ...opens, id: Number(lastInsertRowid), lastDetectedAtMs: startedAtMs, endedAtMs: null }
    },
    noteDetection (eventId: number, detectedAtMs: number): void { note.run(detectedAtMs, eventId) },
    findEvent (id: number): OilSpillEvent | undefined { return toEvent(byId.get(id)) },
    openEventOf (cameraId: string): OilSpillEvent | undefined { return toEvent(openOf.get(cameraId)) },
    /** How many there are, and the newest. Counts rows, so it is asked once, at the start. */
    summarizeEvents (): { total: number, newest: OilSpillEvent | undefined } {
      return { total: Number(count.get()), newest: toEvent(newest.get()) }
    },
    /** At most `limit` events behind a position, oldest first. */
    pageOfEvents (after: EventPosition, limit: number): OilSpillEvent[] {
      return page.all(after.startedAtMs, after.id, limit).map(fromRow)
    },
    /** Which of these evidence paths no event has. */
    unclaimedPaths (paths: string[]): string[] { return paths.filter(each => path.get(each) === 0) },
    isStreamStopped (cameraId: string): boolean { return typeof streamStopped.get(cameraId) === 'number' },
    setStreamStopped (cameraId: string, atMs: number | null): void { setStreamStopped.run(atMs, cameraId) }
  }
}

/** Those of them that change something. */
export const WRITING_EVENT_QUERIES: ReadonlyArray<keyof ReturnType<typeof eventQueries>> = ['changeEvent', 'noteDetection', 'setStreamStopped']

function toEvent (row: EventRow | undefined): OilSpillEvent | undefined {
  return row === undefined ? undefined : fromRow(row)
}

function fromRow (row: EventRow): OilSpillEvent {
  return {
    id: row.id,
    cameraId: row.camera_id,
    startedAtMs: row.started_at_ms,
    lastDetectedAtMs: row.last_detected_at_ms,
    endedAtMs: row.ended_at_ms,
    evidence: {
      framePath: row.frame_path,
      sha256: row.frame_sha256,
      sizeBytes: row.frame_size_bytes,
      width: row.frame_width,
      height: row.frame_height
    }
  }
}
