import { dirname } from 'node:path'
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { openDatabase, type Connection } from './database.js'
import { ledgerKeyOf, type LedgerKey } from './ledger-key.js'
import { ledgerStatements, type Ledger } from './ledger-statements.js'
import { queriesOf, WRITING_QUERIES, type Queries } from './queries.js'
import { errorCode, toStartupError } from './storage-errors.js'
import type { SqlCall, SqlReply, SqlRequest } from './sql-messages.js'

/**
 * The thread that speaks SQL. Calls that arrive while a commit is under way share the next one: each message empties
 * the port, and all writes that came with it go into one transaction, each within a savepoint of its own.
 */
if (parentPort !== null) serve(parentPort, String(workerData))

function serve (port: MessagePort, path: string): void {
  try {
    const history = open(path)
    port.on('message', (first: SqlRequest) => {
      const calls: SqlCall[] = []
      let closing = false
      for (let request: SqlRequest | undefined = first; request !== undefined; request = next(port)) {
        if (request === 'close') closing = true
        else calls.push(request)
      }
      for (const each of answer(history, calls)) reply(port, each)
      if (closing) {
        history.database.close()
        port.close()
      }
    })
    reply(port, { type: 'opened' })
  } catch (error) {
    reply(port, { type: 'refused', message: toStartupError(error, path).message })
    port.close()
  }
}

interface History {
  readonly database: Connection
  readonly queries: Queries
  readonly ledger: Ledger
  readonly key: LedgerKey
}

function open (path: string): History {
  const key = ledgerKeyOf(dirname(path))
  const database = openDatabase(path)
  const ledger = ledgerStatements(database)
  const history = { database, queries: queriesOf(database, ledger), ledger, key }
  withLedger(history, () => { ledger.takeKey(key) })
  return history
}

/** One transaction with the ledger's head at its end. Returns what the action does, and how far the ledger has grown. */
function withLedger<T> ({ database, ledger, key }: History, action: () => T): { result: T, grownTo: number | undefined } {
  return database.transaction(() => {
    ledger.checkHead()
    const result = action()
    return { result, grownTo: ledger.seal(key) }
  }).immediate()
}

function reply (port: MessagePort, message: SqlReply): void {
  port.postMessage(message)
}

function next (port: MessagePort): SqlRequest | undefined {
  const received: { message: SqlRequest } | undefined = receiveMessageOnPort(port)
  return received?.message
}

function answer (history: History, calls: readonly SqlCall[]): SqlReply[] {
  const writes = calls.filter(call => WRITING_QUERIES.has(call.name))
  const reads = calls.filter(call => !WRITING_QUERIES.has(call.name))
  return [...commitTogether(history, writes), ...reads.map(call => attempt(() => run(history, call), call))]
}

/** One failed write does not take the others with it, unless SQLite gave up the whole transaction. */
function commitTogether (history: History, calls: readonly SqlCall[]): SqlReply[] {
  if (calls.length === 0) return []
  const { database } = history
  const guarded = database.transaction((call: SqlCall) => run(history, call))
  try {
    const { result, grownTo } = withLedger(history, () => calls.map(call => attempt(() => {
      try {
        return guarded(call)
      } catch (error) {
        if (!database.inTransaction) throw new TransactionLost(error)
        throw error
      }
    }, call)))
    // First: whoever has an answer must not be ahead of those who are told.
    return grownTo === undefined ? result : [{ type: 'grown', sequence: grownTo }, ...result]
  } catch (error) {
    return calls.map(call => failure(call, error instanceof TransactionLost ? error.cause : error))
  }
}

/** A full disk or an I/O error ends the transaction around the savepoint too. */
class TransactionLost extends Error {
  constructor (cause: unknown) {
    super('the transaction was rolled back', { cause })
  }
}

function attempt (action: () => unknown, call: SqlCall): SqlReply {
  try {
    return { type: 'result', id: call.id, value: action() }
  } catch (error) {
    if (error instanceof TransactionLost) throw error
    return failure(call, error)
  }
}

function failure (call: SqlCall, error: unknown): SqlReply {
  return { type: 'failure', id: call.id, failure: { message: String(error), code: errorCode(error) } }
}

function run ({ queries, ledger }: History, call: SqlCall): unknown {
  const query: unknown = Object.entries(queries).find(([name]) => name === call.name)?.[1]
  if (typeof query !== 'function') throw new Error(`no query ${call.name}`)
  const result: unknown = Reflect.apply(query, undefined, call.args)
  for (const entry of call.entries) ledger.append(entry)
  return result
}
