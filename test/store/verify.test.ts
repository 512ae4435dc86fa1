import { appendFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { randomFrom } from '../random.js'
import { temporaryFolder } from '../helper.js'
import { firstEntrySince, verifyHistory, type Finding, type VerifyOptions, type VerifySummary } from '../../src/store/verify.js'
import { eventQueries } from '../../src/store/event-queries.js'
import { ledgerKeyOf } from '../../src/store/ledger-key.js'
import { ledgerStatements } from '../../src/store/ledger-statements.js'
import { reviewQueries } from '../../src/store/review-queries.js'
import { copyOf, makeHistory } from './history-fixture.js'
import { endOf, newDetection, newEvent } from './support.js'

function setUp (t: Test) {
  const history = makeHistory(temporaryFolder(t), randomFrom(7))
  t.teardown(() => { history.database.close() })
  const verify = async (options: Partial<VerifyOptions> = {}): Promise<{ findings: Finding[], summary: VerifySummary }> => {
    const findings: Finding[] = []
    const summary = await verifyHistory(history.database, history.folder, { onFinding: finding => { findings.push(finding) }, ...options })
    return { findings, summary }
  }
  return { ...history, verify }
}

t.test('nothing is found where nothing was touched', async t => {
  const { verify, files } = setUp(t)
  const { findings, summary } = await verify()
  t.strictSame(findings, [])
  t.match(summary, { events: 6, detections: 16, clipFrames: 12, files: files.length, checkpoints: 3, trusted: false, unproved: 0, findings: 0 })
})

t.test('the first wrong byte range of a file is named', async t => {
  const { verify, folder } = setUp(t)
  const path = join(folder, 'oil_spill_frames/clip_1.mjpeg')
  const bytes = readFileSync(path)
  const only = async (): Promise<Finding | undefined> => (await verify()).findings[0]
  appendFileSync(path, 'x')
  t.match(await only(), { subject: 'oil_spill_frames/clip_1.mjpeg', problem: `has 1 bytes too many from byte ${bytes.length} on` })
  truncateSync(path, bytes.length - 1)
  t.match(await only(), { problem: new RegExp(`^frame 7 \\(bytes \\d+-${bytes.length - 1}\\) is cut off at byte ${bytes.length - 1}$`) })
  writeFileSync(path, Buffer.concat([Buffer.from([Number(bytes[0]) ^ 1]), bytes.subarray(1)]))
  t.match(await only(), { problem: /^frame 1 \(bytes 0-\d+\) differs$/ })
  rmSync(path)
  t.match(await only(), { problem: 'is missing' })
})

t.test('a key and checkpoints from outside', async t => {
  const { verify, database } = setUp(t)
  const head = database.prepare<[], { sequence: number, hash: string, atMs: number, keyId: string, signature: string }>(
    'SELECT sequence, hash, at_ms AS atMs, key_id AS keyId, signature FROM ledger_checkpoints').get()
  if (head === undefined) throw new Error('no checkpoint')
  const key = database.prepare<[], string>('SELECT payload ->> \'public_key\' FROM ledger WHERE action = \'key.made\'').pluck().get()
  t.match(await verify({ checkpoints: [{ name: 'mail.json', head }], publicKeys: [String(key)] }), { findings: [], summary: { trusted: true, checkpoints: 4 } })
  const other = '-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n'
  t.match((await verify({ publicKeys: [other] })).findings.map(each => each.subject), ['checkpoint', 'checkpoint', 'checkpoint', 'ledger head'].map(each => new RegExp(each)))
  await t.rejects(verify({ publicKeys: ['x'] }), /no Ed25519 public key/)
  const { findings } = await verify({ checkpoints: [{ name: 'mail.json', head: { ...head, sequence: head.sequence + 1 } }] })
  t.strictSame(findings, [{ subject: 'mail.json', problem: 'its signature is not right' }])
})

t.test('a history that was taken back to an older state shows only against a checkpoint from outside', async t => {
  const { verify, database } = setUp(t)
  const head = database.prepare<[], { sequence: number, hash: string, atMs: number, keyId: string, signature: string }>(
    'SELECT sequence, hash, at_ms AS atMs, key_id AS keyId, signature FROM ledger_head').get()
  if (head === undefined) throw new Error('no head')
  // As a backup from before the last entry would be.
  const last = database.prepare<[], { sequence: number }>('SELECT sequence FROM ledger_checkpoints ORDER BY sequence DESC').get()
  database.exec(`
    DROP TRIGGER ledger_rows_are_not_deleted; DELETE FROM ledger WHERE sequence > ${last?.sequence};
    DELETE FROM ledger_head; INSERT INTO ledger_head SELECT 1, sequence, hash, at_ms, key_id, signature FROM ledger_checkpoints WHERE sequence = ${last?.sequence};
    DELETE FROM detections WHERE id = (SELECT max(id) FROM detections);
    UPDATE oil_spill_events SET last_detected_at_ms = (SELECT max(taken_at_ms) FROM detections WHERE event_id = oil_spill_events.id) WHERE ended_at_ms IS NULL`)
  t.strictSame((await verify()).findings, [])
  t.match((await verify({ checkpoints: [{ name: 'mail.json', head }] })).findings, [{ subject: `ledger row ${head.sequence}`, problem: /^missing: mail.json names row/ }])
})

t.test('from an entry on, only what it and later ones tell of', async t => {
  const { verify, database, folder } = setUp(t)
  writeFileSync(join(folder, 'oil_spill_frames/clip_1.mjpeg'), 'x')
  t.equal((await verify()).findings.length, 1)
  const since = database.prepare<[], number>('SELECT min(sequence) FROM ledger WHERE subject = \'event:6\'').pluck().get()
  t.match(await verify({ since }), { findings: [], summary: { since, events: 1, files: 2 } })
  t.equal(firstEntrySince(database, 0), 1)
  t.equal(firstEntrySince(database, Date.now() + 60_000), undefined)
})

t.test('a file that retention has deleted meanwhile is not missing', async t => {
  const { verify, database, folder } = setUp(t)
  rmSync(join(folder, 'oil_spill_frames/oil_spill_20230623_000000.jpg'))
  const [same, later] = [copyOf(database), copyOf(database)]
  later.exec('UPDATE oil_spill_events SET evidence_state = \'deleted\' WHERE id = 1')
  t.equal((await verify({ openNow: () => same })).findings.length, 1)
  t.strictSame((await verify({ openNow: () => later })).findings, [])
})

t.test('what SQLite itself finds wrong is found', async t => {
  const { verify, database } = setUp(t)
  database.unsafeMode()
  database.pragma('writable_schema = ON')
  database.exec('UPDATE sqlite_schema SET sql = replace(sql, \'subject, sequence\', \'actor, sequence\') WHERE name = \'ledger_by_subject\'')
  database.pragma('writable_schema = RESET')
  t.match((await verify()).findings[0], { subject: 'videostream.db', problem: /^is damaged/ })
})

t.test('what people said is proved, also of events that merged, and each row of it that is altered is named', async t => {
  const { verify, database, folder } = setUp(t)
  const ledger = ledgerStatements(database)
  const [events, reviews, key] = [eventQueries(database, ledger), reviewQueries(database, ledger), ledgerKeyOf(folder)]
  const said = (eventId: number) => ({ eventId, username: 'anna', atMs: 5000 })
  const review = { lookAlike: null, oilAppearanceCode: null, notes: '' }
  const ids: number[] = []
  database.transaction(() => {
    for (const nth of [200, 210]) {
      const id = events.changeEvent(undefined, { ...newEvent(nth), evidenceState: 'missing' })?.id ?? 0
      events.changeEvent(endOf(id, newDetection(nth + 1).takenAtMs), undefined)
      ids.push(id)
    }
    const [first = 0, second = 0] = ids
    reviews.reviewEvent(said(first), { ...review, verdict: 'confirmed' })
    reviews.reviewEvent(said(second), { ...review, verdict: 'false_positive', lookAlike: 'kelp' })
    reviews.holdEvent(said(second), 'a case')
    reviews.acknowledgeEvent(said(second))
    events.joinEvent({ eventId: first, mergedEventId: second, reopens: false, evidence: null, detection: newDetection(205) })
    ledger.seal(key)
  })()
  t.strictSame((await verify()).findings, [])
  const [first = 0] = ids
  const table: Array<[sql: string, subject: string]> = [
    ['UPDATE holds SET reason = \'another case\' WHERE hold_id = 1', 'hold 1'],
    ['DELETE FROM holds WHERE hold_id = 2', 'hold 2'],
    [`INSERT INTO holds (hold_id, event_id, at_ms, username, held, reason) VALUES (50, ${first}, 1, 'anna', 1, '')`, 'hold 50'],
    [`UPDATE oil_spill_events SET held = 0 WHERE id = ${first}`, `event ${first}`],
    [`UPDATE oil_spill_events SET verdict = 'confirmed' WHERE id = ${first}`, `event ${first}`],
    [`UPDATE oil_spill_events SET acknowledged_by = 'ben' WHERE id = ${first}`, `event ${first}`]
  ]
  for (const [sql, subject] of table) {
    const altered = copyOf(database)
    altered.exec(sql)
    const findings: Finding[] = []
    await verifyHistory(altered, folder, { onFinding: finding => { findings.push(finding) } })
    altered.close()
    t.match(findings, [{ subject }], sql)
  }
})
