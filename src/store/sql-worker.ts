import { dirname } from 'node:path'
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { openDatabase, type Connection } from './database.js'
import { ledgerKeyOf, type LedgerKey } from './ledger-key.js'
import { ledgerStatements, type Ledger } from './ledger-statements.js'
import { queriesOf, WRITING_QUERIES } from './queries.js'
import { errorCode, toStartupError } from './storage-errors.js'
import type { SqlCall, SqlReply, SqlRequest } from './sql-messages.js'

/**
 * The thread that speaks SQL. Calls that arrive while a commit is under way share the next one: each message empties
 * the port, and all writes that came with it go into one transaction, each within a savepoint of its own. Whoever waits
 * for a write does not wait for reads: they run one by one behind it, and writes that come meanwhile go first.
 */
if (parentPort !== null) serve(parentPort, String(workerData))

function serve (port: MessagePort, path: string): void {
  try {
    const history = open(path)
    const reads: SqlCall[] = []
    let closing = false

    /** Commits and answers the writes that have come, and puts the reads behind those that wait. */
    const takeAll = (first: SqlRequest | undefined): void => {
      const writes: SqlCall[] = []
      for (let request = first; request !== undefined; request = next(port)) {
        if (request === 'close') closing = true
        else if (WRITING_QUERIES.has(request.name)) writes.push(request)
        else reads.push(request)
      }
      for (const each of commitTogether(history, writes)) reply(port, each)
    }

    port.on('message', (first: SqlRequest) => {
      takeAll(first)
      for (let read = reads.shift(); read !== undefined; read = reads.shift()) {
        reply(port, attempt(() => run(history, read), read))
        takeAll(next(port))
      }
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
  /** By name. */
  readonly queries: ReadonlyMap<string, unknown>
  readonly ledger: Ledger
  readonly key: LedgerKey
}

function open (path: string): History {
  const key = ledgerKeyOf(dirname(path))
  const database = openDatabase(path)
  const ledger = ledgerStatements(database)
  const history = { database, queries: new Map(Object.entries(queriesOf(database, ledger))), ledger, key }
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
  const query = queries.get(call.name)
  if (typeof query !== 'function') throw new Error(`no query ${call.name}`)
  const result: unknown = Reflect.apply(query, undefined, call.args)
  for (const entry of call.entries) ledger.append(entry)
  return result
}
