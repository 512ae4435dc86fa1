import { LIVE_KINDS, type CameraChange, type LiveEntry, type LivePage } from '../core/live-feed.js'
import type { Connection } from './database.js'
import { LISTED_COLUMNS, toListedEvent, type ListedRow } from './event-rows.js'

interface EntryRow { sequence: number, at_ms: number, action: string, subject: string, last_frame_at_ms: number | null, noticed_at_ms: number | null }

/** The statements that tell clients what happened. They never give the actor of an entry, who may be a person. */
export function liveQueries (database: Connection) {
  const end = database.prepare<[], number>('SELECT coalesce(max(sequence), 0) FROM ledger').pluck()
  const behind = database.prepare<[number, number], EntryRow>(`
    SELECT sequence, at_ms, action, subject, payload ->> 'at_ms' AS noticed_at_ms, payload ->> 'last_frame_at_ms' AS last_frame_at_ms
      FROM ledger WHERE sequence > ? ORDER BY sequence LIMIT ?`)
  const listed = database.prepare<[number], ListedRow>(`SELECT ${LISTED_COLUMNS} FROM oil_spill_events WHERE id = ?`)

  /** What there is to tell of an entry; undefined for nothing. */
  function toEntry ({ sequence, at_ms: atMs, action, subject, ...camera }: EntryRow): LiveEntry | undefined {
    const kind = LIVE_KINDS.get(action)
    const [type, name = ''] = split(subject)
    if (kind === undefined) return undefined
    if (type === 'camera') {
      const change: CameraChange = { cameraId: name, atMs: camera.noticed_at_ms ?? atMs, lastFrameAtMs: camera.last_frame_at_ms }
      return { sequence, kind, event: null, camera: change }
    }
    const row = listed.get(Number(name))
    return row === undefined ? undefined : { sequence, kind, event: toListedEvent(row), camera: null }
  }

  return {
    /** The ledger's last entry. */
    ledgerEnd (): number { return end.get() ?? 0 },
    /** The stretch of at most `limit` entries behind one. Of several updates of one event in it only the last is told. */
    liveEntries (after: number, limit: number): LivePage {
      const rows = behind.all(after, limit)
      const lastUpdates = new Map(rows.filter(({ action }) => LIVE_KINDS.get(action) === 'updated').map(({ subject, sequence }) => [subject, sequence]))
      const told = rows.filter(({ action, subject, sequence }) => LIVE_KINDS.get(action) !== 'updated' || lastUpdates.get(subject) === sequence)
      return { entries: told.flatMap(row => toEntry(row) ?? []), through: rows.at(-1)?.sequence ?? after }
    }
  }
}

function split (subject: string): [type: string, name: string] {
  const colon = subject.indexOf(':')
  return [subject.slice(0, colon), subject.slice(colon + 1)]
}
