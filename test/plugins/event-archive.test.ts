import t from 'tap'
import { FakeClock, startServer, until, upload } from '../helper.js'
import { keptLog } from '../http.js'

t.test('a detection that cannot be kept is logged and counted, and is kept with the next', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const { url, app } = await startServer(t, {}, { clock, logger: log.logger })
  await upload(url, { spill: true })
  const addDetections = app.eventRepository.addDetections.bind(app.eventRepository)
  app.eventRepository.addDetections = async () => { throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' }) }
  clock.advance(1000)
  t.equal((await upload(url, { spill: true })).status, 200, 'its camera would not send it again')
  await until(() => log.lines.some(({ level }) => level === 50), 'the line')
  t.match(log.lines.find(({ level }) => level === 50), { msg: 'an event could not be stored', cameraId: 'default', err: { code: 'SQLITE_BUSY' } })
  t.match(app.eventArchive.health, { ok: false, failures: 1, lastError: 'SQLITE_BUSY' })
  app.eventRepository.addDetections = addDetections
  await upload(url)
  t.match(await app.eventRepository.find(1), { lastDetectedAtMs: clock.nowMs() })
  t.equal(app.eventArchive.health.ok, true)
})
