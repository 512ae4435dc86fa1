import type { DatasetFilter, DatasetFrame, ReviewedEvent } from '../core/dataset.js'
import type { Verdict } from '../core/event-filter.js'
import type { DetectionBox } from '../core/frame.js'
import type { Connection } from './database.js'

/** A part of the reviewed events, by id. */
export interface ReviewedPage {
  readonly events: readonly ReviewedEvent[]
  /** Where to search on; null at the end. */
  readonly after: number | null
}

/** Where the frames of an event's clips go on. */
export interface ClipPosition { readonly clipId: number, readonly number: number }

/** A part of the frames of an event's clips. */
export interface ClipFramesPage {
  readonly frames: ReadonlyArray<Omit<DatasetFrame, 'event'>>
  readonly after: ClipPosition | null
}

type EventRow = Omit<ReviewedEvent, 'verdict'> & { verdict: Verdict | null, mergedInto: number | null, startedAtMs: number, endedAtMs: number | null, evidenceState: string }

type FrameRow = Omit<DatasetFrame, 'event' | 'boxes'> & { boxes: string | null }

type ClipFrameRow = FrameRow & { clipId: number, clipNumber: number }

const REPORTED = 'detections.confidence, detections.boxes, detections.model_version AS modelVersion'

/** Every query of the export of reviewed frames, prepared once. Each call reads no more than a page. */
export function datasetQueries (database: Connection) {
  const reviewed = database.prepare<{ after: number, limit: number }, EventRow>(`
    SELECT event.id AS eventId, camera_id AS cameraId, event.verdict, look_alike AS lookAlike, oil_appearance_code AS oilAppearanceCode, at_ms AS reviewedAtMs,
           merged_into AS mergedInto, started_at_ms AS startedAtMs, ended_at_ms AS endedAtMs, evidence_state AS evidenceState
      FROM (SELECT event_id, max(review_id) AS newest FROM reviews WHERE event_id > :after GROUP BY event_id ORDER BY event_id LIMIT :limit) AS page
      JOIN oil_spill_events AS event ON event.id = page.event_id
      JOIN reviews ON review_id = page.newest
     ORDER BY event.id`)
  const frames = database.prepare<{ id: number }, FrameRow>(`
    SELECT detections.frame_path AS path, NULL AS offsetBytes, size_bytes AS sizeBytes, sha256, width, height, taken_at_ms AS takenAtMs, captured_at_ms AS capturedAtMs,
           received_at_ms AS receivedAtMs, ${REPORTED}, NULL AS clipId, NULL AS clipNumber, opened.id AS opens
      FROM detections LEFT JOIN oil_spill_events AS opened ON opened.frame_path = detections.frame_path
     WHERE event_id = :id AND detections.frame_path IS NOT NULL AND coalesce(opened.evidence_state, 'kept') = 'kept'
     ORDER BY taken_at_ms, detections.id`)
  const clipFrames = database.prepare<{ id: number, clipId: number, number: number, limit: number }, ClipFrameRow>(`
    SELECT clip_id AS clipId, path, offset_bytes AS offsetBytes, clip_frames.size_bytes AS sizeBytes, clip_frames.sha256, clip_frames.width, clip_frames.height,
           clip_frames.taken_at_ms AS takenAtMs, clip_frames.captured_at_ms AS capturedAtMs, clip_frames.received_at_ms AS receivedAtMs,
           ${REPORTED}, number AS clipNumber, NULL AS opens
      FROM clips JOIN clip_frames USING (clip_id)
      JOIN detections ON detections.id = (SELECT min(id) FROM detections AS reported
                                           WHERE reported.event_id = :id AND reported.taken_at_ms = clip_frames.taken_at_ms AND reported.sha256 = clip_frames.sha256)
     WHERE clips.event_id = :id AND (clip_id, number) > (:clipId, :number) AND detections.frame_path IS NULL
     ORDER BY clip_id, number LIMIT :limit`)

  return {
    /** At most `limit` of the reviewed events behind an id, those of them that are as the filter says. */
    pageOfReviewed (filter: DatasetFilter, after: number, limit: number): ReviewedPage {
      const rows = reviewed.all({ after, limit })
      return { events: rows.filter(row => isMeant(row, filter)).flatMap(toReviewed), after: rows.length < limit ? null : rows.at(-1)?.eventId ?? null }
    },
    /** The frames of an event that have files of their own: those that opened it, or a part of it. */
    datasetFramesOf (eventId: number): Array<Omit<DatasetFrame, 'event'>> { return frames.all({ id: eventId }).map(toFrame) },
    /** At most `limit` frames of an event's clips behind a position: those that were reported and have no file of their own. */
    pageOfDatasetClip (eventId: number, { clipId, number }: ClipPosition, limit: number): ClipFramesPage {
      const rows = clipFrames.all({ id: eventId, clipId, number, limit })
      const last = rows.length < limit ? undefined : rows.at(-1)
      return { frames: rows.map(toFrame), after: last === undefined ? null : { clipId: last.clipId, number: last.clipNumber } }
    }
  }
}

function isMeant ({ mergedInto, verdict, cameraId, startedAtMs, endedAtMs, evidenceState }: EventRow, filter: DatasetFilter): boolean {
  return mergedInto === null && evidenceState !== 'deleted' && verdict !== null && filter.verdicts.includes(verdict) &&
    (filter.camera === null || cameraId === filter.camera) &&
    (filter.fromMs === null || endedAtMs === null || endedAtMs >= filter.fromMs) &&
    (filter.toMs === null || startedAtMs <= filter.toMs)
}

function toReviewed ({ eventId, cameraId, verdict, lookAlike, oilAppearanceCode, reviewedAtMs }: EventRow): ReviewedEvent[] {
  return verdict === null ? [] : [{ eventId, cameraId, verdict, lookAlike, oilAppearanceCode, reviewedAtMs }]
}

function toFrame (row: FrameRow): Omit<DatasetFrame, 'event'> {
  const boxes: DetectionBox[] | null = row.boxes === null ? null : JSON.parse(row.boxes)
  return { ...row, boxes }
}
