import { createHash } from 'node:crypto'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { Detection } from '../src/core/event.js'
import type { FrameDetails } from '../src/core/frame.js'
import { CameraRepository } from '../src/store/camera-repository.js'
import type { ClipRole } from '../src/core/clip.js'
import { EventRepository } from '../src/store/event-repository.js'
import { ReviewRepository } from '../src/store/review-repository.js'
import { SqlThread } from '../src/store/sql-thread.js'
import { newSettings, temporaryFolder } from './helper.js'
import { endOf, newDetection } from './store/support.js'

const guide = readFileSync('docs/event-history.md', 'utf8')

/** A detection of the guide's results, beside the time at which it was taken. */
type Told = Partial<Omit<Detection, 'takenAtMs'>>

interface Known {
  readonly started: string
  readonly ended?: string
  readonly sizeBytes: number
  readonly cameraId?: string
  readonly opening?: Told
  /** The detections after the opening one. */
  readonly detections?: ReadonlyArray<Told & { readonly taken: string }>
  readonly clip?: ReadonlyArray<{ readonly role: ClipRole, readonly taken: string, readonly sizeBytes: number, readonly confidence?: number }>
}

/** What the detector of the second event says. */
const sure = (confidence: number): FrameDetails => ({ confidence, modelVersion: 'slick-net 2.1' })

/** The history of the guide's results. */
const HISTORY: readonly Known[] = [
  { started: '2026-03-01T06:12:04.000Z', ended: '2026-03-01T06:13:49.500Z', sizeBytes: 91_204 },
  {
    started: '2026-03-02T09:30:00.250Z',
    ended: '2026-03-02T09:30:01.050Z',
    sizeBytes: 88_310,
    opening: { frameSequence: 5710, clockSkewMs: 90, details: sure(0.52) },
    clip: [
      { role: 'pre', taken: '2026-03-02T09:29:59.750Z', sizeBytes: 87_954 },
      { role: 'opening', taken: '2026-03-02T09:30:00.250Z', sizeBytes: 88_310, confidence: 0.52 },
      { role: 'post', taken: '2026-03-02T09:30:01.050Z', sizeBytes: 88_102 }
    ],
    detections: [
      { taken: '2026-03-02T09:30:00.450Z', frameSequence: 5711, clockSkewMs: 85, details: sure(0.48) },
      { taken: '2026-03-02T09:30:00.650Z', frameSequence: 5712, clockSkewMs: 80, details: sure(0.51) }
    ]
  },
  { started: '2026-03-02T09:41:10.000Z', ended: '2026-03-02T10:02:40.000Z', sizeBytes: 102_775 },
  { started: '2026-03-02T14:00:00.000Z', ended: '2026-03-02T14:00:02.000Z', sizeBytes: 90_118 },
  { started: '2026-03-15T23:58:00.000Z', ended: '2026-03-16T00:04:00.000Z', sizeBytes: 95_002, cameraId: 'rig-4-north', opening: { clockSkewMs: -41_250 } },
  { started: '2026-04-03T09:15:30.000Z', sizeBytes: 99_417, detections: [{ taken: '2026-04-03T09:16:02.480Z' }] }
]

/** When its cameras fell silent and were heard again. */
const CONNECTIONS = [
  { cameraId: 'rig-4-north', connection: 'offline', at: '2026-03-16T00:10:12.310Z', lastFrame: '2026-03-16T00:10:02.000Z' },
  { cameraId: 'rig-4-north', connection: 'online', at: '2026-03-16T01:55:00.000Z', lastFrame: '2026-03-16T01:54:59.600Z' },
  { cameraId: 'default', connection: 'offline', at: '2026-04-03T09:16:12.940Z', lastFrame: '2026-04-03T09:16:02.480Z' }
] as const

/** What people said of its events. */
async function say (reviews: ReviewRepository): Promise<void> {
  const said = (eventId: number, username: string, at: string) => ({ eventId, username, atMs: Date.parse(at) })
  const review = { lookAlike: null, oilAppearanceCode: null, notes: '' }
  await reviews.acknowledge(said(3, 'john.smith', '2026-03-02T09:43:00Z'))
  await reviews.review(said(3, 'john.smith', '2026-03-02T10:20:00Z'), { ...review, verdict: 'unsure' })
  await reviews.review(said(3, 'jane.doe', '2026-03-02T11:05:00Z'), { ...review, verdict: 'confirmed', oilAppearanceCode: 4, notes: 'from the supply boat' })
  await reviews.hold(said(3, 'jane.doe', '2026-03-02T11:06:00Z'), 'case 2026-17')
  await reviews.review(said(2, 'jane.doe', '2026-03-02T11:08:00Z'), { ...review, verdict: 'false_positive', lookAlike: 'sun_glint' })
  await reviews.review(said(4, 'jane.doe', '2026-03-02T15:00:00Z'), { ...review, verdict: 'unsure' })
  await reviews.review(said(5, 'john.smith', '2026-03-16T07:30:00Z'), { ...review, verdict: 'false_positive', lookAlike: 'algal_bloom' })
  await reviews.acknowledge(said(6, 'john.smith', '2026-04-03T09:16:00Z'))
}

/** Views that the program needs, and people do not. */
const INTERNAL_VIEWS = ['event_index_rows', 'kept_files']

interface Result { readonly columns: string[], readonly rows: string[][] }

interface Question extends Result { readonly title: string, readonly sql: string }

/** A Markdown table; where rows have no cells, a table of columns only. */
function readTable (text: string): Result {
  const [columns = [], , ...rows] = text.trim().split('\n').map(line => line.replace(/^\||\|$/g, '').split('|').map(cell => cell.trim()))
  return { columns, rows }
}

/** Every question of the guide with its query and the result that is printed there. */
const questions: Question[] = [...guide.matchAll(/^### (\d+\. [^\n]+)\n[^]*?```sql\n([^]*?)```\n\n((?:\|.*\n?)+)/gm)]
  .map(([, title = '', sql = '', table = '']) => ({ title, sql, ...readTable(table) }))

/** Stores an event as the server stores it. The frame's bytes are those of its path. */
async function store (repository: EventRepository, { started, ended, sizeBytes, cameraId = 'default', opening, detections = [], clip = [] }: Known): Promise<void> {
  const startedAtMs = Date.parse(started)
  const framePath = `oil_spill_frames/oil_spill_${started.replace(/[-:]|\..*/g, '').replace('T', '_')}.jpg`
  const sha256 = createHash('sha256').update(framePath).digest('hex')
  const shared = { cameraId, sha256, sizeBytes, width: 1280, height: 720 }
  const event = await repository.change(undefined, {
    cameraId,
    startedAtMs,
    endedAtMs: null,
    clearBeforeMs: null,
    clearAfterMs: null,
    evidence: { framePath, sha256, sizeBytes, width: 1280, height: 720 },
    evidenceState: 'kept',
    detection: newDetection(0, { ...shared, ...opening, takenAtMs: startedAtMs })
  })
  const eventId = event?.id ?? 0
  await repository.addDetections(detections.map(({ taken, ...told }) => ({ eventId, detection: newDetection(0, { ...shared, ...told, takenAtMs: Date.parse(taken) }) })))
  await repository.addDetections([], [{ eventId, clip: { path: framePath.replace('.jpg', '.mjpeg'), offsetBytes: 0, firstNumber: 1, isTruncated: false, frames: clip.map(({ taken, confidence = null, ...frame }) => ({ sha256, takenAtMs: Date.parse(taken), capturedAtMs: null, receivedAtMs: Date.parse(taken), width: 1280, height: 720, confidence, boxes: null, ...frame })) } }])
  if (ended !== undefined) await repository.change(endOf(eventId, Date.parse(ended)), undefined)
}

/** The history, still open, as while the server runs. */
async function setUp (t: Test) {
  const path = join(temporaryFolder(t), 'videostream.db')
  const thread = await SqlThread.open(path)
  const repository = await EventRepository.open(thread)
  const cameras = new CameraRepository(thread)
  t.teardown(async () => { await thread.close() })
  await cameras.insert(newSettings('rig-4-north', { name: 'Rig 4, north' }), Date.parse('2026-03-10T08:00:00Z'))
  for (const event of HISTORY) await store(repository, event)
  await cameras.noteConnections(CONNECTIONS.map(({ cameraId, connection, at, lastFrame }) =>
    ({ cameraId, connection, atMs: Date.parse(at), lastFrameAtMs: Date.parse(lastFrame) })))
  await say(new ReviewRepository(thread))
  const reader = new Database(path, { readonly: true })
  t.teardown(() => { reader.close() })
  return { path, repository, reader }
}

/** A query's result as the shell shows it: nothing for NULL, and one decimal at least for what is no whole number. */
function resultOf (reader: Database.Database, sql: string): Result {
  const statement = reader.prepare(sql)
  // In SQLite a REAL is shown with a decimal; JavaScript has only one kind of number.
  const columns = statement.columns().map(column => column.name)
  const texts = reader.prepare(`SELECT ${columns.map(name => `CAST("${name}" AS TEXT)`).join()} FROM (${sql.trim().replace(/;$/, '')})`).raw()
  return { columns, rows: texts.all().map(row => (row as Array<string | null>).map(cell => cell ?? '')) }
}

t.test('the guide asks twenty-three questions', async t => {
  t.strictSame(questions.map(({ title }) => Number.parseInt(title)), Array.from({ length: 23 }, (_, at) => at + 1))
  t.equal(guide.match(/^```sql$/gm)?.length, 23, 'and has no query that is not tested')
})

t.test('each query gives what the guide says', async t => {
  const { reader } = await setUp(t)
  for (const { title, sql, columns, rows } of questions) {
    t.strictSame(resultOf(reader, sql), { columns, rows }, title)
    t.ok(rows.length > 0, 'which is something')
  }
})

t.test('each query asks only the views, which are the operators\' contract', async t => {
  for (const { title, sql } of questions) t.match(sql, /\bFROM (event_history|open_events|unreviewed_events|events_per_day|false_positive_rate|detection_history|clip_index|camera_outages|camera_status|storage_by_camera|evidence_files|audit_trail)\b/, title)
  for (const { title, sql } of questions) t.notMatch(sql, /oil_spill_events|detections\b|cameras\b|clips\b|clip_frames|camera_(keys|connections)/, title)
})

t.test('the guide says what every column of every view is, and of no other', async t => {
  const { reader } = await setUp(t)
  const documented = Object.fromEntries([...guide.matchAll(/^`(\w+)`: [^\n]+\n\n((?:\|.*\n)+)/gm)].map(([, view = '', table = '']) =>
    [view, readTable(table).rows.flatMap(([names = '']) => [...names.matchAll(/`(\w+)`/g)].map(([, name]) => name)).sort()]))
  const views = reader.prepare<[], string>('SELECT name FROM sqlite_schema WHERE type = \'view\'').pluck().all().filter(name => !INTERNAL_VIEWS.includes(name))
  const actual = Object.fromEntries(views.map(view =>
    [view, reader.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(view).sort()]))
  t.strictSame(documented, actual)
})

const shell = spawnSync('sqlite3', ['--version'], { encoding: 'utf8' })

const python = spawnSync('python3', ['-c', 'import sqlite3'])

t.test('Python reads every view as Datasette does: in a connection that only reads, while the server writes', {
  skip: python.status === 0 ? false : 'python3 is not installed'
}, async t => {
  const { path, reader } = await setUp(t)
  const views = reader.prepare<[], string>('SELECT name FROM sqlite_schema WHERE type = \'view\'').pluck().all()
  const writer = new Database(path)
  t.teardown(() => { writer.close() })
  writer.exec('BEGIN IMMEDIATE; UPDATE cameras SET stream_stopped_at_ms = 1')
  const script = 'import sqlite3, sys, json\n' +
    'c = sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True)\n' +
    'print(json.dumps({v: len(c.execute(f"select * from [{v}] limit 101").fetchall()) for v in sys.argv[2:]}))'
  const { stdout, stderr } = spawnSync('python3', ['-c', script, path, ...views], { encoding: 'utf8' })
  t.equal(stderr, '')
  t.match(JSON.parse(stdout), { event_history: 6, unreviewed_events: 2, false_positive_rate: 3, camera_status: 2, evidence_files: 7, storage_by_camera: 2 })
})

t.test('the sqlite3 shell, while the server writes', { skip: shell.status === 0 ? false : 'the sqlite3 shell is not installed' }, async t => {
  const { path, repository } = await setUp(t)
  const writer = new Database(path)
  t.teardown(() => { writer.close() })
  writer.exec('BEGIN IMMEDIATE; UPDATE cameras SET stream_stopped_at_ms = 1')
  const run = (args: string[], sql: string) => spawnSync('sqlite3', ['-bail', '-header', '-markdown', ...args], { input: sql, encoding: 'utf8' })

  const openings = [...guide.matchAll(/^sqlite3 (-readonly )?'?(\S*data\/videostream\.db[^\s']*)'?$/gm)]
    .map(([, flag, file = '']) => [...(flag === undefined ? [] : [flag.trim()]), file.replace('data/videostream.db', path)])
  t.equal(openings.length, 2, 'the guide opens it in two ways')

  for (const args of openings) {
    t.test(`opened with ${args.join(' ').replace(path, 'data/videostream.db')}`, async t => {
      for (const { title, sql, columns, rows } of questions) {
        const { stdout, stderr } = run(args, sql)
        t.strictSame({ ...readTable(stdout), stderr }, { columns, rows, stderr: '' }, title)
      }
      const refused = run(args, 'DELETE FROM oil_spill_events;')
      t.match(refused.stderr, /attempt to write a readonly database/)
      t.not(refused.status, 0)
    })
  }

  writer.exec('ROLLBACK')
  await repository.change(endOf(6, Date.parse('2026-04-03T09:17:00Z')), undefined)
  t.equal(run(['-readonly', path], 'SELECT count(*) FROM open_events;').stdout.includes('| 0 '), true, 'what was stored last is seen at once')
})

t.test('the guide\'s backup is a whole copy while the server runs', { skip: shell.status === 0 ? false : 'the sqlite3 shell is not installed' }, async t => {
  const { path } = await setUp(t)
  const copy = join(temporaryFolder(t), 'copy.db')
  t.match(guide, 'sqlite3 data/videostream.db ".backup copy.db"')
  t.equal(spawnSync('sqlite3', [path, `.backup ${copy}`]).status, 0)
  const database = new Database(copy, { readonly: true })
  t.equal(database.prepare('SELECT count(*) FROM event_history').pluck().get(), HISTORY.length)
  database.close()
})

t.test('the tenth question checks the evidence with sha256sum', {
  skip: shell.status === 0 && spawnSync('sha256sum', ['--version']).status === 0 ? false : 'the sqlite3 shell or sha256sum is not installed'
}, async t => {
  const { path } = await setUp(t)
  const lines = spawnSync('sqlite3', ['-readonly', '-noheader', '-list', path], { input: questions[9]?.sql, encoding: 'utf8' }).stdout
  const framePath = 'oil_spill_frames/oil_spill_20260403_091530.jpg'
  const folder = temporaryFolder(t)
  const check = () => spawnSync('sha256sum', ['--check', '--quiet'], { cwd: folder, input: lines, encoding: 'utf8' })
  mkdirSync(join(folder, 'oil_spill_frames'))
  writeFileSync(join(folder, framePath), framePath)
  t.match(check(), { status: 0, stdout: '' })
  writeFileSync(join(folder, framePath), 'altered')
  t.match(check(), { status: 1, stdout: new RegExp(`${framePath}: FAILED`) })
})
