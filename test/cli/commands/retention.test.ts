import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { main } from '../../../src/cli/videostream.js'
import { startServer, temporaryFolder, until, upload } from '../../helper.js'

/** What the command prints and returns. */
async function retention (folder: string, args: string[], settings: NodeJS.ProcessEnv): Promise<{ exitCode: number, text: string, errors: string[] }> {
  const [out, errors]: [string[], string[]] = [[], []]
  const terminal = { log: (text: string) => { out.push(text) }, error: (line: string) => { errors.push(line) } }
  const exitCode = await main(['retention', '--data-dir', folder, ...args], settings, { terminal })
  return { exitCode, text: out.join('\n'), errors }
}

/** A data folder with three events or more, of which all but the last are reviewed, and the server that made it. */
async function setUp (t: Test, events = 3) {
  const folder = join(temporaryFolder(t), 'data')
  const { app, url } = await startServer(t, { DATA_DIR: folder, POST_EVENT_SECONDS: '0' })
  for (let nth = 0; nth < events; nth += 1) {
    await upload(url, { spill: true })
    await upload(url)
  }
  const database = new Database(join(folder, 'videostream.db'))
  database.prepare('UPDATE oil_spill_events SET verdict = \'confirmed\' WHERE id < ?').run(events)
  const growing = database.prepare('SELECT count(*) FROM clips WHERE closed_at_ms IS NULL').pluck()
  await until(() => growing.get() === 0, 'the end of the clips')
  const sizes = database.prepare<[], number>('SELECT sum(size_bytes) FROM kept_files GROUP BY event_id ORDER BY event_id').pluck().all()
  database.close()
  return { folder, app, sizes, frames: () => readdirSync(join(folder, 'oil_spill_frames')).filter(name => name.endsWith('.jpg')).length }
}

t.test('a dry run says what would go, while a server runs too, and a run does just that', async t => {
  const { folder, app, frames, sizes: [first = 0, second = 0, third = 0] } = await setUp(t)
  const settings = { RETAIN_MAX_BYTES: String(second + third), MIN_FREE_BYTES: '0' }
  const dryRun = await retention(folder, ['--dry-run', '--json'], settings)
  t.equal(dryRun.exitCode, 0)
  const plan = JSON.parse(dryRun.text) as Record<string, unknown>
  t.match(plan, { dry_run: true, evidence_bytes: first + second + third, events: 1, bytes: first, limit_exceeded: null, deletions: [{ id: 1, camera_id: 'default', files: 2, bytes: first, reason: 'total_bytes' }] })
  t.equal(frames(), 3)
  t.match(await retention(folder, [], settings), { exitCode: 3, errors: [/^videostream: a server is running on .*: it does this by itself; --dry-run says what would go$/] })
  await app.close()
  t.match(await retention(folder, ['--dry-run'], settings), { exitCode: 0, text: /^event 1 of default, .*: 2 files, [\d.]+ \w+, beyond RETAIN_MAX_BYTES\nwould delete the evidence of 1 event, / })
  const run = await retention(folder, ['--json'], settings)
  t.strictSame((JSON.parse(run.text) as Record<string, unknown>)['deletions'], plan['deletions'])
  t.equal(frames(), 2)
  t.match(await retention(folder, [], settings), { exitCode: 0, text: /^deleted the evidence of 0 events, 0 bytes of / })
  const database = new Database(join(folder, 'videostream.db'), { readonly: true })
  t.equal(database.prepare('SELECT actor FROM ledger WHERE action = \'evidence.deleted\'').pluck().get(), 'command')
  database.close()
})

t.test('where no more may be deleted, it says so', async t => {
  const { folder, app } = await setUp(t)
  await app.close()
  t.match(await retention(folder, ['--dry-run'], { RETAIN_MAX_BYTES: '1', MIN_FREE_BYTES: '0' }), { exitCode: 1, text: /would delete the evidence of 2 events, .*\nthere is still evidence beyond RETAIN_MAX_BYTES, and no more of it may be deleted/ })
})

t.test('it tells what has gone, not what it had in mind', async t => {
  const { folder, app, frames, sizes } = await setUp(t, 12)
  await app.close()
  const database = new Database(join(folder, 'videostream.db'))
  // Somebody holds an event after it was chosen.
  database.exec('CREATE TRIGGER meanwhile AFTER UPDATE OF evidence_state ON oil_spill_events WHEN NEW.id = 1 BEGIN UPDATE oil_spill_events SET held = 1 WHERE id = 11; END')
  database.close()
  const settings = { RETAIN_MAX_BYTES: '1', MIN_FREE_BYTES: '0' }
  t.match(JSON.parse((await retention(folder, ['--dry-run', '--json'], settings)).text), { events: 11 })
  const { exitCode, text } = await retention(folder, ['--json'], settings)
  const report = JSON.parse(text) as { deletions: Array<{ id: number }> }
  t.match(report, { dry_run: false, events: 10, bytes: sizes.slice(0, 10).reduce((sum, size) => sum + size), limit_exceeded: 'total_bytes' })
  t.strictSame(report.deletions.map(({ id }) => id), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  t.equal(exitCode, 1)
  t.equal(frames(), 2)
})

t.test('a setting that is wrong is told', async t => {
  const { folder, app } = await setUp(t)
  await app.close()
  t.match(await retention(folder, ['--dry-run'], { RETAIN_DAYS: 'x' }), { exitCode: 3, errors: [/^videostream: RETAIN_DAYS must be /] })
})
