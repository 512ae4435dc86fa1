import type { StoredClipFrame } from '../core/clip.js'
import type { DetectionBox } from '../core/frame.js'
import { clipStatements } from './clip-statements.js'
import type { Connection } from './database.js'
import { eventChanges } from './event-changes.js'
import type { Ledger } from './ledger-statements.js'

/** What is known of a clip to which frames may still be added. */
export interface GrowingClip {
  readonly eventId: number
  readonly path: string
  /** What of the file is in the index. */
  readonly sizeBytes: number
  readonly frames: number
}

/** A clip, for people. */
export interface StoredClip {
  readonly clipId: number
  /** Below the data folder. */
  readonly path: string
  readonly sizeBytes: number
  readonly frames: number
  /** Whether frames were left out. */
  readonly isTruncated: boolean
  /** Of the whole file; null while it grows. */
  readonly sha256: string | null
  /** Of its largest frame. */
  readonly maxFrameBytes: number
}

/** Where a page of frames goes on: behind this one. */
export interface ClipPosition { readonly takenAtMs: number, readonly clipId: number, readonly number: number }

/** A clip's end: of the whole file. */
export interface ClipEnd { readonly path: string, readonly sizeBytes: number, readonly sha256: string, readonly isTruncated: boolean, readonly closedAtMs: number }

/** Whether nothing is known of an event's thumbnail but what its file tells, or its opening frame cannot be decoded. */
export type ThumbnailState = 'none' | 'undecodable'

interface ClosingRow { clip_id: number, event_id: number, size_bytes: number, closed_at_ms: number | null }
type ClipFrameRow = Omit<StoredClipFrame, 'boxes'> & { boxes: string | null }

const FRAME = `clip_id AS clipId, number, path, offset_bytes AS offsetBytes, clip_frames.size_bytes AS sizeBytes, clip_frames.sha256,
  taken_at_ms AS takenAtMs, captured_at_ms AS capturedAtMs, received_at_ms AS receivedAtMs, role, width, height, confidence, boxes`
const GROWING = 'event_id AS eventId, path, size_bytes AS sizeBytes, (SELECT count(*) FROM clip_frames WHERE clip_id = clips.clip_id) AS frames'

/** Every statement on clips and thumbnails, prepared once. They run on the SQL thread. */
export function clipQueries (database: Connection, ledger: Ledger) {
  const clips = clipStatements(database)
  const { tell } = eventChanges(database, ledger)
  const ownerOf = database.prepare<[number], { id: number, framePath: string }>(`
    SELECT owner.id, owner.frame_path AS framePath FROM oil_spill_events JOIN oil_spill_events AS owner
        ON owner.id = coalesce(oil_spill_events.merged_into, oil_spill_events.id)
     WHERE oil_spill_events.id = ? AND owner.evidence_state <> 'deleted'`)
  const growing = database.prepare<[], GrowingClip>(`SELECT ${GROWING} FROM clips WHERE closed_at_ms IS NULL ORDER BY clip_id`)
  const growingByPath = database.prepare<[string], GrowingClip>(`SELECT ${GROWING} FROM clips WHERE path = ? AND closed_at_ms IS NULL`)
  const isKnown = database.prepare<[string], number>('SELECT count(*) FROM clips WHERE path = ?').pluck()
  const isOver = database.prepare<[string], number>(`
    SELECT ended_at_ms IS NOT NULL OR EXISTS (SELECT 1 FROM clips AS newer WHERE newer.event_id = clips.event_id AND newer.clip_id > clips.clip_id)
      FROM clips JOIN oil_spill_events ON id = event_id WHERE path = ?`).pluck()
  const closing = database.prepare<[string], ClosingRow>('SELECT clip_id, event_id, size_bytes, closed_at_ms FROM clips WHERE path = ?')
  const close = database.prepare<[string, number, number, number]>('UPDATE clips SET sha256 = ?, closed_at_ms = ?, truncated = max(truncated, ?) WHERE clip_id = ?')
  const closed = database.prepare<[number], { path: string, size_bytes: number, truncated: number, sha256: string }>(
    'SELECT path, size_bytes, truncated, sha256 FROM clips WHERE clip_id = ?')
  const ofEvent = database.prepare<[number], Omit<StoredClip, 'isTruncated'> & { truncated: number }>(`
    SELECT clip_id AS clipId, path, clips.size_bytes AS sizeBytes, truncated, clips.sha256, count(number) AS frames,
           coalesce(max(clip_frames.size_bytes), 0) AS maxFrameBytes
      FROM clips LEFT JOIN clip_frames USING (clip_id) WHERE event_id = ? GROUP BY clip_id ORDER BY clip_id`)
  const byTime = database.prepare<[number, number, number, number, number], ClipFrameRow>(`
    SELECT ${FRAME} FROM clips JOIN clip_frames USING (clip_id)
     WHERE event_id = ? AND (taken_at_ms, clip_id, number) > (?, ?, ?) ORDER BY taken_at_ms, clip_id, number LIMIT ?`)
  const byPlace = database.prepare<[number, number, number, number], ClipFrameRow>(`
    SELECT ${FRAME} FROM clips JOIN clip_frames USING (clip_id)
     WHERE event_id = ? AND (clip_id, number) > (?, ?) ORDER BY clip_id, number LIMIT ?`)
  const one = database.prepare<[number, number], ClipFrameRow>(`SELECT ${FRAME} FROM clips JOIN clip_frames USING (clip_id) WHERE clip_id = ? AND number = ?`)
  const setThumbnail = database.prepare<[string, number, string]>('UPDATE oil_spill_events SET thumbnail_state = ? WHERE id = ? AND frame_path = ?')
  const thumbnail = database.prepare<[number], ThumbnailState>('SELECT thumbnail_state FROM oil_spill_events WHERE id = ?').pluck()

  return {
    /** Which event has what is added to this one, and its opening frame: it may have been merged. None where its evidence was deleted. */
    clipOwner (eventId: number): { id: number, framePath: string } | undefined { return ownerOf.get(eventId) },
    /** The clips that are not closed, oldest first. */
    growingClips (): GrowingClip[] { return growing.all() },
    /** The clip of this path, unless it is closed or not known. */
    growingClip (path: string): GrowingClip | undefined { return growingByPath.get(path) },
    /** Whether some clip has this path. */
    clipIsKnown (path: string): boolean { return isKnown.get(path) !== 0 },
    /** Whether the event of a clip has ended, or goes on with another clip. A clip that is not known is over. */
    clipIsOver (path: string): boolean { return isOver.get(path) !== 0 },
    /** Closes a clip: nothing is added to it any more. Says whether it did: not where it has grown meanwhile. */
    closeClip ({ path, sizeBytes, sha256, isTruncated, closedAtMs }: ClipEnd): boolean {
      const row = closing.get(path)
      if (row === undefined || row.closed_at_ms !== null || row.size_bytes !== sizeBytes) return false
      close.run(sha256, closedAtMs, Number(isTruncated), row.clip_id)
      const index = clips.settle(row.clip_id)
      const clip = closed.get(row.clip_id)
      if (clip !== undefined) tell('clip.closed', row.event_id, { clip: { clip_id: row.clip_id, ...clip, ...index } }, 'server')
      return true
    },
    /** The clips of an event, oldest first. */
    clipsOf (eventId: number): StoredClip[] {
      return ofEvent.all(eventId).map(({ truncated, ...clip }) => ({ ...clip, isTruncated: truncated !== 0 }))
    },
    /** At most `limit` frames of all clips of an event behind a position, in the order in which they were taken. */
    framesByTime (eventId: number, after: ClipPosition, limit: number): StoredClipFrame[] {
      return byTime.all(eventId, after.takenAtMs, after.clipId, after.number, limit).map(fromRow)
    },
    /** As `framesByTime`, in the order of the files. */
    framesByPlace (eventId: number, after: ClipPosition, limit: number): StoredClipFrame[] {
      return byPlace.all(eventId, after.clipId, after.number, limit).map(fromRow)
    },
    /** One frame of a clip, or undefined. */
    clipFrame (clipId: number, number: number): StoredClipFrame | undefined {
      const row = one.get(clipId, number)
      return row === undefined ? undefined : fromRow(row)
    },
    /** Notes whether an event has a thumbnail of this opening frame. It is derived from evidence and no evidence itself, so the ledger does not tell of it. */
    noteThumbnail (eventId: number, framePath: string, state: ThumbnailState): void { setThumbnail.run(state, eventId, framePath) },
    /** Whether an event has a thumbnail; undefined where there is no such event. */
    thumbnailState (eventId: number): ThumbnailState | undefined { return thumbnail.get(eventId) }
  }
}

/** Those of them that change something. */
export const WRITING_CLIP_QUERIES: ReadonlyArray<keyof ReturnType<typeof clipQueries>> = ['closeClip', 'noteThumbnail']

function fromRow ({ boxes, ...row }: ClipFrameRow): StoredClipFrame {
  const parsed: DetectionBox[] | null = boxes === null ? null : JSON.parse(boxes)
  return { ...row, boxes: parsed }
}
