import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { readManifest, type Manifest } from '../../../src/store/backup/manifest.js'
import { restoreBackup, type RestoreSettings } from '../../../src/store/backup/restore.js'
import { claimDataFolder, refuseLostHistory } from '../../../src/store/data-folder.js'
import { temporaryFolder } from '../../helper.js'
import { moduleUrl, runElsewhere, smallDisk } from '../support.js'
import { backUp, frameOf, hashesOf, pathOf, sha256Of, TestHistory } from './support.js'

async function restore (folder: string, dataFolder: string, options: Partial<RestoreSettings> = {}) {
  return await restoreBackup({ folder, dataFolder, nowMs: Date.UTC(2023, 5, 24), replace: false, skipDamaged: false, dryRun: false, ...options })
}

/** A backup of so many events. */
async function backupOf (t: Parameters<typeof temporaryFolder>[0], events: number, options: Parameters<typeof backUp>[2] = {}): Promise<{ folder: string, manifest: Manifest, history: TestHistory }> {
  const history = new TestHistory(t, events)
  const folder = join(temporaryFolder(t), 'backup')
  await backUp(history, folder, options)
  const manifest = readManifest(folder)
  if (typeof manifest !== 'object') throw new Error('no manifest')
  return { folder, manifest, history }
}

/** What a restored history tells. */
function read<T> (dataFolder: string, sql: string): T[] {
  const database = new Database(join(dataFolder, 'videostream.db'), { readonly: true })
  try {
    return database.prepare<[], T>(sql).pluck().all()
  } finally {
    database.close()
  }
}

t.test('a backup becomes a data folder with everything that was backed up', async t => {
  const { folder, manifest } = await backupOf(t, 20)
  const before = hashesOf(folder)
  const data = join(temporaryFolder(t), 'new', 'data')
  const report = await restore(folder, data)
  t.match(report, { restored: true, files: 20, bytes: 20 * 100_000 + 210, findings: [], secrets: [] })
  t.equal(report.movedAside, undefined)
  t.strictSame(hashesOf(folder), before, 'the backup is as it was')
  t.strictSame(readdirSync(data).sort(), ['ledger_key.pem', 'oil_spill_frames', 'videostream.db', 'videostream.lock'], 'with a new key')
  for (let nth = 1; nth <= 20; nth += 1) t.equal(sha256Of(readFileSync(join(data, pathOf(nth)))), sha256Of(frameOf(nth)))
  t.equal(read(data, 'SELECT frame_path FROM oil_spill_events').length, 20)
  refuseLostHistory(data)
  claimDataFolder(data).release()
  t.strictSame(read<string>(data, 'SELECT action FROM ledger ORDER BY sequence DESC LIMIT 2'), ['backup.restored', 'key.made'])
  t.strictSame(JSON.parse(read<string>(data, 'SELECT payload FROM ledger WHERE action = \'backup.restored\'')[0]!),
    { made_at: manifest.made_at, database_sha256: manifest.database.sha256, list_sha256: manifest.list.sha256 })
  t.strictSame(read(data, 'SELECT sequence FROM ledger_head'), read(data, 'SELECT max(sequence) FROM ledger'), 'it is signed')
  t.strictSame(read(data, 'SELECT count(*) FROM ledger WHERE action = \'ledger.broken\''), [0])
})

t.test('a flipped byte is named, wherever it is, and nothing is restored', async t => {
  const { folder, manifest } = await backupOf(t, 6)
  const data = join(temporaryFolder(t), 'data')
  for (const path of [pathOf(1), pathOf(4), manifest.database.path, manifest.list.path]) {
    const good = readFileSync(join(folder, path))
    const bad = Buffer.from(good)
    const at = good.length >> 1
    bad[at] = bad[at]! ^ 1
    writeFileSync(join(folder, path), bad)
    for (const options of [{}, { dryRun: true }]) {
      const report = await restore(folder, data, options)
      t.strictSame(report.findings, [{ path, problem: 'altered' }], path)
      t.equal(report.restored, false)
      t.equal(existsSync(join(data, 'videostream.db')), false)
    }
    t.strictSame(readdirSync(data).filter(name => name !== 'videostream.lock'), [])
    writeFileSync(join(folder, path), good)
  }
  t.match(await restore(folder, data, { dryRun: true }), { restored: false, findings: [], files: 6 })
  t.equal((await restore(folder, data)).restored, true)
})

t.test('what is good of a damaged backup is restored where that is asked for, but never without the database', async t => {
  const { folder, manifest } = await backupOf(t, 6)
  rmSync(join(folder, pathOf(2)))
  mkdirSync(join(folder, pathOf(2)))
  rmSync(join(folder, pathOf(5)))
  const data = join(temporaryFolder(t), 'data')
  const findings = [{ path: pathOf(2), problem: 'unreadable' }, { path: pathOf(5), problem: 'missing' }]
  t.match(await restore(folder, data), { restored: false, findings })
  t.match(await restore(folder, data, { skipDamaged: true }), { restored: true, findings, files: 4 })
  t.equal(readdirSync(join(data, 'oil_spill_frames')).length, 4)
  rmSync(join(folder, manifest.database.path))
  t.match(await restore(folder, join(temporaryFolder(t), 'data'), { skipDamaged: true }), { restored: false, isDatabaseWhole: false })
})

t.test('a clip that had grown when a later backup was interrupted counts as far as it was backed up', async t => {
  const history = new TestHistory(t, 1)
  const path = 'oil_spill_frames/oil_spill_20230623_100001.mjpeg'
  history.write(path, Buffer.from('two frames'))
  history.database.prepare('INSERT INTO clips (event_id, path, size_bytes) VALUES (1, ?, 10)').run(path)
  const folder = join(temporaryFolder(t), 'backup')
  await backUp(history, folder)
  writeFileSync(join(folder, path), 'two frames and more')
  const data = join(temporaryFolder(t), 'data')
  t.match(await restore(folder, data), { restored: true, findings: [] })
  t.equal(readFileSync(join(data, path), 'utf8'), 'two frames')
})

t.test('what retention had deleted is not restored', async t => {
  const { folder, history } = await backupOf(t, 2)
  history.database.prepare('UPDATE oil_spill_events SET evidence_state = \'deleted\' WHERE id = 2').run()
  await backUp(history, folder)
  const data = join(temporaryFolder(t), 'data')
  t.match(await restore(folder, data), { restored: true, files: 1 })
  t.strictSame(readdirSync(join(data, 'oil_spill_frames')).length, 1)
})

t.test('a data folder with something in it is refused, and moved aside where that is asked for', async t => {
  const { folder } = await backupOf(t, 2)
  const { folder: data, database } = new TestHistory(t, 3)
  database.close()
  writeFileSync(join(data, 'camera_password'), 'as before')
  const key = readFileSync(join(data, 'ledger_key.pem'), 'utf8')
  const before = hashesOf(data)
  await t.rejects(restore(folder, data), { name: 'StartupError', message: /is not empty: name another folder with --data-dir, or .* --replace$/ })
  t.strictSame(hashesOf(data), before)
  t.equal((await restore(folder, data, { replace: true })).movedAside, 'before_restore_20230624_000000')
  t.strictSame(readdirSync(join(data, 'before_restore_20230624_000000')).sort(), ['oil_spill_frames', 'videostream.db'])
  t.equal(read(data, 'SELECT id FROM oil_spill_events').length, 2)
  t.equal(readFileSync(join(data, 'camera_password'), 'utf8'), 'as before')
  t.equal(readFileSync(join(data, 'ledger_key.pem'), 'utf8'), key)
  t.equal((await restore(folder, data, { replace: true })).movedAside, 'before_restore_20230624_000000-2')
})

t.test('a data folder that cannot be one is one line, at once', async t => {
  const { folder } = await backupOf(t, 1)
  const file = join(temporaryFolder(t), 'letter.txt')
  writeFileSync(file, 'mine')
  await t.rejects(restore(folder, file), { name: 'StartupError', message: /letter\.txt is a file: name a folder with --data-dir$/ })
  await t.rejects(restore(folder, join(file, 'below')), { name: 'StartupError', message: /below cannot be written \(ENOTDIR\)/ })
  await t.rejects(restore(folder, '/proc/self/data'), { name: 'StartupError', message: /^\/proc\/self\/data cannot be used: ENOENT/ })
  t.equal(readFileSync(file, 'utf8'), 'mine')
})

t.test('secrets that were backed up are restored, for nobody else to read', async t => {
  const { folder, history } = await backupOf(t, 1, { withSecrets: true })
  const data = join(temporaryFolder(t), 'data')
  t.strictSame((await restore(folder, data)).secrets, ['ledger_key.pem'])
  t.equal(readFileSync(join(data, 'ledger_key.pem'), 'utf8'), readFileSync(join(history.folder, 'ledger_key.pem'), 'utf8'))
  t.equal(statSync(join(data, 'ledger_key.pem')).mode & 0o777, 0o600)
  t.strictSame(read(data, 'SELECT count(*) FROM ledger WHERE action = \'key.made\''), [1])
})

t.test('the data folder of a running server is refused', async t => {
  const { folder } = await backupOf(t, 1)
  const data = join(temporaryFolder(t), 'data')
  const server = claimDataFolder(data)
  for (const replace of [false, true]) await t.rejects(restore(folder, data, { replace }), { name: 'StartupError', message: /^another Videostream server is using / })
  server.release()
  t.equal((await restore(folder, data)).restored, true)
})

t.test('what is no whole backup is refused', async t => {
  const data = join(temporaryFolder(t), 'data')
  const folder = temporaryFolder(t)
  await t.rejects(restore(folder, data), /^there is no backup in /)
  await t.rejects(restore(join(folder, 'not there'), data), /there is no backup in /)
  writeFileSync(join(folder, 'backup.json'), '{"format":"videostream-backup","format_version":1,"state":"unfinished"}')
  await t.rejects(restore(folder, data), /was never finished/)
  t.notOk(existsSync(data))
})

t.test('a full disk is one line, and leaves nothing behind', async t => {
  const disk = smallDisk(t, 1500)
  if ('problem' in disk) {
    t.comment(disk.problem)
    return
  }
  const { folder } = await backupOf(t, 30)
  const data = join(disk.path, 'data')
  await t.rejects(restore(folder, data), { name: 'StartupError', message: /^no room is left on the disk of .*; nothing was restored/ })
  t.strictSame(readdirSync(data), ['videostream.lock'])
})

t.test('killed while it copies or moves, no server starts until it was run again', async t => {
  const { folder } = await backupOf(t, 100)
  const data = join(temporaryFolder(t), 'data')
  mkdirSync(data)
  const child = await runElsewhere(t, `
    import { watch } from 'node:fs'
    import { restoreBackup } from '${moduleUrl('store/backup/restore.js')}'
    watch(${JSON.stringify(data)}, { recursive: true }, (_event, name) => { if (/oil_spill_.*_1000[3-9]/.test(name)) { console.log('under way'); process.kill(process.pid, 'SIGKILL') } })
    await restoreBackup({ folder: ${JSON.stringify(folder)}, dataFolder: ${JSON.stringify(data)}, nowMs: 0 })`)
  await child.kill()
  t.notOk(existsSync(join(data, 'videostream.db')))
  t.throws(() => { refuseLostHistory(data) }, { name: 'StartupError', message: /^a restore into .* was not finished: run it again, or remove .*\.restore-copies to begin a new history$/ })
  t.equal((await restore(folder, data)).files, 100)

  mkdirSync(join(data, '.restore-copies'))
  refuseLostHistory(data)
  rmSync(join(data, '.restore-copies'), { recursive: true })

  mkdirSync(join(data, '.restoring'))
  renameSync(join(data, 'videostream.db'), join(data, '.restoring', 'videostream.db'))
  t.throws(() => { refuseLostHistory(data) }, { name: 'StartupError', message: /^a restore into .* was not finished: run it again, with --replace$/ })
  await t.rejects(restore(folder, data), /is not empty/)
  t.equal((await restore(folder, data, { replace: true })).restored, true)
  refuseLostHistory(data)
})
