import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { GENESIS_HASH, ledgerHash, type LedgerPayload } from '../../src/core/ledger.js'
import type { Connection } from '../../src/store/database.js'
import { verifyHistory, type Finding } from '../../src/store/verify.js'
import { temporaryFolder } from '../helper.js'
import { randomFrom, type Random } from '../random.js'
import { copyOf, makeHistory, type HistoryFixture } from '../store/history-fixture.js'

/**
 * Whatever is altered, `verify` names it: each mutation says what it must name. Over a thousand of them, the same ones
 * for the same TAMPERING_SEED, each on a data folder that nothing was wrong with.
 */
const SEED = Number(process.env['TAMPERING_SEED'] ?? 20230623)
const ROUNDS = Number(process.env['TAMPERING_ROUNDS'] ?? 50)

/** What a mutation must be called: whether a finding names it. */
type Names = (finding: Finding) => boolean

interface Bench { readonly database: Connection, readonly history: HistoryFixture, readonly random: Random }

interface Row { [column: string]: string | number | null }

const is = (subject: string): Names => finding => finding.subject === subject

/** A row of the ledger, alone or in a range of which nothing more can be known. */
const ledgerRow = (sequence: number): Names => ({ subject }) => {
  const [, first, last = first] = /^ledger rows? (\d+)(?: to (\d+))?$/.exec(subject) ?? []
  return Number(first) <= sequence && sequence <= Number(last)
}

function pick<T> (random: Random, from: readonly T[]): T {
  return from[random(from.length)] as T
}

function rowsOf (database: Connection, table: string): Row[] {
  return database.prepare<[], Row>(`SELECT rowid AS _rowid, * FROM ${table}`).all()
}

/** Another value of the same kind: one byte of a text is another one, a number differs by one bit. */
function flipped (random: Random, value: string | number): string | number | Buffer {
  if (typeof value === 'number') return Number.isInteger(value) ? value ^ (1 << random(10)) : value / 2
  const bytes = Buffer.from(value)
  const at = random(bytes.length)
  bytes[at] = Number(bytes[at]) ^ (1 << random(7))
  return bytes
}

/** Alters one value of a column that is not NULL. Returns its row as it was. */
function flipColumn ({ database, random }: Bench, table: string, columns: readonly string[], key = 'rowid'): Row {
  const rows = database.prepare<[], Row>(`SELECT ${key} AS _key, * FROM ${table}`).all()
  for (;;) {
    const row = pick(random, rows)
    const column = pick(random, columns)
    const value = row[column]
    if (value === null || value === undefined || value === '') continue
    const other = flipped(random, value)
    const sql = Buffer.isBuffer(other) ? 'CAST(? AS TEXT)' : '?'
    const same = table === 'clip_frames' ? 'clip_id = ? AND number = ?' : `${key} = ?`
    const keys = table === 'clip_frames' ? [row['clip_id'], row['number']] : [row['_key']]
    try {
      database.prepare(`UPDATE ${table} SET ${column} = ${sql} WHERE ${same}`).run(other, ...keys)
      return row
    } catch (error) {
      // Some values SQLite itself does not take, such as a path that there is already.
      if (!/constraint/i.test(String(error))) throw error
    }
  }
}

const LEDGER_COLUMNS = ['at_ms', 'actor', 'action', 'subject', 'payload', 'salt', 'previous_hash', 'hash']

function ledgerOf (database: Connection): Row[] {
  return database.prepare<[], Row>(`SELECT sequence, ${LEDGER_COLUMNS.join()} FROM ledger ORDER BY sequence`).all()
}

/** Writes the ledger anew, each row with the hashes that it should have: what somebody can do who has all but the key. */
function rewrite (database: Connection, rows: readonly Row[]): void {
  database.exec('DELETE FROM ledger')
  const insert = database.prepare(`INSERT INTO ledger (sequence, ${LEDGER_COLUMNS.join()}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  let previousHash = GENESIS_HASH
  for (const [at, row] of rows.entries()) {
    const { at_ms: atMs, actor, action, subject, payload, salt } = row as Record<string, string> & { at_ms: number }
    const entry = { sequence: at + 1, atMs, actor: actor ?? '', action: action ?? '', subject: subject ?? '', payload: JSON.parse(payload ?? '') as LedgerPayload, salt: salt ?? '', previousHash }
    const hash = ledgerHash(entry)
    insert.run(at + 1, atMs, actor, action, subject, payload, salt, previousHash, hash)
    previousHash = hash
  }
}

/** The parts of a data folder that somebody might alter, and how. Each returns what must be named. */
const MUTATIONS: Record<string, (bench: Bench) => Names> = {
  'a byte of a column of a ledger row' (bench) {
    return ledgerRow(Number(flipColumn(bench, 'ledger', LEDGER_COLUMNS)['sequence']))
  },
  'the number of a ledger row' ({ database, random }) {
    const row = pick(random, ledgerOf(database))
    const other = pick(random, [-1, 0, 1000, 100_000])
    database.prepare('UPDATE ledger SET sequence = ? WHERE sequence = ?').run(other, row['sequence'])
    return ledgerRow(Number(row['sequence']))
  },
  'a ledger row is dropped' ({ database, random }) {
    const row = pick(random, ledgerOf(database))
    database.prepare('DELETE FROM ledger WHERE sequence = ?').run(row['sequence'])
    return ledgerRow(Number(row['sequence']))
  },
  'the last ledger rows are dropped' ({ database, random }) {
    const rows = ledgerOf(database)
    const count = 1 + random(5)
    database.prepare('DELETE FROM ledger WHERE sequence > ?').run(rows.length - count)
    return ledgerRow(rows.length - count + 1)
  },
  'a ledger row is dropped, and the others are chained anew' ({ database, random }) {
    const rows = ledgerOf(database)
    const at = random(rows.length)
    rewrite(database, rows.toSpliced(at, 1))
    return ledgerRow(at + 1)
  },
  'two ledger rows change places' ({ database, random }) {
    const rows = ledgerOf(database)
    const first = random(rows.length - 1)
    const second = first + 1 + random(rows.length - first - 1)
    const set = database.prepare(`UPDATE ledger SET ${LEDGER_COLUMNS.map(column => `${column} = ?`).join()} WHERE sequence = ?`)
    for (const [from, to] of [[first, second], [second, first]] as const) set.run(...LEDGER_COLUMNS.map(column => rows[from]?.[column]), to + 1)
    return ledgerRow(first + 1)
  },
  'two ledger rows change places, and all are chained anew' ({ database, random }) {
    const rows = ledgerOf(database)
    const first = random(rows.length - 1)
    const second = first + 1 + random(rows.length - first - 1)
    rewrite(database, rows.with(first, rows[second] as Row).with(second, rows[first] as Row))
    return ledgerRow(first + 1)
  },
  'a ledger row is inserted, and the others are chained anew' ({ database, random }) {
    const rows = ledgerOf(database)
    const at = random(rows.length)
    rewrite(database, rows.toSpliced(at, 0, pick(random, rows)))
    return ledgerRow(at + 1)
  },
  'a ledger row is added at the end, rightly chained' ({ database, random }) {
    const rows = ledgerOf(database)
    rewrite(database, [...rows, pick(random, rows.filter(row => row['action'] === 'login'))])
    return ledgerRow(rows.length + 1)
  },
  'what a ledger row says is altered, and all are chained anew' ({ database, random }) {
    const rows = ledgerOf(database)
    const at = random(rows.length)
    rewrite(database, rows.with(at, { ...rows[at], at_ms: Number(rows[at]?.['at_ms']) + 1 }))
    return ledgerRow(at + 1)
  },
  'a byte of the head' (bench) {
    flipColumn(bench, 'ledger_head', ['sequence', 'hash', 'at_ms', 'key_id', 'signature'])
    return is('ledger head')
  },
  'a byte of a checkpoint' (bench) {
    const row = flipColumn(bench, 'ledger_checkpoints', ['hash', 'at_ms', 'key_id', 'signature'])
    return is(`checkpoint ${row['sequence']}`)
  },
  'the number of a checkpoint' ({ database, random }) {
    const row = pick(random, rowsOf(database, 'ledger_checkpoints'))
    database.prepare('UPDATE ledger_checkpoints SET sequence = sequence + 1 WHERE sequence = ?').run(row['sequence'])
    return is(`checkpoint ${Number(row['sequence']) + 1}`)
  },
  'the head is removed' ({ database }) {
    database.exec('DELETE FROM ledger_head')
    return is('ledger head')
  },
  'a column of an event' (bench) {
    const row = flipColumn(bench, 'oil_spill_events', ['started_at_ms', 'last_detected_at_ms', 'ended_at_ms', 'frame_path', 'frame_sha256', 'frame_size_bytes', 'frame_width', 'frame_height', 'merged_into'])
    return is(`event ${row['id']}`)
  },
  'what is said of an event' ({ database, random }) {
    const [sql, id] = pick(random, [
      ['verdict = \'unsure\'', 1], ['verdict = NULL', 1], ['held = 0', 1], ['held = 1', 2], ['acknowledged_at_ms = NULL', 1], ['acknowledged_at_ms = 1', 3],
      ['evidence_state = \'missing\'', 1], ['evidence_state = \'deleted\'', 2], ['evidence_state = \'kept\'', 5], ['merged_into = NULL', 3]
    ] as const)
    database.exec(`UPDATE oil_spill_events SET ${sql} WHERE id = ${id}`)
    return is(`event ${id}`)
  },
  'how sure the detector was of an event, or where it was seen' ({ database, random }) {
    const { id } = pick(random, rowsOf(database, 'oil_spill_events')) as { id: number }
    const sql = pick(random, ['latitude = coalesce(latitude, 0) + 0.5', 'longitude = coalesce(longitude, 0) - 0.5', 'latitude = 1, longitude = 1', 'peak_confidence = coalesce(peak_confidence, 0) / 2 + 0.01'])
    database.exec(`UPDATE oil_spill_events SET ${sql} WHERE id = ${id}`)
    return is(`event ${id}`)
  },
  'how sure the detector was of an event, or where it was seen, is forgotten' ({ database, random }) {
    const { id } = pick(random, database.prepare<[], { id: number }>('SELECT id FROM oil_spill_events WHERE peak_confidence IS NOT NULL AND latitude IS NOT NULL').all())
    database.exec(`UPDATE oil_spill_events SET ${pick(random, ['latitude = NULL', 'longitude = NULL', 'peak_confidence = NULL'])} WHERE id = ${id}`)
    return is(`event ${id}`)
  },
  'the size of the picture that opened an event' (bench) {
    return is(`event ${flipColumn(bench, 'oil_spill_events', ['frame_width', 'frame_height'])['id']}`)
  },
  'an event is dropped' ({ database, random }) {
    const { id } = pick(random, rowsOf(database, 'oil_spill_events')) as { id: number }
    database.exec(`DELETE FROM oil_spill_events WHERE id = ${id}`)
    return is(`event ${id}`)
  },
  'an event is made up' ({ database, random }) {
    const { id } = pick(random, rowsOf(database, 'oil_spill_events')) as { id: number }
    const columns = 'camera_id, frame_sha256, frame_size_bytes, frame_width, frame_height, started_at_ms, last_detected_at_ms'
    database.exec(`INSERT INTO oil_spill_events (id, frame_path, ended_at_ms, ${columns}) SELECT 99, 'oil_spill_frames/made_up.jpg', last_detected_at_ms, ${columns} FROM oil_spill_events WHERE id = ${id}`)
    return is('event 99')
  },
  'a column of a detection' (bench) {
    const { id } = flipColumn(bench, 'detections', ['camera_id', 'taken_at_ms', 'received_at_ms', 'frame_path', 'sha256', 'size_bytes', 'width', 'height', 'confidence', 'model_version'])
    return ({ subject }) => {
      const [, first, last = first] = /^(?:one of the )?detection rows? (\d+)(?: to (\d+))?$/.exec(subject) ?? []
      return Number(first) <= Number(id) && Number(id) <= Number(last)
    }
  },
  'a detection is given to another event' ({ database, random }) {
    const row = pick(random, rowsOf(database, 'detections'))
    database.prepare('UPDATE detections SET event_id = ? WHERE id = ?').run(row['event_id'] === 1 ? 2 : 1, row['id'])
    return is(`detection row ${row['id']}`)
  },
  'a detection is dropped' ({ database, random }) {
    const { id } = pick(random, rowsOf(database, 'detections'))
    database.prepare('DELETE FROM detections WHERE id = ?').run(id)
    return is(`detection row ${id}`)
  },
  'a detection is made up' ({ database, random }) {
    const { id } = pick(random, rowsOf(database, 'detections'))
    const made = pick(random, [0, 5000])
    const columns = 'event_id, camera_id, taken_at_ms, received_at_ms, sha256, size_bytes, width, height'
    database.prepare(`INSERT INTO detections (id, ${columns}) SELECT ?, ${columns} FROM detections WHERE id = ?`).run(made === 0 ? -1 : made, id)
    return is(`detection row ${made === 0 ? -1 : made}`)
  },
  'a column of a frame in the index of a clip' (bench) {
    const row = flipColumn(bench, 'clip_frames', ['offset_bytes', 'size_bytes', 'sha256', 'taken_at_ms', 'received_at_ms', 'width', 'height', 'confidence'], 'number')
    return ({ subject }) => {
      const [, first, last = first, clipId] = /^(?:one of the )?frames? (\d+)(?: to (\d+))? of clip (\d+)$/.exec(subject) ?? []
      return clipId === String(row['clip_id']) && Number(first) <= Number(row['number']) && Number(row['number']) <= Number(last)
    }
  },
  'the role of a frame of a clip that was closed' ({ database, random }) {
    const { clip_id: clipId, number, role } = pick(random, database.prepare<[], Row>('SELECT clip_id, number, role FROM clip_frames WHERE clip_id < 3').all())
    database.prepare('UPDATE clip_frames SET role = ? WHERE clip_id = ? AND number = ?').run(pick(random, ['pre', 'post', 'peak', role === 'during' ? 'opening' : 'during']), clipId, number)
    return is(`one of the frames of clip ${clipId}`)
  },
  'a frame is dropped from the index of a clip' ({ database, random }) {
    const { clip_id: clipId, number } = pick(random, database.prepare<[], Row>('SELECT clip_id, number FROM clip_frames').all())
    database.prepare('DELETE FROM clip_frames WHERE clip_id = ? AND number = ?').run(clipId, number)
    return is(`frame ${number} of clip ${clipId}`)
  },
  'a frame is added to the index of a clip' ({ database, random }) {
    const { clip_id: clipId, number } = database.prepare<[number], Row>('SELECT clip_id, max(number) AS number FROM clip_frames WHERE clip_id = ?').get(1 + random(3)) ?? {}
    const columns = 'clip_id, offset_bytes, size_bytes, sha256, taken_at_ms, received_at_ms, role, width, height'
    database.prepare(`INSERT INTO clip_frames (number, ${columns}) SELECT number + 1, ${columns} FROM clip_frames WHERE clip_id = ? AND number = ?`).run(clipId, number)
    return is(`frame ${Number(number) + 1} of clip ${clipId}`)
  },
  'a column of a clip that was closed' ({ database, random }) {
    const column = pick(random, ['path', 'size_bytes', 'sha256', 'truncated', 'closed_at_ms'])
    const id = 1 + random(2)
    database.exec(`UPDATE clips SET ${column} = ${{ path: 'path || \'x\'', sha256: 'replace(sha256, substr(sha256, 9, 1), \'x\')', closed_at_ms: 'NULL' }[column] ?? `${column} + 1`} WHERE clip_id = ${id}`)
    return is(`clip ${id}`)
  },
  'a clip is dropped' ({ database, random }) {
    const id = 1 + random(2)
    database.exec(`DELETE FROM clip_frames WHERE clip_id = ${id}; DELETE FROM clips WHERE clip_id = ${id}`)
    return is(`clip ${id}`)
  },
  'a clip is made up' ({ database, random }) {
    database.exec(`INSERT INTO clips (clip_id, event_id, path, size_bytes) VALUES (50, ${1 + random(2)}, 'oil_spill_frames/made_up.mjpeg', 0)`)
    return is('clip 50')
  },
  'a column of a review' (bench) {
    const row = flipColumn(bench, 'reviews', ['at_ms', 'reviewer', 'notes', 'event_id'])
    return is(`review ${row['review_id']}`)
  },
  'a column of a hold' (bench) {
    return is(`hold ${flipColumn(bench, 'holds', ['username', 'held', 'reason'])['hold_id']}`)
  },
  'a hold is made up' ({ database, random }) {
    database.exec(`INSERT INTO holds (hold_id, event_id, at_ms, username, held, reason) VALUES (50, ${1 + random(2)}, 1, 'anna', 1, '')`)
    return is('hold 50')
  },
  'a review is dropped' ({ database, random }) {
    const id = 1 + random(2)
    database.exec(`DELETE FROM reviews WHERE review_id = ${id}`)
    return is(`review ${id}`)
  },
  'a review is made up' ({ database, random }) {
    database.exec(`INSERT INTO reviews (review_id, event_id, at_ms, reviewer, verdict) VALUES (50, ${1 + random(2)}, 1, 'anna', 'confirmed')`)
    return is('review 50')
  }
}

/** How a file of evidence can be altered; the index of a clip that grows does not reach its end yet. */
const FILE_MUTATIONS: Record<string, (bytes: Buffer, random: Random) => Buffer | undefined> = {
  'one byte of a file' (bytes, random) {
    const at = random(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([Number(bytes[at]) ^ (1 + random(255))]), bytes.subarray(at + 1)])
  },
  'the end of a file is cut off': (bytes, random) => bytes.subarray(0, random(bytes.length)),
  'something is put into a file' (bytes, random) {
    const at = random(bytes.length)
    return Buffer.concat([bytes.subarray(0, at), Buffer.from([Number(bytes[at]) ^ 255]), bytes.subarray(at)])
  },
  'a file is removed': () => undefined
}

/** How many bytes of a file the history knows of. */
function knownBytes ({ database, files }: HistoryFixture): Array<{ path: string, length: number }> {
  const length = database.prepare<{ path: string }, number>(`
    SELECT size_bytes FROM clips WHERE path = :path UNION ALL SELECT size_bytes FROM detections WHERE frame_path = :path`).pluck()
  return files.map(path => ({ path, length: length.get({ path }) ?? 0 }))
}

async function findingsOf (database: Connection, folder: string): Promise<Finding[]> {
  const findings: Finding[] = []
  await verifyHistory(database, folder, { onFinding: finding => { findings.push(finding) } })
  return findings
}

const folder = temporaryFolder(t)
const history = makeHistory(folder, randomFrom(SEED))
t.teardown(() => { history.database.close() })

/** The history without what keeps honest programs from altering it, as somebody else would have it. */
const bare = copyOf(history.database)
for (const name of bare.prepare<[], string>('SELECT name FROM sqlite_schema WHERE type = \'trigger\'').pluck().all()) bare.exec(`DROP TRIGGER ${name}`)

t.test('nothing is found where nothing was touched', async t => {
  t.strictSame(await findingsOf(bare, folder), [])
})

for (const [name, mutate] of Object.entries(MUTATIONS)) {
  t.test(`${name}, ${ROUNDS} times`, async t => {
    const random = randomFrom(SEED + name.length)
    for (let round = 0; round < ROUNDS; round += 1) {
      const database = copyOf(bare)
      database.pragma('foreign_keys = OFF')
      database.pragma('ignore_check_constraints = ON')
      const names = mutate({ database, history, random })
      const findings = await findingsOf(database, folder)
      t.ok(findings.some(names), `round ${round} is named`, { findings })
      database.close()
    }
  })
}

for (const [name, mutate] of Object.entries(FILE_MUTATIONS)) {
  t.test(`${name}, ${ROUNDS} times`, async t => {
    const random = randomFrom(SEED + name.length)
    for (let round = 0; round < ROUNDS; round += 1) {
      const { path, length } = pick(random, knownBytes(history))
      const whole = readFileSync(join(folder, path))
      const altered = mutate(whole.subarray(0, length), random)
      if (altered === undefined) rmSync(join(folder, path))
      else writeFileSync(join(folder, path), altered)
      const findings = await findingsOf(bare, folder)
      writeFileSync(join(folder, path), whole)
      t.strictSame(findings.map(({ subject }) => subject), [path], `round ${round}`)
    }
  })
}

t.test('what was altered is whole again', async t => {
  t.strictSame(await findingsOf(bare, folder), [])
})
