import { join } from 'node:path'
import t from 'tap'
import { FakeClock, startServer, temporaryFolder, until, upload } from '../helper.js'
import { keptLog } from '../http.js'

type Event = Record<string, unknown>
const list = async (url: string): Promise<Event[]> => await (await fetch(`${url}/api/oil_spill_events`)).json() as Event[]

t.test('with a gap an event ends though the camera falls silent', async t => {
  const clock = new FakeClock()
  const { url, app } = await startServer(t, { EVENT_GAP_SECONDS: '5' }, { clock })
  await upload(url, { spill: true })
  clock.advance(5000)
  await until(() => app.cameras.default.recorder.openEventId === undefined, 'the end of the event')
  t.match(await list(url), [{ ended_at: '2023-06-23T14:30:22.123000' }])
})

t.test('without a gap an event stays open while the camera is silent', async t => {
  const clock = new FakeClock()
  const { url, app } = await startServer(t, {}, { clock })
  await upload(url, { spill: true })
  clock.advance(3_600_000)
  await app.cameras.default.recorder.checkSilence()
  t.match(await list(url), [{ ended_at: null }])
})

t.test('an event whose gap passed while the server was down ends at the start', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data'), EVENT_GAP_SECONDS: '5' }
  const clock = new FakeClock()
  const before = await startServer(t, environment, { clock })
  await upload(before.url, { spill: true })
  await before.app.close()
  clock.advance(6000)
  const after = await startServer(t, environment, { clock })
  await after.app.cameras.default.recorder.idle()
  t.match(await list(after.url), [{ ended_at: '2023-06-23T14:30:22.123000' }])
})

t.test('an end that cannot be stored is logged and counted, and tried again', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const { url, app } = await startServer(t, { EVENT_GAP_SECONDS: '5' }, { clock, logger: log.logger })
  await upload(url, { spill: true })
  const change = app.eventRepository.change.bind(app.eventRepository)
  app.eventRepository.change = async () => { throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' }) }
  clock.advance(5000)
  await until(() => app.eventArchive.health.failures === 1, 'the failure')
  t.match(app.eventArchive.health, { ok: false, lastError: 'SQLITE_BUSY' })
  t.match(log.lines.find(({ level }) => level >= 50), { msg: 'an event could not be stored', cameraId: 'default', err: { code: 'SQLITE_BUSY' } })
  app.eventRepository.change = change
  await until(() => app.eventArchive.health.ok, 'the next try')
  t.match(await list(url), [{ ended_at: '2023-06-23T14:30:22.123000' }])
})
