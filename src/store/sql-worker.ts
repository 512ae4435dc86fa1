import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { openDatabase, type Connection } from './database.js'
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
    const database = openDatabase(path)
    const queries = queriesOf(database)
    port.on('message', (first: SqlRequest) => {
      const calls: SqlCall[] = []
      let closing = false
      for (let request: SqlRequest | undefined = first; request !== undefined; request = next(port)) {
        if (request === 'close') closing = true
        else calls.push(request)
      }
      for (const each of answer(database, queries, calls)) reply(port, each)
      if (closing) {
        database.close()
        port.close()
      }
    })
    reply(port, { type: 'opened' })
  } catch (error) {
    reply(port, { type: 'refused', message: toStartupError(error, path).message })
    port.close()
  }
}

function reply (port: MessagePort, message: SqlReply): void {
  port.postMessage(message)
}

function next (port: MessagePort): SqlRequest | undefined {
  const received: { message: SqlRequest } | undefined = receiveMessageOnPort(port)
  return received?.message
}

function answer (database: Connection, queries: Queries, calls: readonly SqlCall[]): SqlReply[] {
  const writes = calls.filter(call => WRITING_QUERIES.has(call.name))
  const reads = calls.filter(call => !WRITING_QUERIES.has(call.name))
  return [...commitTogether(database, queries, writes), ...reads.map(call => attempt(() => run(queries, call), call))]
}

/** One failed write does not take the others with it, unless SQLite gave up the whole transaction. */
function commitTogether (database: Connection, queries: Queries, calls: readonly SqlCall[]): SqlReply[] {
  if (calls.length === 0) return []
  const guarded = database.transaction((call: SqlCall) => run(queries, call))
  try {
    return database.transaction(() => calls.map(call => attempt(() => {
      try {
        return guarded(call)
      } catch (error) {
        if (!database.inTransaction) throw new TransactionLost(error)
        throw error
      }
    }, call))).immediate()
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

function run (queries: Queries, call: SqlCall): unknown {
  const query: unknown = Object.entries(queries).find(([name]) => name === call.name)?.[1]
  if (typeof query !== 'function') throw new Error(`no query ${call.name}`)
  return Reflect.apply(query, undefined, call.args)
}
