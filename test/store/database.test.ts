import { closeSync, copyFileSync, mkdirSync, openSync, readFileSync, statSync, truncateSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { openDatabase } from '../../src/store/database.js'
import { MIGRATIONS } from '../../src/store/migrations/index.js'
import { temporaryFolder } from '../helper.js'
import { filesOf, fillDisk, lockFolder, moduleUrl, nobodyProblem, printedByNobody, runElsewhere, smallDisk } from './support.js'

/** A database with a few hundred events, closed. */
function makeHistory (path: string): void {
  const database = openDatabase(path)
  const insert = database.prepare(`INSERT INTO oil_spill_events (camera_id, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height,
    started_at_ms, last_detected_at_ms, ended_at_ms) VALUES ('default', ?, ?, 1000, 640, 480, ?, ?, ?)`)
  database.transaction(() => {
    for (let i = 0; i < 300; i += 1) insert.run(`frame ${i}`, 'f'.repeat(64), i, i, i)
  })()
  database.close()
}

/** Fails unless the file is refused with one line that begins with the file's path, and every byte stays as it was. */
function refuses (t: Test, path: string, line: RegExp, busyTimeoutMs = 0): void {
  const before = filesOf(join(path, '..'))
  try {
    openDatabase(path, busyTimeoutMs).close()
    t.fail('it was opened')
  } catch (error) {
    t.match(error, { name: 'StartupError', message: line })
    const { message } = error as Error
    t.notOk(message.includes('\n'), 'one line')
    t.ok(message.includes(path), 'which names the file')
  }
  const after = filesOf(join(path, '..'))
  for (const [name, bytes] of Object.entries(before)) t.ok(after[name] === bytes, `${name} is as it was`)
}

t.test('an acknowledged commit survives a power cut: WAL with synchronous FULL', async t => {
  const database = openDatabase(join(temporaryFolder(t), 'new.db'))
  t.equal(database.pragma('journal_mode', { simple: true }), 'wal')
  t.equal(database.pragma('synchronous', { simple: true }), 2)
  t.equal(database.pragma('foreign_keys', { simple: true }), 1)
  database.close()
})

t.test('a new database gets the whole schema and says whose it is', async t => {
  const path = join(temporaryFolder(t), 'new.db')
  const database = openDatabase(path)
  t.equal(database.pragma('user_version', { simple: true }), MIGRATIONS.length)
  t.equal(database.pragma('application_id', { simple: true }), 0x56535452)
  t.strictSame(database.prepare('SELECT name FROM sqlite_schema WHERE type = \'view\' ORDER BY name').pluck().all(),
    [
      'audit_trail', 'camera_outages', 'camera_status', 'clip_index', 'detection_history', 'event_history', 'events_per_day', 'evidence_files',
      'false_positive_rate', 'kept_files', 'open_events', 'storage_by_camera', 'unreviewed_events'
    ])
  t.strictSame(database.prepare(`SELECT name, strict FROM pragma_table_list
    WHERE schema = 'main' AND type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name`).all(),
  [
    'camera_connections', 'camera_keys', 'camera_numbers', 'cameras', 'clip_frames', 'clips', 'credentials', 'detections', 'evidence_totals', 'garbage', 'holds',
    'ledger', 'ledger_checkpoints', 'ledger_head', 'oil_spill_events', 'reviews', 'users'
  ].map(name => ({ name, strict: 1 })))
  database.close()
  t.equal(readFileSync(path).toString('latin1', 68, 72), 'VSTR')
})

t.test('an empty file is a new database', async t => {
  const path = join(temporaryFolder(t), 'empty.db')
  writeFileSync(path, '')
  const database = openDatabase(path)
  t.equal(database.pragma('user_version', { simple: true }), MIGRATIONS.length)
  database.close()
})

t.test('a database that is up to date is opened without a change', async t => {
  const path = join(temporaryFolder(t), 'history.db')
  makeHistory(path)
  const before = readFileSync(path)
  const database = openDatabase(path)
  t.equal(database.prepare('SELECT count(*) FROM oil_spill_events').pluck().get(), 300)
  database.close()
  t.ok(readFileSync(path).equals(before))
})

t.test('what a crash left in the log is there after the next start', async t => {
  const folder = temporaryFolder(t)
  const running = openDatabase(join(folder, 'running.db'))
  running.exec('INSERT INTO cameras (camera_id) VALUES (\'from the log\')')
  copyFileSync(join(folder, 'running.db'), join(folder, 'crashed.db'))
  copyFileSync(join(folder, 'running.db-wal'), join(folder, 'crashed.db-wal'))
  running.close()
  const database = openDatabase(join(folder, 'crashed.db'))
  t.strictSame(database.prepare('SELECT camera_id FROM cameras ORDER BY 1').pluck().all(), ['default', 'from the log'])
  database.close()
})

t.test('a migration is done as a whole or not at all', async t => {
  const path = join(temporaryFolder(t), 'half.db')
  const half = new Database(path)
  half.pragma('application_id = 0x56535452')
  half.exec('CREATE VIEW event_history AS SELECT 1')
  half.close()
  t.throws(() => openDatabase(path), { name: 'StartupError', message: /event_history already exists/ })
  const database = new Database(path)
  t.equal(database.pragma('user_version', { simple: true }), 0)
  t.strictSame(database.prepare('SELECT name FROM sqlite_schema').pluck().all(), ['event_history'])
  database.close()
})

t.test('the schema refuses what cannot be', async t => {
  const database = openDatabase(join(temporaryFolder(t), 'new.db'))
  const insert = (values: Record<string, unknown>): void => {
    const row = {
      camera_id: 'default', frame_path: 'a.jpg', frame_sha256: 'f'.repeat(64), frame_size_bytes: 1, frame_width: 1, frame_height: 1, started_at_ms: 5, last_detected_at_ms: 5, ended_at_ms: 5, ...values
    }
    database.prepare(`INSERT INTO oil_spill_events (${Object.keys(row).join()}) VALUES (${Object.keys(row).map(() => '?').join()})`).run(...Object.values(row))
  }
  insert({ ended_at_ms: null })
  t.throws(() => { insert({ frame_path: 'b.jpg', ended_at_ms: null }) }, { code: 'SQLITE_CONSTRAINT_UNIQUE' }, 'two open events of one camera')
  t.throws(() => { insert({}) }, { code: 'SQLITE_CONSTRAINT_UNIQUE' }, 'two events with one frame')
  t.throws(() => { insert({ frame_path: 'b.jpg', camera_id: 'nobody' }) }, { code: 'SQLITE_CONSTRAINT_FOREIGNKEY' }, 'an unknown camera')
  t.throws(() => { insert({ frame_path: 'b.jpg', ended_at_ms: 4 }) }, { code: 'SQLITE_CONSTRAINT_CHECK' }, 'an end before the start')
  t.throws(() => { insert({ frame_path: 'b.jpg', last_detected_at_ms: 4 }) }, { code: 'SQLITE_CONSTRAINT_CHECK' }, 'a detection before the start')
  t.throws(() => { insert({ frame_path: 'b.jpg', frame_sha256: 'f' }) }, { code: 'SQLITE_CONSTRAINT_CHECK' }, 'half a hash')
  t.throws(() => { insert({ frame_path: 'b.jpg', started_at_ms: 'noon' }) }, { code: 'SQLITE_CONSTRAINT_DATATYPE' }, 'a text for a time')
  database.prepare('DELETE FROM oil_spill_events').run()
  insert({})
  t.equal(database.prepare('SELECT id FROM oil_spill_events').pluck().get(), 2, 'ids are never used twice')
  database.close()
})

t.test('a database from a newer version is refused', async t => {
  const path = join(temporaryFolder(t), 'newer.db')
  makeHistory(path)
  const newer = new Database(path)
  newer.pragma(`user_version = ${MIGRATIONS.length + 1}`)
  newer.close()
  refuses(t, path, new RegExp(`was made by a newer version of Videostream \\(schema ${MIGRATIONS.length + 1}, this one knows ${MIGRATIONS.length}\\); nothing was changed: update Videostream$`))
})

t.test('a newer version that crashed is refused too, and its log is left as it is', async t => {
  const folder = temporaryFolder(t)
  const running = openDatabase(join(folder, 'running.db'))
  running.pragma(`user_version = ${MIGRATIONS.length + 1}`)
  mkdirSync(join(folder, 'crashed'))
  copyFileSync(join(folder, 'running.db'), join(folder, 'crashed', 'newer.db'))
  copyFileSync(join(folder, 'running.db-wal'), join(folder, 'crashed', 'newer.db-wal'))
  running.close()
  t.ok(statSync(join(folder, 'crashed', 'newer.db-wal')).size > 0)
  refuses(t, join(folder, 'crashed', 'newer.db'), /newer version/)
})

t.test('a damaged header is refused', async t => {
  const path = join(temporaryFolder(t), 'damaged.db')
  makeHistory(path)
  overwrite(path, 3, Buffer.from([0xff, 0xff]))
  refuses(t, path, /is damaged or not a database; nothing was changed: move it away, or restore it from a backup$/)
})

t.test('a damaged page is refused', async t => {
  const path = join(temporaryFolder(t), 'damaged.db')
  makeHistory(path)
  const pages = statSync(path).size / 4096
  t.ok(pages > 8)
  for (let page = 1; page < pages; page += 3) {
    const copy = join(temporaryFolder(t), 'damaged.db')
    copyFileSync(path, copy)
    overwrite(copy, page * 4096, Buffer.alloc(200, 0xa5))
    refuses(t, copy, /is damaged.*nothing was changed/)
  }
})

t.test('a truncated database is refused', async t => {
  const path = join(temporaryFolder(t), 'cut.db')
  makeHistory(path)
  truncateSync(path, 3 * 4096)
  refuses(t, path, /is damaged.*nothing was changed/)
})

t.test('what is no database is refused', async t => {
  const path = join(temporaryFolder(t), 'notes.db')
  writeFileSync(path, 'Remember to buy milk. '.repeat(100))
  refuses(t, path, /is damaged or not a database; nothing was changed/)
})

t.test('another program\'s database is refused', async t => {
  t.test('by its tables', async t => {
    const path = join(temporaryFolder(t), 'foreign.db')
    const foreign = new Database(path)
    foreign.exec('CREATE TABLE bookmarks (url TEXT)')
    foreign.close()
    refuses(t, path, /belongs to another program; nothing was changed: move it away, or choose another DATA_DIR$/)
  })

  t.test('by its application id, even without a table', async t => {
    const path = join(temporaryFolder(t), 'foreign.db')
    const foreign = new Database(path)
    foreign.pragma('application_id = 1234')
    foreign.close()
    refuses(t, path, /belongs to another program/)
  })
})

t.test('a locked database is refused', async t => {
  const LOCKED = /is locked by another program; close that program and start again$/

  t.test('by another connection that writes', async t => {
    const path = join(temporaryFolder(t), 'locked.db')
    makeHistory(path)
    const other = new Database(path)
    other.exec('BEGIN IMMEDIATE')
    refuses(t, path, LOCKED)
    other.exec('ROLLBACK')
    openDatabase(path, 0).close()
    other.close()
  })

  t.test('by another process that has it for itself', async t => {
    const path = join(temporaryFolder(t), 'locked.db')
    makeHistory(path)
    const { kill } = await runElsewhere(t, `
      import { createRequire } from 'node:module'
      const Database = createRequire('${moduleUrl('store/database.js')}')('better-sqlite3')
      const database = new Database(${JSON.stringify(path)})
      database.pragma('locking_mode = EXCLUSIVE')
      database.exec('BEGIN EXCLUSIVE')
      console.log('locked')
      setInterval(() => {}, 1000)`)
    refuses(t, path, LOCKED)
    await kill()
    openDatabase(path, 0).close()
  })

  t.test('but one that is free again in time is waited for', async t => {
    const path = join(temporaryFolder(t), 'locked.db')
    makeHistory(path)
    await runElsewhere(t, `
      import { createRequire } from 'node:module'
      const Database = createRequire('${moduleUrl('store/database.js')}')('better-sqlite3')
      const database = new Database(${JSON.stringify(path)})
      database.exec('BEGIN IMMEDIATE')
      console.log('locked')
      setTimeout(() => { database.exec('ROLLBACK') }, 100)`)
    t.doesNotThrow(() => { openDatabase(path).close() })
  })
})

const nobody = nobodyProblem()

t.test('a read-only folder is refused', { skip: nobody }, async t => {
  const outer = temporaryFolder(t)
  const folder = join(outer, 'data')
  mkdirSync(folder)
  makeHistory(join(folder, 'history.db'))
  lockFolder(t, outer)
  lockFolder(t, folder)
  const before = filesOf(folder)
  for (const name of ['history.db', 'new.db']) {
    const path = join(folder, name)
    const printed = printedByNobody(`
      import { openDatabase } from '${moduleUrl('store/database.js')}'
      try { openDatabase(${JSON.stringify(path)}); console.log('opened') } catch (error) { console.log(error.name + ': ' + error.message) }`)
    t.match(printed, /^StartupError: [^\n]* cannot be written \(SQLITE_[A-Z_]+\); give the server a folder of its own with DATA_DIR, or correct the permissions\n$/, name)
    t.ok(printed.includes(path))
  }
  t.strictSame(filesOf(folder), before)
})

t.test('a folder that is not there is said in one line', async t => {
  const path = join(temporaryFolder(t), 'nowhere', 'history.db')
  t.throws(() => openDatabase(path), { name: 'StartupError', message: /cannot be used: [^\n]*directory does not exist/ })
})

t.test('a full disk', async t => {
  const disk = smallDisk(t, 1024)
  if ('problem' in disk) return t.pass('not run', { skip: disk.problem })
  const path = join(disk.path, 'history.db')
  makeHistory(path)
  const before = readFileSync(path)

  for (let freeBlocks = 0; freeBlocks <= 9; freeBlocks += 1) {
    const makeRoom = fillDisk(disk.path, freeBlocks)
    try {
      openDatabase(path, 0).close()
      t.ok(freeBlocks > 0, `${freeBlocks} free blocks are enough`)
    } catch (error) {
      t.match(error, { name: 'StartupError', message: `no room is left on the disk of ${path}; make room and start again` }, `${freeBlocks} free blocks`)
    }
    makeRoom()
    t.ok(readFileSync(path).equals(before), 'the database is as it was')
  }

  t.test('stops a new database, which is made once there is room', async t => {
    const makeRoom = fillDisk(disk.path, 2)
    t.throws(() => openDatabase(join(disk.path, 'new.db')), { name: 'StartupError', message: /^no room is left on the disk of / })
    makeRoom()
    const database = openDatabase(join(disk.path, 'new.db'))
    t.equal(database.pragma('user_version', { simple: true }), MIGRATIONS.length)
    database.close()
  })
})

function overwrite (path: string, at: number, bytes: Buffer): void {
  const file = openSync(path, 'r+')
  writeSync(file, bytes, 0, bytes.length, at)
  closeSync(file)
}

t.test('checkpoints are left to Litestream where that has been here, but for a bound', async t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'videostream.db')
  const pages = (): unknown => {
    const database = openDatabase(path)
    try {
      return database.pragma('wal_autocheckpoint', { simple: true })
    } finally {
      database.close()
    }
  }
  t.equal(pages(), 1000)
  mkdirSync(join(folder, '.videostream.db-litestream'))
  t.equal(pages(), 50_000)
})
