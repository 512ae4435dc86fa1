import type { LedgerPayload } from '../core/ledger.js'
import type { Connection } from './database.js'

/** An entry of the ledger as people read it. */
export interface AuditEntry {
  readonly sequence: number
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly subject: string
  readonly payload: LedgerPayload
  readonly hash: string
}

/** Which entries are meant; null for no matter. */
export interface AuditFilter {
  /** Such as `event.reviewed`; `event.` means all that begin so. */
  readonly action: string | null
  readonly actor: string | null
  readonly subject: string | null
}

/** A part of the ledger, newest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** Where to search on: there may be fewer entries than asked for before it, even none. Null at the ledger's begin. */
  readonly before: number | null
}

type AuditRow = Omit<AuditEntry, 'payload'> & { readonly payload: string }

/** So many entries are looked at in one go, so that other calls have their turn in between. */
const WINDOW = 5000

const COLUMNS = 'sequence, at_ms AS atMs, actor, action, subject, payload, hash'
const MATCHES = '(:actor IS NULL OR actor = :actor) AND (:action IS NULL OR action = :action OR (substr(:action, -1) = \'.\' AND substr(action, 1, length(:action)) = :action))'

/** Every query that reads the ledger for people, prepared once. */
export function auditQueries (database: Connection) {
  const newest = database.prepare<[], number>('SELECT coalesce(max(sequence), 0) FROM ledger').pluck()
  const window = database.prepare<AuditFilter & { before: number, from: number, limit: number }, AuditRow>(`
    SELECT ${COLUMNS} FROM ledger WHERE sequence < :before AND sequence >= :from AND ${MATCHES} ORDER BY sequence DESC LIMIT :limit`)
  const ofSubject = database.prepare<AuditFilter & { before: number, limit: number }, AuditRow>(`
    SELECT ${COLUMNS} FROM ledger WHERE subject = :subject AND sequence < :before AND ${MATCHES} ORDER BY sequence DESC LIMIT :limit`)

  return {
    /** At most `limit` entries before a sequence, or the newest ones where it is null, newest first. */
    pageOfAudit (filter: AuditFilter, position: number | null, limit: number): AuditPage {
      const before = Math.min(position ?? Number.MAX_SAFE_INTEGER, (newest.get() ?? 0) + 1)
      const from = filter.subject === null ? Math.max(1, before - WINDOW) : 1
      const rows = filter.subject === null ? window.all({ ...filter, before, from, limit }) : ofSubject.all({ ...filter, before, limit })
      const next = rows.length === limit ? rows.at(-1)?.sequence ?? 1 : from
      return { entries: rows.map(row => ({ ...row, payload: readPayload(row.payload) })), before: next <= 1 ? null : next }
    }
  }
}

/** Something else may have written what is no JSON: that is to be seen, too. */
function readPayload (text: string): LedgerPayload {
  try {
    const payload: LedgerPayload = JSON.parse(text)
    return payload
  } catch {
    return { unreadable: text }
  }
}
