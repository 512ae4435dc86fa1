import type { ListedEvent } from '../core/event.js'
import { formatDatetime, formatTimestamp } from '../core/time-format.js'
import type { OilSpillEvent } from '../schemas/oil-spill-event.js'

/** An event as the API shows it everywhere: alone, in lists and in the live stream. */
export function eventToJson (event: ListedEvent): OilSpillEvent {
  const { evidence } = event
  return {
    timestamp: formatTimestamp(event.startedAtMs),
    datetime: formatDatetime(event.startedAtMs),
    frame_path: evidence.framePath,
    id: event.id,
    camera_id: event.cameraId,
    ended_at: event.endedAtMs === null ? null : formatDatetime(event.endedAtMs),
    merged_into: event.mergedInto,
    sha256: evidence.sha256,
    size_bytes: evidence.sizeBytes,
    width: evidence.width,
    height: evidence.height,
    evidence_state: event.evidenceState,
    frame_url: `/api/oil_spill_events/${event.id}/frame`,
    clip_url: `/api/oil_spill_events/${event.id}/clip`,
    thumbnail_url: `/api/oil_spill_events/${event.id}/thumbnail`,
    peak_confidence: event.peakConfidence,
    latitude: event.latitude,
    longitude: event.longitude,
    verdict: event.verdict,
    acknowledged_at: event.acknowledgedAtMs === null ? null : formatDatetime(event.acknowledgedAtMs),
    held: event.held
  }
}
