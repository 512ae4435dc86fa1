import type { EvidenceState, ListedEvent, OilSpillEvent } from '../core/event.js'
import type { Verdict } from '../core/event-filter.js'

/** A row of the table of events, as far as `EVENT_COLUMNS` go. */
export interface EventRow {
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
  merged_into: number | null
  evidence_state: EvidenceState
}

/** A row as far as `LISTED_COLUMNS` go. */
export interface ListedRow extends EventRow {
  peak_confidence: number | null
  latitude: number | null
  longitude: number | null
  verdict: Verdict | null
  acknowledged_at_ms: number | null
  held: number
}

/** What is read of an event. */
export const EVENT_COLUMNS = `id, camera_id, started_at_ms, last_detected_at_ms, ended_at_ms,
  frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height, merged_into, evidence_state`

/** What is read of an event for people. */
export const LISTED_COLUMNS = `${EVENT_COLUMNS}, peak_confidence, latitude, longitude, verdict, acknowledged_at_ms, held`

/** The event of a row. */
export function toEvent (row: EventRow): OilSpillEvent {
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
    },
    evidenceState: row.evidence_state,
    mergedInto: row.merged_into
  }
}

/** The event of a row, with all that people see of it. */
export function toListedEvent (row: ListedRow): ListedEvent {
  return {
    ...toEvent(row),
    peakConfidence: row.peak_confidence,
    latitude: row.latitude,
    longitude: row.longitude,
    verdict: row.verdict,
    acknowledgedAtMs: row.acknowledged_at_ms,
    held: row.held === 1
  }
}
