import { Worker } from 'node:worker_threads'
import type { LedgerEntry } from '../core/ledger.js'
import { HistoryUnavailable, StartupError } from '../errors.js'
import type { Queries } from './queries.js'
import type { SqlCall, SqlFailure, SqlReply, SqlRequest } from './sql-messages.js'
import { errorCode } from './storage-errors.js'

/** An error that the SQL thread reported: nothing of the call was stored. */
export class SqlError extends Error {
  readonly code: string
  constructor (failure: SqlFailure) {
    super(failure.message)
    this.code = failure.code
  }
}

/** The SQL thread ended before it answered: whether the call was stored is not known. */
export class SqlThreadLost extends Error {
  readonly code = 'SQL_THREAD_LOST'
}

/**
 * Whether a change that failed with this error may be in the history after all. Where SQLite could not flush its log, the
 * change is undone for now, but stands in the log: until another one has taken its place there, a crash brings it back.
 */
export function isUncertain (error: unknown): boolean {
  return error instanceof SqlThreadLost || errorCode(error).startsWith('SQLITE_IOERR')
}

interface Waiting {
  // Methods, not properties: their parameters may be narrower, so a promise's own resolve fits.
  resolve (value: unknown): void
  reject (error: Error): void
}

/**
 * Runs the queries on a thread of their own, so that the one that relays frames never waits for a commit (200 ms
 * on an SD card). Writes are answered in the order they were made, and reads behind the writes that were called before
 * them. A write that is called while reads wait goes before them. A thread that dies is started again by the next call.
 */
export class SqlThread {
  readonly #path: string
  readonly #waiting = new Map<number, Waiting>()
  #worker: Promise<Worker> | undefined
  readonly #ledgerListeners = new Set<(sequence: number) => void>()
  #calls = 0
  #closed = false

  private constructor (path: string) {
    this.#path = path
  }

  /**
   * Opens the database on a new thread.
   * @throws StartupError where it cannot be used
   */
  static async open (path: string): Promise<SqlThread> {
    const thread = new SqlThread(path)
    await thread.#running()
    return thread
  }

  /**
   * Calls a query.
   * @throws SqlError where SQLite refused it, SqlThreadLost where no answer came
   */
  async call<Name extends keyof Queries> (name: Name, ...args: Parameters<Queries[Name]>): Promise<ReturnType<Queries[Name]>> {
    return await this.record([], name, ...args)
  }

  /**
   * Calls a query that changes something, and has the ledger tell of it: both are stored or none.
   * @throws as `call`
   */
  async record<Name extends keyof Queries> (entries: readonly LedgerEntry[], name: Name, ...args: Parameters<Queries[Name]>): Promise<ReturnType<Queries[Name]>> {
    const worker = await this.#running()
    const id = ++this.#calls
    return await new Promise<ReturnType<Queries[Name]>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      const call: SqlCall = { id, name, args, entries }
      worker.postMessage(call)
    })
  }

  /** Has the listener told after each commit that made the ledger longer, with its newest sequence. Returns what ends that. */
  onLedger (listener: (sequence: number) => void): () => void {
    this.#ledgerListeners.add(listener)
    return () => { this.#ledgerListeners.delete(listener) }
  }

  /**
   * As `call`, for what is asked and answered over HTTP.
   * @throws HistoryUnavailable, with the error of `call` as its cause
   */
  async ask<Name extends keyof Queries> (name: Name, ...args: Parameters<Queries[Name]>): Promise<ReturnType<Queries[Name]>> {
    try {
      return await this.call(name, ...args)
    } catch (error) {
      throw Object.assign(new HistoryUnavailable(errorCode(error)), { cause: error })
    }
  }

  /** Answers what was called before, closes the database and ends the thread. */
  async close (): Promise<void> {
    this.#closed = true
    const worker = await this.#worker
    if (worker === undefined) return
    await new Promise<void>(resolve => {
      worker.once('exit', () => { resolve() })
      const request: SqlRequest = 'close'
      worker.postMessage(request)
    })
  }

  #running (): Promise<Worker> {
    if (this.#closed) return Promise.reject(new SqlThreadLost('the database is closed'))
    this.#worker ??= this.#start().catch((error: unknown) => {
      this.#worker = undefined
      throw error
    })
    return this.#worker
  }

  #start (): Promise<Worker> {
    const worker = new Worker(new URL('./sql-worker.js', import.meta.url), { workerData: this.#path })
    return new Promise((resolve, reject) => {
      worker.on('message', (reply: SqlReply) => {
        if (reply.type === 'opened') {
          worker.on('exit', () => { this.#lost() })
          resolve(worker)
        } else if (reply.type === 'refused') reject(new StartupError(reply.message))
        else if (reply.type === 'grown') for (const listener of this.#ledgerListeners) listener(reply.sequence)
        else this.#settle(reply)
      })
      // An error is always followed by the exit, which rejects what was waiting.
      worker.on('error', error => { reject(error) })
      worker.on('exit', () => { reject(new SqlThreadLost('the SQL thread did not start')) })
    })
  }

  #settle (reply: Extract<SqlReply, { id: number }>): void {
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.type === 'result') waiting?.resolve(reply.value)
    else waiting?.reject(new SqlError(reply.failure))
  }

  #lost (): void {
    this.#worker = undefined
    const lost = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of lost) reject(new SqlThreadLost('the SQL thread ended before it answered'))
  }
}
