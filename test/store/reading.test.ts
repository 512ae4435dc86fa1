import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { openDatabase } from '../../src/store/database.js'
import { openForReading } from '../../src/store/reading.js'
import { temporaryFolder } from '../helper.js'
import { filesOf, lockFolder, moduleUrl, nobodyProblem, printedByNobody, runElsewhere } from './support.js'

const COUNT = 'SELECT count(*) FROM oil_spill_events'

t.test('a history that nobody uses is read, and its folder is as it was', async t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'videostream.db')
  openDatabase(path).close()
  const before = filesOf(folder)
  const database = openForReading(path)
  t.equal(database.prepare(COUNT).pluck().get(), 0)
  t.throws(() => database.exec('DELETE FROM cameras'), { code: 'SQLITE_READONLY' })
  database.close()
  t.ok(Object.keys(before).length === 1)
  t.strictSame(filesOf(folder), before)
})

t.test('a history that a server writes, or left when it was killed, is read with what is in the log', async t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'videostream.db')
  const other = await runElsewhere(t, `
    import { openDatabase } from '${moduleUrl('store/database.js')}'
    globalThis.database = openDatabase(${JSON.stringify(path)})
    database.exec("INSERT INTO cameras (camera_id) VALUES ('new')")
    console.log('written')
    setInterval(() => {}, 1000)`)
  const cameras = (): unknown => {
    const database = openForReading(path)
    const count = database.prepare('SELECT count(*) FROM cameras').pluck().get()
    database.close()
    return count
  }
  t.equal(cameras(), 2)
  await other.kill()
  const { 'videostream.db': database, 'videostream.db-wal': log } = filesOf(folder)
  t.equal(cameras(), 2)
  t.match(filesOf(folder), { 'videostream.db': database, 'videostream.db-wal': log }, 'the log was not moved into the database')
})

t.test('what is no history of this version is refused, and nothing is made', async t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'videostream.db')
  t.throws(() => openForReading(path), { name: 'StartupError' })
  t.strictSame(readdirSync(folder), [])
  writeFileSync(path, '')
  t.throws(() => openForReading(path), { name: 'StartupError', message: /belongs to another program, or is empty/ })
  for (const [version, message] of [[99, /made by a newer version/], [1, /made by an older version .*start the server once/]] as const) {
    const other = join(folder, `${version}.db`)
    openDatabase(other).close()
    const database = new Database(other)
    database.pragma(`user_version = ${version}`)
    database.close()
    t.throws(() => openForReading(other), { name: 'StartupError', message })
  }
  openForReading(join(folder, '1.db'), 'any').close()
})

t.test('on a medium that cannot be written a copy is read', { skip: nobodyProblem() }, async t => {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'data'))
  const path = join(folder, 'data', 'videostream.db')
  openDatabase(path).close()
  lockFolder(t, join(folder, 'data'))
  lockFolder(t, folder)
  t.equal(printedByNobody(`
    import { openForReading } from '${moduleUrl('store/reading.js')}'
    const database = openForReading(${JSON.stringify(path)})
    console.log(database.prepare(${JSON.stringify(COUNT)}).pluck().get())`), '0\n')
  t.notOk(existsSync(`${path}-wal`))
})
