import type { ClipRole, KeptFrame, StoredClipFrame } from '../core/clip.js'
import { takenAtMs } from '../core/frame.js'
import { digestOf } from '../core/ledger.js'
import type { Connection } from './database.js'
import { CLIP_FRAME_COLUMNS } from './evidence-digests.js'

/** A frame of a clip, before it has a place in it. */
export interface NewClipFrame extends Omit<StoredClipFrame, 'clipId' | 'number' | 'path' | 'offsetBytes' | 'boxes'> {
  /** As JSON. */
  readonly boxes: string | null
}

/** What was written to the file of a clip, and is to be known by its index. */
export interface ClipAddition {
  /** Below the data folder. A clip that is not known yet is made. */
  readonly path: string
  /** What of the file was known before. */
  readonly offsetBytes: number
  /** The number of the first frame. */
  readonly firstNumber: number
  /** Whether frames were left out. */
  readonly isTruncated: boolean
  readonly frames: readonly NewClipFrame[]
}

interface ClipRow { clip_id: number, size_bytes: number, closed_at_ms: number | null }

interface FrameRow {
  clip_id: number
  number: number
  offset_bytes: number
  size_bytes: number
  sha256: string
  taken_at_ms: number
  captured_at_ms: number | null
  received_at_ms: number
  role: ClipRole
  width: number
  height: number
  confidence: number | null
  boxes: string | null
}

/** The index does not know as much of the file as whoever wrote to it thinks. Its code travels between the threads. */
class ClipMoved extends Error {
  readonly code = 'CLIP_MOVED'
}

/** The statements on clips that change with events. */
export function clipStatements (database: Connection) {
  const byPath = database.prepare<[string], ClipRow>('SELECT clip_id, size_bytes, closed_at_ms FROM clips WHERE path = ?')
  const insert = database.prepare<[number, string]>('INSERT INTO clips (event_id, path, size_bytes) VALUES (?, ?, 0)')
  const grow = database.prepare<[number, number, number]>('UPDATE clips SET size_bytes = ?, truncated = max(truncated, ?) WHERE clip_id = ?')
  const insertFrame = database.prepare<FrameRow>(`
    INSERT INTO clip_frames (clip_id, number, offset_bytes, size_bytes, sha256, taken_at_ms, captured_at_ms, received_at_ms, role, width, height, confidence, boxes)
    VALUES (:clip_id, :number, :offset_bytes, :size_bytes, :sha256, :taken_at_ms, :captured_at_ms, :received_at_ms, :role, :width, :height, :confidence, :boxes)`)
  const told = database.prepare<[number, number, number], Omit<FrameRow, 'clip_id' | 'role'>>(
    `SELECT ${CLIP_FRAME_COLUMNS} FROM clip_frames WHERE clip_id = ? AND number BETWEEN ? AND ? ORDER BY number`)
  const all = database.prepare<[number], Omit<FrameRow, 'clip_id'>>(`SELECT ${CLIP_FRAME_COLUMNS}, role FROM clip_frames WHERE clip_id = ? ORDER BY number`)
  const surest = database.prepare<[number], number>(`
    SELECT number FROM clip_frames WHERE clip_id = ? AND role IN ('opening', 'during', 'peak') AND confidence IS NOT NULL
     ORDER BY confidence DESC, number LIMIT 1`).pluck()
  const demote = database.prepare<[number, number]>('UPDATE clip_frames SET role = \'during\' WHERE clip_id = ? AND role = \'peak\' AND number <> ?')
  const promote = database.prepare<[number, number]>('UPDATE clip_frames SET role = \'peak\' WHERE clip_id = ? AND number = ? AND role = \'during\'')
  const openingOf = database.prepare<[number], number | null>(`
    SELECT min(number) FROM clip_frames JOIN clips USING (clip_id) JOIN oil_spill_events ON id = event_id
     WHERE clip_id = ? AND clip_frames.sha256 = frame_sha256 AND taken_at_ms >= started_at_ms`).pluck()
  const settle = database.prepare<{ clip: number, opening: number | null }>(`
    UPDATE clip_frames
       SET role = CASE WHEN number = :opening THEN 'opening'
                       WHEN taken_at_ms < started_at_ms THEN 'pre'
                       WHEN taken_at_ms > last_detected_at_ms THEN 'post'
                       ELSE 'during' END
      FROM clips JOIN oil_spill_events ON id = event_id
     WHERE clips.clip_id = clip_frames.clip_id AND clip_frames.clip_id = :clip`)
  const move = database.prepare<[number, number]>('UPDATE clips SET event_id = ? WHERE event_id = ?')

  /** Has one frame be the one of which the detector was surest, unless that is the opening one. */
  function findPeak (clipId: number): void {
    const number = surest.get(clipId) ?? 0
    demote.run(clipId, number)
    promote.run(clipId, number)
  }

  return {
    /**
     * Has the index know what was written to the file of a clip. Throws CLIP_MOVED where it does not know what was there
     * before, or the clip is closed. Returns what the ledger tells of it; undefined where no frame was written. The digest leaves
     * the roles out, since they are settled only when the clip is closed.
     */
    add ({ path, offsetBytes, firstNumber, isTruncated, frames }: ClipAddition, eventId: number) {
      const known = byPath.get(path)
      if ((known?.size_bytes ?? 0) !== offsetBytes || (known?.closed_at_ms ?? null) !== null) throw new ClipMoved(`${path} has ${known?.size_bytes ?? 'no'} known bytes, not ${offsetBytes}`)
      if (known === undefined && frames.length === 0) return undefined
      const clipId = known?.clip_id ?? Number(insert.run(eventId, path).lastInsertRowid)
      let offset = offsetBytes
      for (const [at, frame] of frames.entries()) {
        insertFrame.run(toRow(clipId, firstNumber + at, offset, frame))
        offset += frame.sizeBytes
      }
      grow.run(offset, Number(isTruncated), clipId)
      if (frames.length === 0) return undefined
      if (frames.some(({ role }) => role === 'peak')) findPeak(clipId)
      const lastNumber = firstNumber + frames.length - 1
      return {
        clip_id: clipId,
        first_number: firstNumber,
        last_number: lastNumber,
        count: frames.length,
        digest: digestOf(told.all(clipId, firstNumber, lastNumber).map(row => ({ ...row })))
      }
    },
    /** Settles what each frame of a clip is, as its event is now known. Returns the digest of the whole index. */
    settle (clipId: number): { frames: number, digest: string } {
      settle.run({ clip: clipId, opening: openingOf.get(clipId) ?? null })
      findPeak(clipId)
      const rows = all.all(clipId)
      return { frames: rows.length, digest: digestOf(rows.map(row => ({ ...row }))) }
    },
    /** Gives the clips of one event to another. */
    move (fromEventId: number, toEventId: number): void { move.run(toEventId, fromEventId) }
  }
}

/** A frame as the index knows it. */
export async function toClipFrame ({ frame, role }: KeptFrame): Promise<NewClipFrame> {
  const { confidence, boxes } = frame.details
  return {
    sizeBytes: frame.memory.jpeg.length,
    sha256: await frame.memory.sha256(),
    takenAtMs: takenAtMs(frame),
    capturedAtMs: frame.capturedAtMs ?? null,
    receivedAtMs: frame.receivedAtMs,
    role,
    width: frame.width,
    height: frame.height,
    confidence: confidence ?? null,
    boxes: boxes === undefined ? null : JSON.stringify(boxes)
  }
}

function toRow (clipId: number, number: number, offsetBytes: number, frame: NewClipFrame): FrameRow {
  return {
    clip_id: clipId,
    number,
    offset_bytes: offsetBytes,
    size_bytes: frame.sizeBytes,
    sha256: frame.sha256,
    taken_at_ms: frame.takenAtMs,
    captured_at_ms: frame.capturedAtMs,
    received_at_ms: frame.receivedAtMs,
    role: frame.role === 'peak' ? 'during' : frame.role,
    width: frame.width,
    height: frame.height,
    confidence: frame.confidence,
    boxes: frame.boxes
  }
}
