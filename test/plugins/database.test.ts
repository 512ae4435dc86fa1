import { writeFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { StartupError } from '../../src/errors.js'
import { startServer, temporaryFolder, testConfig, upload } from '../helper.js'

t.test('the history is videostream.db in the data folder, and is closed with the server', async t => {
  const { app, url, config } = await startServer(t)
  await upload(url, { spill: true })
  await app.close()
  const database = new Database(join(config.dataDir, 'videostream.db'), { readonly: true, fileMustExist: true })
  t.equal(database.prepare('SELECT count(*) FROM oil_spill_events').pluck().get(), 1)
  database.close()
  await t.rejects(app.eventRepository.find(1), { code: 'HISTORY_UNAVAILABLE' })
})

t.test('a file that is no database stops the start', async t => {
  const folder = join(temporaryFolder(t), 'data')
  mkdirSync(folder)
  writeFileSync(join(folder, 'videostream.db'), 'this is no database, and longer than a header of one hundred bytes '.repeat(3))
  await t.rejects(buildApp(testConfig(t, { DATA_DIR: folder }), { logger: false }), StartupError)
})
