import type { EventSpan } from '../core/late-detection.js'
import type { Detection, Evidence, EvidenceState, OilSpillEvent, StoredDetection } from '../core/event.js'
import type { Connection } from './database.js'
import { clipStatements, type ClipAddition } from './clip-statements.js'
import type { DetectionNote } from './note-batch.js'
import { detectionStatements, type DetectionPosition } from './detection-statements.js'
import { eventChanges } from './event-changes.js'
import { EVENT_COLUMNS, toEvent, type EventRow } from './event-rows.js'
import type { Ledger } from './ledger-statements.js'
import { reviewStatements } from './review-queries.js'

/** A new event, before it has an id. */
export interface NewEvent {
  readonly cameraId: string
  readonly startedAtMs: number
  /** Null while it is open. */
  readonly endedAtMs: number | null
  readonly clearBeforeMs: number | null
  readonly clearAfterMs: number | null
  readonly evidence: Evidence
  /** Whether there was room for it. */
  readonly evidenceState: EvidenceState
  /** What its opening frame reported. */
  readonly detection: Detection
  /** The first frames of its clip. */
  readonly clip?: ClipAddition
}

/** Frames that were added to the clip of an event. */
export interface ClipNote { readonly eventId: number, readonly clip: ClipAddition }

/** The end of an event. */
export interface EventEnd { readonly eventId: number, readonly endedAtMs: number, readonly clearAfterMs: number | null }

/** A detection that came late and belongs to an event. */
export interface LateJoin {
  readonly eventId: number
  /** The later event that it shows to be the same; null for none. */
  readonly mergedEventId: number | null
  /** Whether the event, which had ended, is open again. */
  readonly reopens: boolean
  readonly detection: Detection
  /** Its frame, where it becomes the opening one. */
  readonly evidence: Evidence | null
}

/** The history of one camera in short. */
export interface CameraSummary { readonly cameraId: string, readonly total: number, readonly newestStartedAtMs: number }

/** The opening frame was kept before. Its code travels between the threads. */
class DetectionKnown extends Error {
  readonly code = 'DETECTION_KNOWN'
}

interface SpanRow {
  id: number
  started_at_ms: number
  last_detected_at_ms: number
  clear_before_ms: number | null
  clear_after_ms: number | null
  evidence_state: EvidenceState
}

const SPAN = 'id, started_at_ms, last_detected_at_ms, clear_before_ms, clear_after_ms, evidence_state'

/**
 * Every statement on the event history, prepared once. Synchronous: they run on the SQL thread, never on the one that
 * relays frames. Arguments and results are plain data, since they travel between threads.
 */
export function eventQueries (database: Connection, ledger: Ledger) {
  const detections = detectionStatements(database)
  const clips = clipStatements(database)
  const { tell, endOpen } = eventChanges(database, ledger)
  const { mergeInto } = reviewStatements(database, ledger)
  const insert = database.prepare<[string, number, number, number | null, number | null, number | null, string, string, number, number, number, EvidenceState]>(`
    INSERT INTO oil_spill_events (camera_id, started_at_ms, last_detected_at_ms, ended_at_ms, clear_before_ms, clear_after_ms,
                                  frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height, evidence_state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const end = database.prepare<[number, number | null, number]>(
    'UPDATE oil_spill_events SET ended_at_ms = max(?, started_at_ms), clear_after_ms = ? WHERE id = ? AND ended_at_ms IS NULL')
  const byId = database.prepare<[number], EventRow>(`SELECT ${EVENT_COLUMNS} FROM oil_spill_events WHERE id = ?`)
  const allOpen = database.prepare<[], EventRow>(`SELECT ${EVENT_COLUMNS} FROM oil_spill_events WHERE ended_at_ms IS NULL`)
  // The index alone counts a million in a tenth of the time that the table takes; merged events, which it does not tell, are few.
  const summaries = database.prepare<[], CameraSummary>(`
    WITH merged AS (SELECT camera_id, count(*) AS parts FROM oil_spill_events INDEXED BY merged_events WHERE merged_into IS NOT NULL GROUP BY camera_id)
    SELECT camera_id AS cameraId, events - coalesce(parts, 0) AS total,
           (SELECT started_at_ms FROM oil_spill_events INDEXED BY oil_spill_events_by_camera
             WHERE camera_id = counted.camera_id AND merged_into IS NULL ORDER BY started_at_ms DESC, id DESC LIMIT 1) AS newestStartedAtMs
      FROM (SELECT camera_id, count(*) AS events FROM oil_spill_events INDEXED BY oil_spill_events_by_camera GROUP BY camera_id) AS counted
      LEFT JOIN merged USING (camera_id)`)
  const deletion = database.prepare<[string], { atMs: number, reason: string }>(`
    SELECT at_ms AS atMs, payload ->> 'reason' AS reason FROM ledger
     WHERE subject = ? AND action = 'evidence.deleted' ORDER BY sequence DESC LIMIT 1`)
  const before = database.prepare<[string, number], SpanRow>(`
    SELECT ${SPAN} FROM oil_spill_events
     WHERE camera_id = ? AND started_at_ms <= ? AND merged_into IS NULL ORDER BY started_at_ms DESC, id DESC LIMIT 1`)
  const after = database.prepare<[string, number], SpanRow>(`
    SELECT ${SPAN} FROM oil_spill_events
     WHERE camera_id = ? AND started_at_ms > ? AND merged_into IS NULL ORDER BY started_at_ms, id LIMIT 1`)
  const claimed = database.prepare<{ path: string }, number>(`
    SELECT EXISTS (SELECT 1 FROM oil_spill_events WHERE frame_path = :path AND evidence_state = 'kept')
        OR EXISTS (SELECT 1 FROM detections JOIN oil_spill_events ON oil_spill_events.id = event_id
                    WHERE detections.frame_path = :path AND evidence_state <> 'deleted')
        OR EXISTS (SELECT 1 FROM clips JOIN oil_spill_events ON oil_spill_events.id = event_id WHERE clips.path = :path AND evidence_state <> 'deleted')
        OR EXISTS (SELECT 1 FROM garbage WHERE path = :path)`).pluck()
  const known = database.prepare<{ path: string }, number>(`
    SELECT EXISTS (SELECT 1 FROM oil_spill_events WHERE frame_path = :path) OR EXISTS (SELECT 1 FROM detections WHERE frame_path = :path)
        OR EXISTS (SELECT 1 FROM clips WHERE path = :path) OR EXISTS (SELECT 1 FROM garbage WHERE path = :path)`).pluck()
  const last = database.prepare<[], string | null>(`
    SELECT max(path) FROM (SELECT max(frame_path) AS path FROM oil_spill_events UNION ALL SELECT max(frame_path) FROM detections
                           UNION ALL SELECT max(path) FROM clips UNION ALL SELECT max(path) FROM garbage)`).pluck()
  const reopen = database.prepare<[string, string, number, number, number, number]>(`
    UPDATE oil_spill_events SET frame_path = ?, frame_sha256 = ?, frame_size_bytes = ?, frame_width = ?, frame_height = ?,
           evidence_state = 'kept' WHERE id = ?`)
  const isOnlyOfEvent = database.prepare<[number], number>(`
    SELECT count(*) FROM oil_spill_events AS event WHERE id = ? AND evidence_state = 'kept'
       AND NOT EXISTS (SELECT 1 FROM detections WHERE frame_path = event.frame_path)`).pluck()
  const countKept = database.prepare<[number, string]>('UPDATE evidence_totals SET size_bytes = size_bytes + ? WHERE camera_id = ?')
  const note = database.prepare<[number, number]>(
    'UPDATE oil_spill_events SET last_detected_at_ms = max(last_detected_at_ms, ?) WHERE id = ?')
  const spread = database.prepare<[number, number, number, number]>(`
    UPDATE oil_spill_events SET started_at_ms = min(started_at_ms, ?), last_detected_at_ms = max(last_detected_at_ms, ?),
           ended_at_ms = max(ended_at_ms, ?)
     WHERE id = ?`)
  const setEnd = database.prepare<[number | null, number | null, number]>('UPDATE oil_spill_events SET ended_at_ms = ?, clear_after_ms = ? WHERE id = ?')
  const partsOf = database.prepare<[number, number], number>('SELECT id FROM oil_spill_events WHERE id = ? UNION ALL SELECT id FROM oil_spill_events WHERE merged_into = ?').pluck()
  const merge = database.prepare<[number, number]>(
    'UPDATE oil_spill_events SET merged_into = ?, ended_at_ms = coalesce(ended_at_ms, last_detected_at_ms) WHERE id = ?')
  const spanById = database.prepare<[number], SpanRow & { ended_at_ms: number | null }>(`SELECT ${SPAN}, ended_at_ms FROM oil_spill_events WHERE id = ?`)

  /** The second event becomes a part of the first. */
  function mergeEvents (first: number, second: number): void {
    const later = spanById.get(second)
    if (later === undefined) return
    const parts = partsOf.all(second, second)
    for (const part of parts) merge.run(first, part) // ends it, since only one event of a camera may be open
    detections.move(second, first)
    clips.move(second, first)
    spread.run(later.started_at_ms, later.last_detected_at_ms, later.last_detected_at_ms, first)
    const isOpen = spanById.get(first)?.ended_at_ms === null
    if (!isOpen) setEnd.run(later.ended_at_ms, later.clear_after_ms, first)
    for (const part of parts) tell('event.merged', part)
    mergeInto(first, second, Date.now())
  }

  return {
    /**
     * Ends one event and opens another, whichever is given. Returns the one that was opened.
     * Throws DETECTION_KNOWN where the opening frame is in the history already, and IDEMPOTENCY_KEY_REUSED where its key
     * came with another one: then nothing is changed.
     */
    changeEvent (ends: EventEnd | undefined, opens: NewEvent | undefined): OilSpillEvent | undefined {
      if (opens !== undefined && detections.has(opens.detection)) throw new DetectionKnown('the opening frame was kept before')
      if (ends !== undefined && end.run(ends.endedAtMs, ends.clearAfterMs, ends.eventId).changes > 0) tell('event.ended', ends.eventId)
      if (opens === undefined) return undefined
      const { cameraId, startedAtMs, endedAtMs, evidence, evidenceState } = opens
      // Open, but unknown to whoever asks: its answer was lost. It must not stand in the way of this one.
      if (endedAtMs === null) endOpen(cameraId)
      const { lastInsertRowid } = insert.run(cameraId, startedAtMs, startedAtMs, endedAtMs, opens.clearBeforeMs, opens.clearAfterMs,
        evidence.framePath, evidence.sha256, evidence.sizeBytes, evidence.width, evidence.height, evidenceState)
      const id = Number(lastInsertRowid)
      detections.add(id, opens.detection, evidenceState === 'kept' ? evidence.framePath : null)
      const frames = opens.clip === undefined ? undefined : clips.add(opens.clip, id)
      tell('event.opened', id, { detections: detections.newest(1), ...(frames !== undefined && { frames }) })
      if (evidenceState === 'missing') tell('evidence.missing', id, { reason: 'no room' })
      return { cameraId, startedAtMs, endedAtMs, evidence, evidenceState, id, lastDetectedAtMs: startedAtMs, mergedInto: null }
    },
    /**
     * Makes a stored frame the opening one of an event that lacks one, and keeps its detection where that is new. Returns
     * false where the event has one: then only the detection is kept. Throws as `changeEvent`.
     */
    keepEvidence (eventId: number, detection: Detection, evidence: Evidence, isNew: boolean): boolean {
      const owner = byId.get(eventId)?.merged_into ?? eventId
      const isLacking = byId.get(owner)?.evidence_state === 'missing'
      const isAdded = isNew && detections.add(owner, detection, isLacking ? evidence.framePath : null)
      if (isAdded) note.run(detection.takenAtMs, owner)
      if (isLacking) reopen.run(evidence.framePath, evidence.sha256, evidence.sizeBytes, evidence.width, evidence.height, owner)
      if (isLacking || isAdded) tell(isLacking ? 'evidence.kept' : 'event.continued', owner, isAdded ? { detections: detections.newest(1) } : {})
      return isLacking
    },
    /** The event that a detection is kept with, where that lacks its opening frame. */
    eventLackingEvidence (detection: Detection): OilSpillEvent | undefined {
      const eventId = detections.eventOf(detection)
      const row = eventId === undefined ? undefined : byId.get(eventId)
      return row?.evidence_state === 'missing' ? toEvent(row) : undefined
    },
    /**
     * Keeps what events go on with: detections, and frames of clips. Detections that are there already are left as they
     * are. Returns the places of those whose key came with another frame before: they are not kept.
     */
    addDetections (notes: readonly DetectionNote[], clipNotes: readonly ClipNote[] = []): number[] {
      const reused = notes.flatMap(({ detection }, at) => detections.isReused(detection) ? [at] : [])
      for (const eventId of new Set([...notes, ...clipNotes].map(each => each.eventId))) {
        const owner = byId.get(eventId)?.merged_into ?? eventId
        const added = notes.filter((each, at) => each.eventId === eventId && !reused.includes(at) && detections.add(owner, each.detection, null))
        if (added.length > 0) note.run(Math.max(...added.map(({ detection }) => detection.takenAtMs)), owner)
        const told = added.length > 0 ? { detections: detections.newest(added.length) } : {}
        const frames = clipNotes.filter(each => each.eventId === eventId).map(({ clip }) => clips.add(clip, owner)).at(0)
        if (added.length > 0 || frames !== undefined) tell('event.continued', owner, { ...told, ...(frames !== undefined && { frames }) })
      }
      return reused
    },
    /**
     * Keeps a detection that came late, and makes one of two events where it shows that they are. Returns when the
     * camera's newest event started after that; undefined where the detection was kept before.
     */
    joinEvent ({ eventId, mergedEventId, reopens, detection, evidence }: LateJoin): number | undefined {
      if (!detections.add(eventId, detection, evidence?.framePath ?? null)) return undefined
      const told = { detections: detections.newest(1) }
      spread.run(detection.takenAtMs, detection.takenAtMs, detection.takenAtMs, eventId)
      if (evidence !== null) {
        // A frame that was kept after its detection is known by the event alone, which must not forget it for an earlier one.
        if (isOnlyOfEvent.get(eventId) === 0) reopen.run(evidence.framePath, evidence.sha256, evidence.sizeBytes, evidence.width, evidence.height, eventId)
        else countKept.run(evidence.sizeBytes, detection.cameraId)
      }
      if (mergedEventId !== null) mergeEvents(eventId, mergedEventId)
      if (reopens) {
        endOpen(detection.cameraId) // as above
        setEnd.run(null, null, eventId)
      }
      tell(reopens ? 'event.reopened' : 'event.joined', eventId, told)
      return before.get(detection.cameraId, Number.MAX_SAFE_INTEGER)?.started_at_ms
    },
    findEvent (id: number): OilSpillEvent | undefined {
      const row = byId.get(id)
      return row === undefined ? undefined : toEvent(row)
    },
    /** When and why the evidence of an event was deleted, as the ledger says. */
    deletionOf (eventId: number): { atMs: number, reason: string } | undefined { return deletion.get(`event:${eventId}`) },
    openEvents (): OilSpillEvent[] { return allOpen.all().map(toEvent) },
    /** The events of a camera next to a time, before and after it. */
    neighboursOf (cameraId: string, atMs: number): { before: EventSpan | undefined, after: EventSpan | undefined } {
      return { before: toSpan(before.get(cameraId, atMs)), after: toSpan(after.get(cameraId, atMs)) }
    },
    /** How many each camera has, and when its newest started. Counts rows, so it is asked once, at the start. */
    summarizeEvents (): CameraSummary[] { return summaries.all() },
    /** At most `limit` detections of an event behind a position, in the order in which their frames were taken. */
    pageOfDetections (eventId: number, after: DetectionPosition, limit: number): StoredDetection[] {
      return detections.page(eventId, after, limit)
    },
    /** Which of these evidence paths nothing in the history keeps. */
    unclaimedPaths (paths: string[]): string[] { return paths.filter(path => claimed.get({ path }) === 0) },
    /** Whether the history has this evidence path, also of a file that is missing or deleted. */
    isPathKnown (path: string): boolean { return known.get({ path }) === 1 },
    /** The last of the paths that `isPathKnown` has, in the order of their text; undefined where there is none. */
    lastPath (): string | undefined { return last.get() ?? undefined }
  }
}

/** Those of them that change something. */
export const WRITING_EVENT_QUERIES: ReadonlyArray<keyof ReturnType<typeof eventQueries>> = ['changeEvent', 'keepEvidence', 'addDetections', 'joinEvent']

function toSpan (row: SpanRow | undefined): EventSpan | undefined {
  return row === undefined
    ? undefined
    : {
        id: row.id,
        startedAtMs: row.started_at_ms,
        lastDetectedAtMs: row.last_detected_at_ms,
        clearBeforeMs: row.clear_before_ms,
        clearAfterMs: row.clear_after_ms,
        lacksEvidence: row.evidence_state === 'missing'
      }
}
