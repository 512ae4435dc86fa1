import { rmSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { historyCamera, historyFolder } from '../../bench/make-history.js'
import { openForReading } from '../../src/store/reading.js'
import { startServer } from '../helper.js'

t.test('a history is made once, and a server finds everything in it', async t => {
  const folder = historyFolder(60)
  t.teardown(() => { rmSync(folder, { recursive: true }) })
  t.equal(historyFolder(60), folder)
  const database = openForReading(join(folder, 'videostream.db'))
  const count = (sql: string): unknown => database.prepare(sql).pluck().get()
  t.equal(count('SELECT count(*) FROM event_history'), 60)
  t.equal(count('SELECT count(*) FROM detections'), 120)
  t.equal(count('SELECT count(*) FROM reviews'), 12)
  t.equal(count('SELECT count(*) FROM ledger WHERE action = \'event.adopted\''), 60)
  database.close()
  const { url } = await startServer(t, { DATA_DIR: folder })
  for (const [query, expected] of [['', 60], [`&camera=${historyCamera(7)}`, 1], ['&verdict=unreviewed', 48], ['&bbox=-180,-90,180,90', 60], ['&min_confidence=1', 0]] as const) {
    const events = await (await fetch(`${url}/api/oil_spill_events?limit=100${query}`)).json() as unknown[]
    t.equal(events.length, expected, query)
  }
})
