import { createHash } from 'node:crypto'
import { appendFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { main } from '../../../src/cli/videostream.js'
import { FakeClock, jpeg, startServer, temporaryFolder, upload } from '../../helper.js'

interface Finding { kind: string, subject: string, problem: string, repaired: string | null }
interface Answer { ok: boolean, events: number, events_without_evidence: number, files: number, findings: Finding[] }

/** What the command prints and returns. */
async function check (folder: string, ...args: string[]): Promise<{ exitCode: number, text: string, errors: string[] }> {
  const [out, errors]: [string[], string[]] = [[], []]
  const terminal = { log: (text: string) => { out.push(text) }, error: (line: string) => { errors.push(line) } }
  const exitCode = await main(['check', '--data-dir', folder, ...args], {}, { terminal })
  return { exitCode, text: out.join('\n'), errors }
}

async function checked (folder: string, ...args: string[]): Promise<Answer & { exitCode: number }> {
  const { exitCode, text } = await check(folder, '--json', ...args)
  return { exitCode, ...JSON.parse(text) as Answer }
}

/** A copy of a data folder as a server leaves it, with four events. */
async function setUp (t: Test): Promise<string> {
  const folder = join(temporaryFolder(t), 'data')
  cpSync(await (original ??= makeOriginal()), folder, { recursive: true })
  return folder
}

let original: Promise<string> | undefined

async function makeOriginal (): Promise<string> {
  const folder = join(temporaryFolder(t), 'data')
  const clock = new FakeClock()
  const { app, url } = await startServer(t, { DATA_DIR: folder }, { clock })
  for (let nth = 0; nth < 4; nth += 1) {
    await upload(url, { spill: true, jpeg: jpeg({ color: [nth, 0, 0] }) })
    clock.advance(1000)
    await upload(url)
    clock.advance(1000)
  }
  // What the clips still get, and then the time after which they are closed.
  await app.eventArchive.close()
  clock.advance(10_000)
  await app.close()
  return folder
}

/** Changes the database as another program could. */
function alter (folder: string, sql: string): void {
  const database = new Database(join(folder, 'videostream.db'))
  database.exec(sql)
  database.close()
}

function eventPath (folder: string, id: number): string {
  const database = new Database(join(folder, 'videostream.db'), { readonly: true })
  const path = database.prepare<[number], string>('SELECT frame_path FROM oil_spill_events WHERE id = ?').pluck().get(id)
  database.close()
  return String(path)
}

/** Gives the third event a clip whose file is as long as its index says. */
function addClip (folder: string, { closed = true } = {}): string {
  const path = 'oil_spill_frames/planted.mjpeg'
  writeFileSync(join(folder, path), Buffer.alloc(3000, 7))
  const [sha256, closedAtMs] = closed ? [`'${'a'.repeat(64)}'`, '1'] : ['NULL', 'NULL']
  alter(folder, `INSERT INTO clips (event_id, path, size_bytes, sha256, closed_at_ms) VALUES (3, '${path}', 3000, ${sha256}, ${closedAtMs})`)
  return path
}

/** Counts all evidence as a server would have done. */
const RECOUNT = 'DELETE FROM evidence_totals; INSERT INTO evidence_totals SELECT camera_id, sum(size_bytes) FROM kept_files GROUP BY camera_id'

/** The hashes of all bytes of evidence in a folder, whatever they are called. Clips are split where their index ends. */
function hashesOf (folder: string): Set<string> {
  const files = ['oil_spill_frames', 'unclaimed_frames'].filter(name => existsSync(join(folder, name)))
    .flatMap(name => readdirSync(join(folder, name)).map(each => join(folder, name, each))).filter(path => statSync(path).isFile())
  return new Set(files.flatMap(path => {
    const bytes = readFileSync(path)
    return [bytes.subarray(0, 3000), bytes.subarray(3000)].filter(part => part.length > 0).map(part => createHash('sha256').update(part).digest('hex'))
  }))
}

t.test('nothing is wrong with what a server leaves behind, and nothing is changed', async t => {
  const folder = await setUp(t)
  const before = readdirSync(folder).sort()
  t.strictSame(await check(folder), { exitCode: 0, text: 'checked 4 events with 8 files: nothing is wrong', errors: [] })
  t.strictSame(await checked(folder), { exitCode: 0, ok: true, events: 4, events_without_evidence: 0, files: 8, findings: [] })
  t.strictSame(await check(folder, '--repair'), { exitCode: 0, text: 'checked 4 events with 8 files: nothing is wrong', errors: [] })
  t.strictSame(readdirSync(folder).sort(), before)
})

t.test('where there is no history, or a wrong option, it says so', async t => {
  t.match(await check(temporaryFolder(t)), { exitCode: 2, errors: [/^videostream: there is no history in /] })
  t.match(await check(temporaryFolder(t), '--mend'), { exitCode: 2, errors: [/Unknown option '--mend'/] })
})

interface Defect {
  readonly kind: string
  readonly what?: string
  /** Returns what the first finding is about. */
  readonly plant: (folder: string) => string
  /** What the repair says; undefined where it cannot be mended. */
  readonly repaired?: RegExp
}

const DEFECTS: Defect[] = [
  {
    kind: 'unclaimed_file',
    plant: folder => {
      writeFileSync(join(folder, 'oil_spill_frames/oil_spill_20220101_000000_2.jpg'), 'a whole frame')
      return 'oil_spill_frames/oil_spill_20220101_000000_2.jpg'
    },
    repaired: /^it was moved to unclaimed_frames\/oil_spill_20220101_000000_2\.jpg$/
  },
  {
    kind: 'unclaimed_file',
    what: 'a clip, and nothing is written over',
    plant: folder => {
      mkdirSync(join(folder, 'unclaimed_frames'))
      writeFileSync(join(folder, 'unclaimed_frames/oil_spill_20220101_000000.mjpeg'), 'another one')
      writeFileSync(join(folder, 'oil_spill_frames/oil_spill_20220101_000000.mjpeg'), 'a clip')
      return 'oil_spill_frames/oil_spill_20220101_000000.mjpeg'
    },
    repaired: /^it was moved to unclaimed_frames\/oil_spill_20220101_000000-2\.mjpeg$/
  },
  {
    kind: 'unfinished_file',
    plant: folder => {
      writeFileSync(join(folder, 'oil_spill_frames/.oil_spill_20220101_000000.jpg.part'), 'half a frame')
      return 'oil_spill_frames/.oil_spill_20220101_000000.jpg.part'
    },
    repaired: /^it was moved to unclaimed_frames\/oil_spill_20220101_000000\.jpg\.part$/
  },
  {
    kind: 'clip_tail',
    plant: folder => {
      const path = addClip(folder)
      appendFileSync(join(folder, path), 'frames that no index knows')
      return path
    },
    repaired: /^they were moved to unclaimed_frames\/planted\.tail$/
  },
  {
    kind: 'clip_too_short',
    plant: folder => {
      const path = addClip(folder)
      truncateSync(join(folder, path), 2999)
      return path
    }
  },
  {
    kind: 'missing_file',
    plant: folder => {
      rmSync(join(folder, eventPath(folder, 2)))
      return eventPath(folder, 2)
    }
  },
  {
    kind: 'wrong_size',
    plant: folder => {
      appendFileSync(join(folder, eventPath(folder, 2)), 'x')
      return eventPath(folder, 2)
    }
  },
  {
    kind: 'unfinished_deletion',
    plant: folder => {
      alter(folder, `INSERT INTO garbage SELECT path, sha256 FROM kept_files WHERE event_id = 1;
        UPDATE oil_spill_events SET evidence_state = 'deleted' WHERE id = 1; ${RECOUNT}`)
      return eventPath(folder, 1)
    },
    repaired: /^its deletion was finished$/
  },
  {
    kind: 'orphaned_event',
    plant: folder => {
      alter(folder, `INSERT INTO cameras (camera_id, archived_at_ms) VALUES ('gone', 1);
        UPDATE oil_spill_events SET camera_id = 'gone', ended_at_ms = NULL WHERE id = 4; ${RECOUNT}`)
      return 'event 4'
    },
    repaired: /^it was ended with its last detection$/
  },
  {
    kind: 'evidence_total',
    plant: folder => {
      alter(folder, 'UPDATE evidence_totals SET size_bytes = size_bytes + 1')
      return 'camera default'
    },
    repaired: /^it was counted anew$/
  },
  {
    kind: 'stale_thumbnail',
    plant: folder => {
      mkdirSync(join(folder, 'thumbnails'), { recursive: true })
      writeFileSync(join(folder, 'thumbnails/oil_spill_20220101_000000.jpg'), 'small')
      return 'thumbnails/oil_spill_20220101_000000.jpg'
    },
    repaired: /^it was deleted$/
  },
  {
    kind: 'foreign_key',
    plant: folder => {
      alter(folder, 'PRAGMA foreign_keys = OFF; UPDATE detections SET event_id = 99 WHERE id = (SELECT max(id) FROM detections)')
      return 'database'
    }
  },
  {
    kind: 'ledger_head',
    plant: folder => {
      alter(folder, 'DROP TRIGGER ledger_rows_are_not_deleted; DELETE FROM ledger WHERE sequence = (SELECT max(sequence) FROM ledger)')
      return 'ledger'
    },
    repaired: /^the ledger notes it for good/
  },
  {
    kind: 'database_damaged',
    plant: folder => {
      const path = join(folder, 'videostream.db')
      const database = new Database(path, { readonly: true })
      const page = Number(database.prepare('SELECT rootpage FROM sqlite_schema WHERE name = \'oil_spill_events_by_camera\'').pluck().get())
      const size = Number(database.pragma('page_size', { simple: true }))
      database.close()
      const bytes = readFileSync(path)
      bytes.write('x', bytes.indexOf('default', (page - 1) * size)) // an entry of an index that no row has
      writeFileSync(path, bytes)
      return 'database'
    }
  }
]

for (const { kind, what, plant, repaired } of DEFECTS) {
  t.test(`${kind}${what === undefined ? '' : `: ${what}`} is named${repaired === undefined ? ', and stays a finding' : ', and mended without the loss of a byte'}`, async t => {
    const folder = await setUp(t)
    const subject = plant(folder)
    const found = await checked(folder)
    t.equal(found.exitCode, 1)
    t.match(found.findings[0], { kind, subject, repaired: null })
    if (kind !== 'database_damaged') t.strictSame([...new Set(found.findings.map(each => each.kind))], [kind], JSON.stringify(found.findings))
    t.match((await check(folder)).text, new RegExp(`^${kind}: ${subject}: `))
    const hashes = hashesOf(folder)
    const mended = await checked(folder, '--repair')
    if (kind !== 'unfinished_deletion') t.strictSame(new Set([...hashes].filter(each => !hashesOf(folder).has(each))), new Set(), 'no byte is lost')
    if (repaired === undefined) {
      t.equal(mended.exitCode, 1)
      t.equal((await checked(folder)).findings[0]?.kind, kind, 'as long as it is so')
      return
    }
    t.equal(mended.exitCode, 0)
    t.match(mended.findings[0], { kind, subject, repaired })
    t.strictSame((await checked(folder)).findings, [], 'once')
    const { app } = await startServer(t, { DATA_DIR: folder })
    t.equal((await app.eventRepository.openEvents()).length, 0)
  })
}

t.test('the ledger tells where it has moved what', async t => {
  const folder = await setUp(t)
  const path = addClip(folder)
  appendFileSync(join(folder, path), 'tail')
  await check(folder, '--repair')
  t.equal(statSync(join(folder, path)).size, 3000)
  t.equal(readFileSync(join(folder, 'unclaimed_frames/planted.tail'), 'utf8'), 'tail')
  const database = new Database(join(folder, 'videostream.db'), { readonly: true })
  t.match(database.prepare('SELECT actor, payload FROM ledger WHERE action = \'evidence.repaired\'').all(), [
    { actor: 'command', payload: /"moved_to":"unclaimed_frames\/planted\.tail","path":"oil_spill_frames\/planted\.mjpeg","sha256":"0c62f876ef1dea830de9f32c2f4b46dd6d74d50d15896e09ef5a2fcd4ac7e1d7","size_bytes":4/ }])
  database.close()
})

t.test('a file that was lost and is restored is a finding no more', async t => {
  const folder = await setUp(t)
  const path = join(folder, eventPath(folder, 2))
  const bytes = readFileSync(path)
  rmSync(path)
  t.equal((await check(folder, '--repair')).exitCode, 1)
  writeFileSync(path, bytes)
  t.equal((await check(folder)).exitCode, 0)
})

t.test('while a server runs it only reads, and what that may just be writing is no finding', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const { url } = await startServer(t, { DATA_DIR: folder })
  await upload(url, { spill: true })
  const path = join(folder, 'oil_spill_frames/oil_spill_20220101_000000.jpg')
  writeFileSync(path, 'just written')
  t.match(await check(folder), { exitCode: 0, text: /^checked 1 event with \d files?: nothing is wrong$/ })
  utimesSync(path, 1, 1)
  t.match((await checked(folder)).findings, [{ kind: 'unclaimed_file' }], 'but not what it has left')
  t.match(await check(folder, '--repair'), { exitCode: 3, errors: [/^videostream: a server is running on .*: stop it first; without --repair the check may run meanwhile$/] })
  t.ok(existsSync(path))
})
