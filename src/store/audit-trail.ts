import type { LedgerEntry } from '../core/ledger.js'
import type { AuditEntry, AuditFilter, AuditPage } from './audit-queries.js'
import type { SqlThread } from './sql-thread.js'

const PAGE_SIZE = 200

/** The ledger for people: what is told to it beside changes of the history, and what it says. Every method rejects with HistoryUnavailable where that fails. */
export class AuditTrail {
  readonly #sql: SqlThread

  constructor (sql: SqlThread) {
    this.#sql = sql
  }

  /** Has the ledger tell of something that changes nothing else, such as an export. Resolves when it is on disk. */
  async record (entry: LedgerEntry): Promise<void> {
    await this.#sql.ask('appendToLedger', entry)
  }

  /** At most `limit` entries before a sequence, the newest first. */
  async page (filter: AuditFilter, before: number | null, limit: number): Promise<AuditPage> {
    const entries: AuditEntry[] = []
    let position = before
    do {
      const page = await this.#sql.ask('pageOfAudit', filter, position, limit - entries.length)
      entries.push(...page.entries)
      position = page.before
    } while (position !== null && entries.length < limit)
    return { entries, before: position }
  }

  /** All entries before a sequence, newest first, a page at a time. */
  async * pages (filter: AuditFilter, before: number | null): AsyncGenerator<AuditEntry[], void> {
    let position = before
    do {
      const page = await this.#sql.ask('pageOfAudit', filter, position, PAGE_SIZE)
      if (page.entries.length > 0) yield [...page.entries]
      position = page.before
    } while (position !== null)
  }
}
