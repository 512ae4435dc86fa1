import type { Detection, StoredDetection } from '../core/event.js'
import { digestOf } from '../core/ledger.js'
import type { DetectionBox, FrameDetails } from '../core/frame.js'
import type { Connection } from './database.js'

/** Where a page of an event's detections goes on: behind this one. */
export interface DetectionPosition { readonly takenAtMs: number, readonly id: number }

interface DetectionRow {
  event_id: number
  camera_id: string
  taken_at_ms: number
  captured_at_ms: number | null
  received_at_ms: number
  clock_skew_ms: number | null
  frame_sequence: number | null
  idempotency_key: string | null
  frame_path: string | null
  sha256: string
  size_bytes: number
  width: number
  height: number
  confidence: number | null
  boxes: string | null
  model_version: string | null
  latitude: number | null
  longitude: number | null
  heading: number | null
}

/** A key that came with other bytes before. Its code travels between the threads. */
class KeyReused extends Error {
  readonly code = 'IDEMPOTENCY_KEY_REUSED'
}

/** The statements on detections that change events too. */
export function detectionStatements (database: Connection) {
  const insert = database.prepare<DetectionRow>(`
    INSERT INTO detections (event_id, camera_id, taken_at_ms, captured_at_ms, received_at_ms, clock_skew_ms, frame_sequence, idempotency_key,
                            frame_path, sha256, size_bytes, width, height, confidence, boxes, model_version, latitude, longitude, heading)
    VALUES (:event_id, :camera_id, :taken_at_ms, :captured_at_ms, :received_at_ms, :clock_skew_ms, :frame_sequence, :idempotency_key,
            :frame_path, :sha256, :size_bytes, :width, :height, :confidence, :boxes, :model_version, :latitude, :longitude, :heading)`)
  const byKey = database.prepare<[string, string], string>('SELECT sha256 FROM detections WHERE camera_id = ? AND idempotency_key = ?').pluck()
  const bySequence = database.prepare<[string, number, string], number>(
    'SELECT count(*) FROM detections WHERE camera_id = ? AND frame_sequence = ? AND sha256 = ?').pluck()
  const eventByKey = database.prepare<[string, string], number>('SELECT event_id FROM detections WHERE camera_id = ? AND idempotency_key = ?').pluck()
  const eventBySequence = database.prepare<[string, number, string], number>(
    'SELECT event_id FROM detections WHERE camera_id = ? AND frame_sequence = ? AND sha256 = ?').pluck()
  const page = database.prepare<[number, number, number, number], DetectionRow & { id: number }>(`
    SELECT * FROM detections WHERE event_id = ? AND (taken_at_ms, id) > (?, ?) ORDER BY taken_at_ms, id LIMIT ?`)
  const newest = database.prepare<[number], Omit<DetectionRow, 'event_id'> & { id: number }>(`
    SELECT id, camera_id, taken_at_ms, captured_at_ms, received_at_ms, clock_skew_ms, frame_sequence, idempotency_key, frame_path,
           sha256, size_bytes, width, height, confidence, boxes, model_version, latitude, longitude, heading
      FROM detections ORDER BY id DESC LIMIT ?`)
  const move = database.prepare<[number, number]>('UPDATE detections SET event_id = ? WHERE event_id = ?')

  function isKnown ({ cameraId, idempotencyKey, frameSequence, sha256 }: Detection): boolean {
    const sameKey = idempotencyKey === null ? undefined : byKey.get(cameraId, idempotencyKey)
    if (sameKey !== undefined && sameKey !== sha256) throw new KeyReused('the key came with another frame before')
    return sameKey !== undefined || (frameSequence !== null && bySequence.get(cameraId, frameSequence, sha256) !== 0)
  }

  return {
    /** Whether this frame's report is there already, under the same key or number. Throws as `add`. */
    has: isKnown,
    /** The event of a detection that is kept under the same key or number. */
    eventOf ({ cameraId, idempotencyKey, frameSequence, sha256 }: Detection): number | undefined {
      return (idempotencyKey === null ? undefined : eventByKey.get(cameraId, idempotencyKey)) ??
        (frameSequence === null ? undefined : eventBySequence.get(cameraId, frameSequence, sha256))
    },
    /** Whether its key came with another frame before. */
    isReused ({ cameraId, idempotencyKey, sha256 }: Detection): boolean {
      const sameKey = idempotencyKey === null ? undefined : byKey.get(cameraId, idempotencyKey)
      return sameKey !== undefined && sameKey !== sha256
    },
    /**
     * Keeps a detection once, however often its frame comes under one name. Says whether it is new.
     * Throws IDEMPOTENCY_KEY_REUSED where its key came with another frame before.
     */
    add (eventId: number, detection: Detection, framePath: string | null): boolean {
      if (isKnown(detection)) return false
      insert.run(toRow(eventId, detection, framePath))
      return true
    },
    /** At most `limit` detections of an event behind a position, in the order in which their frames were taken. */
    page (eventId: number, after: DetectionPosition, limit: number): StoredDetection[] {
      return page.all(eventId, after.takenAtMs, after.id, limit).map(fromRow)
    },
    /** What the ledger tells of so many detections that were added just now. */
    newest (count: number) {
      const rows = newest.all(count).reverse()
      return { first_id: rows[0]?.id ?? 0, last_id: rows.at(-1)?.id ?? 0, count, digest: digestOf(rows.map(row => ({ ...row }))) }
    },
    /** Gives the detections of one event to another. */
    move (fromEventId: number, toEventId: number): void { move.run(toEventId, fromEventId) }
  }
}

function toRow (eventId: number, detection: Detection, framePath: string | null): DetectionRow {
  const { confidence, boxes, modelVersion, latitude, longitude, heading } = detection.details
  return {
    event_id: eventId,
    camera_id: detection.cameraId,
    taken_at_ms: detection.takenAtMs,
    captured_at_ms: detection.capturedAtMs,
    received_at_ms: detection.receivedAtMs,
    clock_skew_ms: detection.clockSkewMs,
    frame_sequence: detection.frameSequence,
    idempotency_key: detection.idempotencyKey,
    frame_path: framePath,
    sha256: detection.sha256,
    size_bytes: detection.sizeBytes,
    width: detection.width,
    height: detection.height,
    confidence: confidence ?? null,
    boxes: boxes === undefined ? null : JSON.stringify(boxes),
    model_version: modelVersion ?? null,
    latitude: latitude ?? null,
    longitude: longitude ?? null,
    heading: heading ?? null
  }
}

function fromRow (row: DetectionRow & { id: number }): StoredDetection {
  return {
    id: row.id,
    cameraId: row.camera_id,
    takenAtMs: row.taken_at_ms,
    capturedAtMs: row.captured_at_ms,
    receivedAtMs: row.received_at_ms,
    clockSkewMs: row.clock_skew_ms,
    frameSequence: row.frame_sequence,
    idempotencyKey: row.idempotency_key,
    framePath: row.frame_path,
    sha256: row.sha256,
    sizeBytes: row.size_bytes,
    width: row.width,
    height: row.height,
    details: detailsOf(row)
  }
}

function detailsOf ({ confidence, boxes, model_version: modelVersion, latitude, longitude, heading }: DetectionRow): FrameDetails {
  const parsed: DetectionBox[] | undefined = boxes === null ? undefined : JSON.parse(boxes)
  return {
    ...(confidence !== null && { confidence }),
    ...(parsed !== undefined && { boxes: parsed }),
    ...(modelVersion !== null && { modelVersion }),
    ...(latitude !== null && { latitude }),
    ...(longitude !== null && { longitude }),
    ...(heading !== null && { heading })
  }
}
