import type { Connection } from './database.js'
import { eventChanges } from './event-changes.js'
import type { Ledger } from './ledger-statements.js'

/** A file that should be there, in the order of its table. */
export interface KeptFile {
  /** Its place in that table. */
  readonly position: number
  readonly eventId: number
  readonly path: string
  readonly sizeBytes: number
  /** Whether it is still being written. */
  readonly grows: number
}

/** Where rows tell of files. */
export type FileSource = 'events' | 'earlier frames' | 'clips'

const PAGE = 500

/** Each is read along its primary key, a page at a time, so that a server goes on writing meanwhile. */
const SOURCES: Readonly<Record<FileSource, string>> = {
  events: `
    SELECT id AS position, id AS eventId, frame_path AS path, frame_size_bytes AS sizeBytes, 0 AS grows
      FROM oil_spill_events WHERE id > ? AND evidence_state = 'kept' ORDER BY id LIMIT ${PAGE}`,
  'earlier frames': `
    SELECT detections.id AS position, event_id AS eventId, detections.frame_path AS path, size_bytes AS sizeBytes, 0 AS grows
      FROM detections JOIN oil_spill_events ON oil_spill_events.id = event_id
     WHERE detections.id > ? AND detections.frame_path IS NOT NULL AND evidence_state <> 'deleted'
       AND NOT EXISTS (SELECT 1 FROM oil_spill_events WHERE frame_path = detections.frame_path) ORDER BY detections.id LIMIT ${PAGE}`,
  clips: `
    SELECT clip_id AS position, event_id AS eventId, path, size_bytes AS sizeBytes, closed_at_ms IS NULL AS grows
      FROM clips JOIN oil_spill_events ON oil_spill_events.id = event_id
     WHERE clip_id > ? AND evidence_state <> 'deleted' ORDER BY clip_id LIMIT ${PAGE}`
}

const ORPHANS = `
  SELECT id AS eventId, oil_spill_events.camera_id AS cameraId FROM oil_spill_events LEFT JOIN cameras USING (camera_id)
   WHERE ended_at_ms IS NULL AND (cameras.camera_id IS NULL OR archived_at_ms IS NOT NULL)`

/** What a check reads. Nothing of it is prepared by a server. */
export function checkReads (database: Connection) {
  const pages = new Map(Object.entries(SOURCES).map(([source, sql]) => [source, database.prepare<[number], KeptFile>(sql)]))
  const kept = database.prepare<[string], number>('SELECT 1 FROM kept_files WHERE path = ?').pluck()
  const garbage = database.prepare<[], string>('SELECT path FROM garbage ORDER BY path').pluck()
  const isGarbage = database.prepare<[string], number>('SELECT 1 FROM garbage WHERE path = ?').pluck()
  const orphans = database.prepare<[], { eventId: number, cameraId: string }>(ORPHANS)
  const totals = database.prepare<[], { cameraId: string, counted: number, told: number }>(`
    SELECT camera_id AS cameraId, sum(counted) AS counted, sum(told) AS told
      FROM (SELECT camera_id, size_bytes AS counted, 0 AS told FROM kept_files UNION ALL SELECT camera_id, 0, size_bytes FROM evidence_totals)
     GROUP BY camera_id HAVING sum(counted) <> sum(told)`)
  const head = database.prepare<[], { sequence: number | null, hash: string | null, signedSequence: number | null, signedHash: string | null }>(`
    SELECT (SELECT max(sequence) FROM ledger) AS sequence, (SELECT hash FROM ledger ORDER BY sequence DESC LIMIT 1) AS hash,
           (SELECT sequence FROM ledger_head) AS signedSequence, (SELECT hash FROM ledger_head) AS signedHash`)
  const states = database.prepare<[], { events: number, missing: number }>(
    'SELECT count(*) AS events, coalesce(sum(evidence_state = \'missing\'), 0) AS missing FROM oil_spill_events')

  return {
    /** The next files of a source behind a position that should be there. */
    pageOfKept: (source: FileSource, after: number): KeptFile[] => pages.get(source)?.all(after) ?? [],
    /** Whether a file of this path should be there. */
    isKept: (path: string): boolean => kept.get(path) !== undefined,
    isGarbage: (path: string): boolean => isGarbage.get(path) !== undefined,
    /** Files whose deletion was broken off. */
    garbage: (): string[] => garbage.all(),
    /** Events that are open though their camera is gone. */
    orphans: () => orphans.all(),
    /** Cameras whose evidence is not as much as is told. */
    wrongTotals: () => totals.all(),
    /** Whether the ledger's signed head is its last entry. */
    isHeadRight: (): boolean => {
      const { sequence, hash, signedSequence, signedHash } = head.get() ?? { sequence: null, hash: null, signedSequence: null, signedHash: null }
      return sequence === signedSequence && hash === signedHash
    },
    /** How many events there are, and of how many the evidence is missing. */
    census: () => states.get() ?? { events: 0, missing: 0 }
  }
}

/** What a check mends in the database, and what the start looks at. The statements run on the SQL thread. */
export function repairQueries (database: Connection, ledger: Ledger) {
  const { tell } = eventChanges(database, ledger)
  const end = database.prepare<[number]>('UPDATE oil_spill_events SET ended_at_ms = last_detected_at_ms WHERE id = ? AND ended_at_ms IS NULL')
  const newest = database.prepare<[number], string>(`
    SELECT frame_path FROM oil_spill_events WHERE evidence_state = 'kept' ORDER BY started_at_ms DESC, id DESC LIMIT ?`).pluck()
  const orphans = database.prepare<[], { eventId: number }>(ORPHANS)
  const forget = database.prepare('DELETE FROM evidence_totals')
  const count = database.prepare('INSERT INTO evidence_totals SELECT camera_id, sum(size_bytes) FROM kept_files GROUP BY camera_id')

  return {
    /** Ends an open event with its last detection. */
    endOrphan (eventId: number, actor: 'command' | 'server'): void { if (end.run(eventId).changes > 0) tell('event.ended', eventId, {}, actor) },
    /** What the start looks at: the newest opening frames that should be there, and events that are open though their camera is gone. */
    quickCheck (limit: number): { newest: string[], orphans: number[] } {
      return { newest: newest.all(limit), orphans: orphans.all().map(({ eventId }) => eventId) }
    },
    /** Counts all evidence anew. */
    recountEvidence (): void {
      forget.run()
      count.run()
    }
  }
}

/** Those of them that change something. */
export const WRITING_REPAIR_QUERIES: ReadonlyArray<keyof ReturnType<typeof repairQueries>> = ['endOrphan', 'recountEvidence']
