import type { LedgerEntry } from '../core/ledger.js'

/** What travels between the thread that relays frames and the one that speaks SQL. */

/** A call of one of the queries by name. */
export interface SqlCall {
  readonly id: number
  readonly name: string
  readonly args: readonly unknown[]
  /** What the ledger is to tell of it: stored with it, or not at all. */
  readonly entries: readonly LedgerEntry[]
}

/** An error as plain data: structured clones of errors lose their code. */
export interface SqlFailure { readonly message: string, readonly code: string }

/** From the SQL thread: it is open, it could not open, the ledger has grown, or a call was answered. */
export type SqlReply =
  | { readonly type: 'opened' }
  | { readonly type: 'refused', readonly message: string }
  | { readonly type: 'grown', readonly sequence: number }
  | { readonly type: 'result', readonly id: number, readonly value: unknown }
  | { readonly type: 'failure', readonly id: number, readonly failure: SqlFailure }

/** To the SQL thread. */
export type SqlRequest = SqlCall | 'close'
