import { join } from 'node:path'
import t, { type Test } from 'tap'
import { openDatabase, type Connection } from '../../src/store/database.js'
import { ledgerStatements } from '../../src/store/ledger-statements.js'
import { queriesOf } from '../../src/store/queries.js'
import { temporaryFolder } from '../helper.js'

/** The tables that grow for ever: reading one of them from end to end takes longer every year. */
const GROWING = /^SCAN (oil_spill_events|detections|ledger|ledger_checkpoints|clips|clip_frames|reviews|garbage)\b/

/** What reads a growing table all the same, and why it may. */
const EXCEPTIONS: ReadonlyArray<[sql: RegExp, why: string]> = [
  [/^WITH merged AS \(SELECT camera_id, count\(\*\) AS parts\b/, 'asked once, at the start'],
  [/^SELECT frame_path FROM oil_spill_events WHERE evidence_state = 'kept' ORDER BY started_at_ms DESC, id DESC LIMIT 1$/, 'ends after the newest few'],
  [/^INSERT INTO evidence_totals SELECT /, 'only in a repair, while no server runs'],
  [/^SELECT .* FROM detections ORDER BY id DESC LIMIT 1$/, 'ends after the newest few'],
  [/^SELECT .* FROM (ledger|ledger_checkpoints) ORDER BY sequence DESC LIMIT 1$/, 'ends after the newest']
]

function database (t: Test): Connection {
  const connection = openDatabase(join(temporaryFolder(t), 'videostream.db'))
  t.teardown(() => { connection.close() })
  return connection
}

/** How SQLite goes about a statement, whose parameters are all 1 here, one line a step. */
function planOf (connection: Connection, sql: string): string[] {
  return connection.prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`).all().map(({ detail }) => detail)
}

/** The steps of a plan that read all of a growing table. A partial index holds few of its rows. */
const fullScans = (plan: string[]): string[] => plan.filter(step => GROWING.test(step) && !/ INDEX (one_open_event_per_camera|merged_events|growing_clips)\b/.test(step))

/** Every statement that the program prepares at its start. */
function statementsOf (connection: Connection): string[] {
  const statements: string[] = []
  const prepare = connection.prepare.bind(connection)
  Object.assign(connection, {
    prepare: (sql: string) => {
      statements.push(sql.trim().replace(/\s+/g, ' ').replace(/\?|:[a-z_]\w*/g, '1'))
      return prepare(sql)
    }
  })
  queriesOf(connection, ledgerStatements(connection))
  Object.assign(connection, { prepare })
  return statements
}

t.test('no statement reads all of a table that grows', async t => {
  const connection = database(t)
  const statements = statementsOf(connection)
  t.ok(statements.length > 50)
  const found = statements.map(sql => ({ sql, scans: fullScans(planOf(connection, sql)) })).filter(({ scans }) => scans.length > 0)
  t.strictSame(found.filter(({ sql }) => !EXCEPTIONS.some(([allowed]) => allowed.test(sql))), [])
  t.strictSame(EXCEPTIONS.filter(([allowed]) => !found.some(({ sql }) => allowed.test(sql))), [], 'every exception is needed')
})

t.test('keys, and what has broken the ledger, are found without reading all that it tells of the server', async t => {
  const connection = database(t)
  const statements = statementsOf(connection).filter(sql => /'(key\.made|ledger\.broken)'/.test(sql))
  t.ok(statements.length >= 5)
  for (const sql of statements) t.match(planOf(connection, sql).join('\n'), 'SEARCH ledger USING INDEX ledger_keys_and_breaks (action=?)', sql)
})

t.test('a full scan is found', async t => {
  const connection = database(t)
  t.equal(fullScans(planOf(connection, 'SELECT id FROM oil_spill_events WHERE frame_width = 1')).length, 1)
  t.equal(fullScans(planOf(connection, 'SELECT id FROM detections INDEXED BY detections_by_time WHERE width = 1')).length, 1, 'also along an index')
  t.strictSame(fullScans(planOf(connection, 'SELECT id FROM oil_spill_events WHERE id = 1')), [])
})

t.test('the rows of events and cameras can be deleted without a search for who refers to them', async t => {
  const connection = database(t)
  for (const sql of ['DELETE FROM oil_spill_events WHERE id = 1', 'DELETE FROM cameras WHERE camera_id = \'rig-4\'']) {
    const plan = planOf(connection, sql)
    t.ok(plan.length > 3, 'the tables that refer to it are in the plan')
    t.strictSame(fullScans(plan), [], sql)
  }
})

t.test('the views give their first rows at once, in their order', async t => {
  const connection = database(t)
  for (const view of ['event_history', 'unreviewed_events', 'detection_history']) {
    const plan = planOf(connection, `SELECT * FROM ${view}`)
    t.match(plan[0], /^(SCAN|SEARCH) (oil_spill_events|detections) USING INDEX /, view)
    t.notMatch(plan.join('\n'), 'TEMP B-TREE', `${view}: nothing is sorted`)
  }
  t.strictSame(fullScans(planOf(connection, 'SELECT * FROM open_events')), [], 'the open ones are found by themselves')
  const newest = planOf(connection, 'SELECT * FROM event_history ORDER BY started_at DESC, id DESC LIMIT 3')
  t.notMatch(newest.join('\n'), 'TEMP B-TREE', 'the newest ones are found without sorting all')
  t.match(planOf(connection, 'SELECT * FROM event_history WHERE started_at >= \'2026-03-02\' AND started_at < \'2026-03-03\'')[0], /^SEARCH oil_spill_events USING INDEX /)
})

t.test('what the views say of one event, of the reviewed ones and of cameras is found without reading all events', async t => {
  const connection = database(t)
  const table = [
    'SELECT * FROM evidence_files WHERE event_id = 1', 'SELECT * FROM audit_trail WHERE subject = \'event:1\'', 'SELECT * FROM false_positive_rate', 'SELECT * FROM camera_status',
    'SELECT * FROM storage_by_camera', 'SELECT * FROM event_history WHERE id = 1'
  ]
  for (const sql of table) t.strictSame(planOf(connection, sql).filter(step => /^SCAN (oil_spill_events|detections|ledger|clips|clip_frames)\b/.test(step)), [], sql)
})
