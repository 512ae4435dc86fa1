import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { startServer, temporaryFolder, upload } from '../helper.js'
import { keptLog } from '../http.js'

t.test('evidence that is missing at the start is told, and the server starts', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const { app, url } = await startServer(t, { DATA_DIR: folder })
  await upload(url, { spill: true })
  await app.close()
  const [name = ''] = readdirSync(join(folder, 'oil_spill_frames')).filter(each => each.endsWith('.jpg'))
  rmSync(join(folder, 'oil_spill_frames', name))
  const log = keptLog()
  await startServer(t, { DATA_DIR: folder }, { logger: log.logger })
  t.match(log.lines.find(({ level }) => level === 50), { msg: 'evidence is missing: videostream check names it; restore it from a backup', files: 1, newest: `oil_spill_frames/${name}` })
})

t.test('an event that is open though its camera is gone is ended at the start', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const { app, url } = await startServer(t, { DATA_DIR: folder })
  await upload(url, { spill: true })
  await app.close()
  const database = new Database(join(folder, 'videostream.db'))
  database.exec('INSERT INTO cameras (camera_id, archived_at_ms) VALUES (\'gone\', 1); UPDATE oil_spill_events SET camera_id = \'gone\'')
  database.close()
  const log = keptLog()
  const again = await startServer(t, { DATA_DIR: folder }, { logger: log.logger })
  t.strictSame(await again.app.eventRepository.openEvents(), [])
  t.match(log.lines.find(({ eventId }) => eventId === 1), { level: 40, msg: 'an event was ended that was open though its camera is gone' })
})
