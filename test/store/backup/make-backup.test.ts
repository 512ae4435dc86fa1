import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { readManifest } from '../../../src/store/backup/manifest.js'
import { claimFile } from '../../../src/store/data-folder.js'
import { MIGRATIONS } from '../../../src/store/migrations/index.js'
import { temporaryFolder } from '../../helper.js'
import { fillDisk, runElsewhere, smallDisk, moduleUrl } from '../support.js'
import { backUp, countsOf, frameOf, hashesOf, pathOf, sha256Of, TestHistory } from './support.js'

t.test('a backup has the database, every file, and a manifest that describes them', async t => {
  const history = new TestHistory(t, 20)
  history.write('unclaimed_frames/oil_spill_20230101_000000.jpg', Buffer.from('nobody claims it'))
  const before = hashesOf(history.folder)
  const folder = join(temporaryFolder(t), 'a', 'backup')
  const report = await backUp(history, folder)
  t.strictSame(countsOf(report), { copied: 21, unchanged: 0, former: 0, pruned: 0, findings: [] })
  t.strictSame(hashesOf(history.folder), before, 'the data folder is as it was')
  const manifest = JSON.parse(readFileSync(join(folder, 'backup.json'), 'utf8'))
  t.match(manifest, {
    format: 'videostream-backup',
    format_version: 1,
    state: 'complete',
    made_at: '2023-06-23T14:30:00.000000',
    app_version: '1.2.3',
    events: 20,
    files: { count: 21 },
    secrets: [],
    ledger_head: { sequence: 41 }
  })
  t.strictSame(readdirSync(folder).sort(), ['backup.json', 'backup.lock', manifest.list.path, manifest.database.path, 'oil_spill_frames', 'unclaimed_frames'].sort())
  for (const { path, size_bytes: size, sha256 } of [manifest.database, manifest.list]) {
    const bytes = readFileSync(join(folder, path))
    t.strictSame([bytes.length, createHash('sha256').update(bytes).digest('hex')], [size, sha256], path)
  }
  const lines = readFileSync(join(folder, manifest.list.path), 'utf8').trim().split('\n').map(line => JSON.parse(line))
  t.equal(lines.length, 21)
  t.strictSame(lines[0], { path: pathOf(1), size_bytes: 100_001, sha256: sha256Of(frameOf(1)) })
  for (const { path, sha256 } of lines) t.equal(sha256Of(readFileSync(join(folder, path))), sha256)
  const copy = new Database(join(folder, manifest.database.path), { readonly: true })
  t.equal(copy.prepare('SELECT count(*) FROM event_history').pluck().get(), 20)
  copy.close()
  t.notOk(existsSync(join(folder, `${manifest.database.path}-wal`)), 'it is one file')
  t.equal(statSync(folder).mode & 0o777, 0o700, 'for nobody else')
})

t.test('a second backup copies only what is new', async t => {
  const history = new TestHistory(t, 20)
  const folder = join(temporaryFolder(t), 'backup')
  await backUp(history, folder)
  for (const nth of [21, 22]) history.addEvent(nth)
  const inodes = Array.from({ length: 20 }, (_, i) => statSync(join(folder, pathOf(i + 1))).ino)
  const report = await backUp(history, folder, { nowMs: Date.UTC(2023, 5, 23, 15) })
  t.strictSame(countsOf(report), { copied: 2, unchanged: 20, former: 0, pruned: 0, findings: [] })
  t.equal(report.copiedBytes, 200_043)
  t.equal(report.manifest.events, 22)
  t.strictSame(inodes, Array.from({ length: 20 }, (_, i) => statSync(join(folder, pathOf(i + 1))).ino))
  t.equal(readdirSync(folder).filter(name => /^(history|files)-/.test(name)).length, 2, 'those of the first are gone')
})

t.test('a clip that grows is copied as far as the database says, and again when it has grown', async t => {
  const history = new TestHistory(t, 1)
  const folder = join(temporaryFolder(t), 'backup')
  const path = 'oil_spill_frames/oil_spill_20230623_100001.mjpeg'
  history.write(path, Buffer.from('two frames and a part that no row says'))
  history.database.prepare('INSERT INTO clips (event_id, path, size_bytes) VALUES (1, ?, 10)').run(path)
  t.strictSame(countsOf(await backUp(history, folder)), { copied: 2, unchanged: 0, former: 0, pruned: 0, findings: [] })
  t.equal(readFileSync(join(folder, path), 'utf8'), 'two frames')
  t.strictSame(countsOf(await backUp(history, folder)), { copied: 0, unchanged: 2, former: 0, pruned: 0, findings: [] })
  history.database.prepare('UPDATE clips SET size_bytes = 14').run()
  t.strictSame(countsOf(await backUp(history, folder)), { copied: 1, unchanged: 1, former: 0, pruned: 0, findings: [] })
  t.equal(readFileSync(join(folder, path), 'utf8'), 'two frames and')
})

t.test('what retention has deleted stays in the backup until it is pruned', async t => {
  const history = new TestHistory(t, 3)
  const folder = join(temporaryFolder(t), 'backup')
  await backUp(history, folder)
  history.database.prepare('UPDATE oil_spill_events SET evidence_state = \'deleted\' WHERE id = 2').run()
  rmSync(join(history.folder, pathOf(2)))
  for (let i = 0; i < 2; i += 1) t.strictSame(countsOf(await backUp(history, folder)), { copied: 0, unchanged: 2, former: 1, pruned: 0, findings: [] })
  t.ok(existsSync(join(folder, pathOf(2))))
  t.strictSame(countsOf(await backUp(history, folder, { prune: true })), { copied: 0, unchanged: 2, former: 0, pruned: 1, findings: [] })
  t.notOk(existsSync(join(folder, pathOf(2))))
  t.strictSame(countsOf(await backUp(history, folder)), { copied: 0, unchanged: 2, former: 0, pruned: 0, findings: [] })
})

t.test('evidence that was never stored, for want of room, is not missed', async t => {
  const history = new TestHistory(t, 2)
  history.database.prepare('UPDATE oil_spill_events SET evidence_state = \'missing\' WHERE id = 2').run()
  rmSync(join(history.folder, pathOf(2)))
  t.strictSame(countsOf(await backUp(history, join(temporaryFolder(t), 'backup'))), { copied: 1, unchanged: 0, former: 0, pruned: 0, findings: [] })
})

t.test('a file that is missing or altered is named, and never takes the place of a good copy', async t => {
  const history = new TestHistory(t, 4)
  const folder = join(temporaryFolder(t), 'backup')
  await backUp(history, folder)
  history.addEvent(5)
  history.addEvent(6)
  rmSync(join(history.folder, pathOf(5)))
  history.write(pathOf(6), Buffer.alloc(100_006))
  history.write(pathOf(1), Buffer.alloc(100_001))
  rmSync(join(folder, pathOf(1)))
  history.write(pathOf(2), Buffer.alloc(100_002))
  const report = await backUp(history, folder, { rehash: true })
  t.strictSame(countsOf(report).findings, [`altered ${pathOf(1)}`, `missing ${pathOf(5)}`, `altered ${pathOf(6)}`])
  t.equal(report.manifest.files.count, 3)
  t.equal(sha256Of(readFileSync(join(folder, pathOf(2)))), sha256Of(frameOf(2)))
  t.notOk(existsSync(join(folder, pathOf(6))))
  t.notOk(existsSync(join(folder, '.parts')))
})

t.test('what has changed in the backup is found with rehash, and copied again', async t => {
  const history = new TestHistory(t, 3)
  const folder = join(temporaryFolder(t), 'backup')
  await backUp(history, folder)
  writeFileSync(join(folder, pathOf(3)), Buffer.alloc(100_003))
  t.equal((await backUp(history, folder)).copied, 0)
  t.equal((await backUp(history, folder, { rehash: true })).copied, 1)
  t.equal(sha256Of(readFileSync(join(folder, pathOf(3)))), sha256Of(frameOf(3)))
})

t.test('paths that lead out of the data folder are not followed', async t => {
  const history = new TestHistory(t, 1)
  writeFileSync(join(history.folder, '..', 'foreign'), frameOf(1))
  history.database.prepare('UPDATE oil_spill_events SET frame_path = \'oil_spill_frames/../../foreign\'').run()
  const folder = join(temporaryFolder(t), 'backup')
  t.match(countsOf(await backUp(history, folder)).findings, ['altered oil_spill_frames/../../foreign'])
})

t.test('the ledger\'s key and the camera password go with it only where they are asked for', async t => {
  const history = new TestHistory(t, 1)
  const folder = join(temporaryFolder(t), 'backup')
  t.strictSame((await backUp(history, folder, { withSecrets: true })).manifest.secrets.map(({ path }) => path), ['ledger_key.pem'])
  history.write('camera_password', Buffer.from('secret'))
  t.strictSame((await backUp(history, folder, { withSecrets: true })).manifest.secrets.map(({ path }) => path), ['camera_password', 'ledger_key.pem'])
  t.equal(statSync(join(folder, 'ledger_key.pem')).mode & 0o777, 0o600)
  t.strictSame((await backUp(history, folder)).manifest.secrets, [])
  t.strictSame(readdirSync(folder).filter(name => /password|pem/.test(name)), [])
})

t.test('folders that are not for this backup are refused and left alone', async t => {
  const history = new TestHistory(t, 1)
  const foreign = temporaryFolder(t)
  writeFileSync(join(foreign, 'letter.txt'), 'mine')
  const table: Array<[folder: string, message: RegExp]> = [
    [foreign, /is not empty, and not a backup: name a new or an empty folder$/],
    [history.folder, /lie in one another/],
    [join(history.folder, 'backup'), /lie in one another/],
    [join(history.folder, '..'), /lie in one another/]
  ]
  for (const [folder, message] of table) {
    await t.rejects(backUp(history, folder), { name: 'StartupError', message })
    rmSync(join(history.folder, 'backup'), { recursive: true, force: true })
  }
  t.strictSame(readdirSync(foreign), ['letter.txt'])
  writeFileSync(join(foreign, 'backup.json'), '{"format":"another"}')
  await t.rejects(backUp(history, foreign), /not a backup/)
  const folder = join(temporaryFolder(t), 'backup')
  await backUp(history, folder)
  const before = hashesOf(folder)
  await t.rejects(backUp(new TestHistory(t, 1), folder), { name: 'StartupError', message: /has the backup of another history/ })
  t.strictSame(hashesOf(folder), before)
})

t.test('a folder that cannot be made is one line, at once', async t => {
  const history = new TestHistory(t, 1)
  const file = join(temporaryFolder(t), 'letter.txt')
  writeFileSync(file, 'mine')
  for (const folder of [file, join(file, 'below'), join(file, 'far', 'below')]) {
    await t.rejects(backUp(history, folder), { name: 'StartupError', message: /cannot be a folder: there is a file in its place, or in that of a folder above it \((EEXIST|ENOTDIR)\); name another one$/ })
  }
  for (const folder of ['/proc/self/backup', '/proc/self/far/below']) {
    await t.rejects(backUp(history, folder), { name: 'StartupError', message: /cannot be made \(ENOENT\); name another folder, or correct the permissions$/ })
  }
  t.equal(readFileSync(file, 'utf8'), 'mine')
})

t.test('two backups into one folder are not made at once', async t => {
  const history = new TestHistory(t, 1)
  const folder = join(temporaryFolder(t), 'backup')
  mkdirSync(folder)
  const lock = claimFile(join(folder, 'backup.lock'), 'held')
  await t.rejects(backUp(history, folder), { name: 'StartupError', message: /^another backup into .* is under way/ })
  lock.release()
  await backUp(history, folder)
})

t.test('a full disk is one line, and leaves the last good backup', async t => {
  const disk = smallDisk(t, 2600)
  if ('problem' in disk) {
    t.comment(disk.problem)
    return
  }
  const history = new TestHistory(t, 4)
  const folder = join(disk.path, 'backup')
  await backUp(history, folder)
  for (let nth = 5; nth <= 40; nth += 1) history.addEvent(nth)
  const good = readManifest(folder)
  await t.rejects(backUp(history, folder, { nowMs: Date.UTC(2023, 5, 23, 16) }), {
    name: 'StartupError', message: /^no room is left on the disk of .*; the backup of 2023-06-23T14:30:00\.000000 in it is still good: make room and start again$/
  })
  t.strictSame(readManifest(folder), good)
  if (typeof good !== 'object') return t.fail('no manifest')
  for (const { path, sha256 } of [good.database, good.list]) t.equal(sha256Of(readFileSync(join(folder, path))), sha256)
  t.notOk(existsSync(join(folder, '.parts')), 'what was not finished takes no room')

  const empty = join(disk.path, 'empty')
  mkdirSync(empty)
  fillDisk(disk.path, 3)
  await t.rejects(backUp(history, empty), { name: 'StartupError', message: /there is no whole backup in it yet/ })
})

t.test('what an interrupted backup has copied is used by the next', async t => {
  const history = new TestHistory(t, 200)
  const folder = join(temporaryFolder(t), 'backup')
  const child = await runElsewhere(t, `
    import { watch } from 'node:fs'
    import { mkdirSync } from 'node:fs'
    import { makeBackup } from '${moduleUrl('store/backup/make-backup.js')}'
    mkdirSync(${JSON.stringify(join(folder, 'oil_spill_frames'))}, { recursive: true })
    let count = 0
    watch(${JSON.stringify(join(folder, 'oil_spill_frames'))}, () => { if (++count === 100) { console.log('under way'); process.kill(process.pid, 'SIGKILL') } })
    const settings = { dataFolder: ${JSON.stringify(history.folder)}, folder: ${JSON.stringify(folder)}, appVersion: '1', nowMs: 0 }
    import { writeFileSync } from 'node:fs'
    writeFileSync(${JSON.stringify(join(folder, 'backup.json'))}, '{"format":"videostream-backup","format_version":1,"state":"unfinished"}')
    await makeBackup(settings)`)
  await child.kill()
  t.equal(readManifest(folder), 'unfinished')
  const report = countsOf(await backUp(history, folder))
  t.ok(report.unchanged >= 50, `${report.unchanged} were there`)
  t.equal(report.copied + report.unchanged, 200)
  t.strictSame(readdirSync(folder).length, 5)
})

t.test('a history of an older version is backed up as it is', async t => {
  const folder = join(temporaryFolder(t), 'data')
  mkdirSync(join(folder, 'oil_spill_frames'), { recursive: true })
  const database = new Database(join(folder, 'videostream.db'))
  t.teardown(() => { database.close() })
  for (const migration of MIGRATIONS.slice(0, 3)) {
    if (typeof migration === 'string') database.exec(migration)
    else migration(database)
  }
  database.pragma('application_id = 0x56535452')
  database.pragma('user_version = 3')
  const insert = database.prepare(`INSERT INTO oil_spill_events (camera_id, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height, started_at_ms, last_detected_at_ms)
    VALUES ('default', ?, ?, ?, 640, 480, ?, ?)`)
  for (const nth of [1, 2]) {
    const frame = frameOf(nth)
    insert.run(pathOf(nth), sha256Of(frame), frame.length, nth, nth)
    database.exec('UPDATE oil_spill_events SET ended_at_ms = last_detected_at_ms')
    writeFileSync(join(folder, pathOf(nth)), frame)
  }
  const report = await backUp({ folder }, join(temporaryFolder(t), 'backup'))
  t.equal(report.copied, 2)
  t.equal(report.manifest.schema_version, 3)
})
