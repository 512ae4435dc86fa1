import type { Deletable, DeletionReason, RetentionPolicy } from '../core/retention.js'
import type { Connection } from './database.js'
import { eventChanges } from './event-changes.js'
import type { EventPosition } from '../core/event-filter.js'
import type { Ledger } from './ledger-statements.js'

/** A file that is being deleted: the row goes when the file has. */
export interface GarbageFile { readonly path: string, readonly sha256: string }

/** An event whose evidence is to be deleted, and why. */
export interface DeletionOrder { readonly eventId: number, readonly reason: DeletionReason }

/** What became of an order: the event, and the bytes that go. */
export interface OrderedDeletion { readonly eventId: number, readonly sizeBytes: number }

interface FileRow { path: string, sha256: string, size_bytes: number }

/** What may be deleted at all: what is open, held, being written or a part of another event may not. */
const DELETABLE = 'merged_into IS NULL AND held = 0 AND ended_at_ms IS NOT NULL AND evidence_state <> \'deleted\''
const PARTS = 'SELECT event.id UNION ALL SELECT id FROM oil_spill_events WHERE merged_into = event.id'
const IS_FREE = `NOT EXISTS (SELECT 1 FROM clips WHERE event_id IN (${PARTS}) AND closed_at_ms IS NULL AND size_bytes > 0)
  AND NOT EXISTS (SELECT 1 FROM oil_spill_events WHERE merged_into = event.id AND held = 1)`
const FILES = `
  SELECT frame_path AS path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes
    FROM oil_spill_events WHERE id IN (${PARTS}) AND evidence_state = 'kept'
  UNION ALL
  SELECT frame_path, sha256, size_bytes FROM detections
   WHERE event_id = event.id AND frame_path IS NOT NULL
     AND NOT EXISTS (SELECT 1 FROM oil_spill_events WHERE frame_path = detections.frame_path)
  UNION ALL
  SELECT path, sha256, size_bytes FROM clips WHERE event_id IN (${PARTS})`

/** What retention reads, also while a server runs elsewhere. */
export function retentionReads (database: Connection) {
  const pageOf = (condition: string) => database.prepare<[number, number, number], Deletable>(`
    SELECT id AS eventId, camera_id AS cameraId, started_at_ms AS startedAtMs, ended_at_ms AS endedAtMs,
           (SELECT count(*) FROM (${FILES})) AS files, (SELECT coalesce(sum(size_bytes), 0) FROM (${FILES})) AS sizeBytes
      FROM oil_spill_events AS event
     WHERE ${condition} AND (started_at_ms, id) > (?, ?) AND ${IS_FREE}
     ORDER BY started_at_ms, id LIMIT ?`)
  const pages = { keep: pageOf(`${DELETABLE} AND verdict IS NOT NULL`), delete: pageOf(DELETABLE) }
  const total = database.prepare<[], number>('SELECT coalesce(sum(size_bytes), 0) FROM evidence_totals').pluck()

  return {
    /** At most `limit` events behind a position whose evidence may be deleted, oldest first. */
    pageOfDeletable (unreviewed: RetentionPolicy['unreviewed'], after: EventPosition, limit: number): Deletable[] {
      return pages[unreviewed].all(after.startedAtMs, after.id, limit)
    },
    /** The bytes of all evidence. */
    evidenceBytes (): number { return total.get() ?? 0 }
  }
}

/** Every statement of retention, prepared once. They run on the SQL thread. */
export function retentionQueries (database: Connection, ledger: Ledger) {
  const { tell } = eventChanges(database, ledger)
  const isDeletable = (condition: string) => database.prepare<[number], number>(
    `SELECT 1 FROM oil_spill_events AS event WHERE id = ? AND ${condition} AND ${IS_FREE}`).pluck()
  const checks = { keep: isDeletable(`${DELETABLE} AND verdict IS NOT NULL`), delete: isDeletable(DELETABLE) }
  const filesOf = database.prepare<{ id: number }, FileRow>(FILES.replaceAll('event.id', ':id'))
  const partsOf = database.prepare<{ id: number }, number>(PARTS.replaceAll('event.id', ':id')).pluck()
  const mark = database.prepare<[number]>('UPDATE oil_spill_events SET evidence_state = \'deleted\' WHERE id = ?')
  const discount = database.prepare<[number, number]>(`
    UPDATE evidence_totals SET size_bytes = size_bytes - ? WHERE camera_id = (SELECT camera_id FROM oil_spill_events WHERE id = ?)`)
  const insert = database.prepare<[string, string]>('INSERT OR IGNORE INTO garbage (path, sha256) VALUES (?, ?)')
  const page = database.prepare<[string, number], GarbageFile>('SELECT path, sha256 FROM garbage WHERE path > ? ORDER BY path LIMIT ?')
  const drop = database.prepare<[string]>('DELETE FROM garbage WHERE path = ?')

  function order ({ eventId, reason }: DeletionOrder, actor: string): OrderedDeletion {
    const rows = filesOf.all({ id: eventId })
    const sizeBytes = rows.reduce((sum, each) => sum + each.size_bytes, 0)
    discount.run(sizeBytes, eventId)
    for (const each of rows) insert.run(each.path, each.sha256)
    for (const part of partsOf.all({ id: eventId })) {
      mark.run(part)
      tell('evidence.deleted', part, part === eventId ? { reason, files: rows.map(each => ({ ...each })) } : { reason, with_event: eventId }, actor)
    }
    return { eventId, sizeBytes }
  }

  return {
    ...retentionReads(database),
    /**
     * Orders the evidence of events to be deleted: from then on it counts as deleted, and its files are garbage. What may
     * not be deleted any more, since somebody holds it meanwhile, is left. Returns what goes.
     * @param actor who wants it, as the ledger names them
     */
    orderDeletions (orders: readonly DeletionOrder[], unreviewed: RetentionPolicy['unreviewed'], actor: string): OrderedDeletion[] {
      return orders.filter(({ eventId }) => checks[unreviewed].get(eventId) === 1).map(each => order(each, actor))
    },
    /** At most `limit` files behind a path that are to be deleted. */
    pageOfGarbage (after: string, limit: number): GarbageFile[] { return page.all(after, limit) },
    /** Forgets files that are deleted. */
    dropGarbage (paths: readonly string[]): void { for (const path of paths) drop.run(path) }
  }
}

/** Those of them that change something. */
export const WRITING_RETENTION_QUERIES: ReadonlyArray<keyof ReturnType<typeof retentionQueries>> = ['orderDeletions', 'dropGarbage']
