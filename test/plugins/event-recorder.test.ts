import fs from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { StorageUnavailable } from '../../src/errors.js'
import { FakeClock, frame, startServer, temporaryFolder, until, upload } from '../helper.js'
import { keptLog, signal } from '../http.js'

type Event = Record<string, unknown>
const list = async (url: string): Promise<Event[]> => await (await fetch(`${url}/api/oil_spill_events`)).json() as Event[]

t.test('an event is one unbroken run of detections', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  for (const spill of [false, true, true, true, false, false, true, false]) {
    await upload(url, { spill })
    clock.advance(1000)
  }
  t.match(await list(url), [
    { datetime: '2023-06-23T14:30:23.123000', ended_at: '2023-06-23T14:30:26.123000' },
    { datetime: '2023-06-23T14:30:28.123000', ended_at: '2023-06-23T14:30:29.123000' }
  ])
})

t.test('with a gap an event goes on over frames that show no spill', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, { EVENT_GAP_SECONDS: '5' }, { clock })
  for (const spill of [true, false, false, true, false]) {
    await upload(url, { spill })
    clock.advance(1000)
  }
  t.match(await list(url), [{ ended_at: null }])
  clock.advance(4000)
  await upload(url)
  t.match(await list(url), [{ datetime: '2023-06-23T14:30:22.123000', ended_at: '2023-06-23T14:30:26.123000' }], 'its end is the first frame without a spill')
})

t.test('with a gap an event ends though the camera falls silent', async t => {
  const clock = new FakeClock()
  const { url, app } = await startServer(t, { EVENT_GAP_SECONDS: '5' }, { clock })
  await upload(url, { spill: true })
  clock.advance(5000)
  await until(() => !app.eventRecorder.eventOpen, 'the end of the event')
  t.match(await list(url), [{ ended_at: '2023-06-23T14:30:22.123000' }])
})

t.test('without a gap an event stays open while the camera is silent', async t => {
  const clock = new FakeClock()
  const { url, app } = await startServer(t, {}, { clock })
  await upload(url, { spill: true })
  clock.advance(3_600_000)
  await app.eventRecorder.checkSilence()
  t.match(await list(url), [{ ended_at: null }])
})

t.test('an event that is open at a restart goes on', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const clock = new FakeClock()
  const before = await startServer(t, environment, { clock })
  await upload(before.url, { spill: true })
  await before.app.close()
  clock.advance(60_000)
  const after = await startServer(t, environment, { clock })
  t.match(await (await fetch(`${after.url}/api/status`)).json(), { oil_spill_detected: true, oil_spill_events: 1 })
  await upload(after.url, { spill: true })
  t.match(await list(after.url), [{ id: 1, ended_at: null }])
  clock.advance(1000)
  await upload(after.url)
  t.match(await list(after.url), [{ id: 1, ended_at: '2023-06-23T14:31:23.123000' }])
})

t.test('an event that was open at a restart and is over ends at its last detection', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const clock = new FakeClock()
  const before = await startServer(t, environment, { clock })
  await upload(before.url, { spill: true })
  clock.advance(2000)
  await upload(before.url, { spill: true })
  await before.app.close()
  clock.advance(60_000)
  const after = await startServer(t, environment, { clock })
  await upload(after.url)
  t.match(await list(after.url), [{ ended_at: '2023-06-23T14:30:24.123000' }])
})

t.test('an event whose gap passed while the server was down ends at the start', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data'), EVENT_GAP_SECONDS: '5' }
  const clock = new FakeClock()
  const before = await startServer(t, environment, { clock })
  await upload(before.url, { spill: true })
  await before.app.close()
  clock.advance(6000)
  const after = await startServer(t, environment, { clock })
  await after.app.eventRecorder.idle()
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
  await until(() => app.storageHealth().failures === 1, 'the failure')
  t.match(app.storageHealth(), { ok: false, lastError: 'SQLITE_BUSY' })
  t.match(log.lines.find(({ level }) => level >= 50), { msg: 'an event could not be stored', cameraId: 'default', err: { code: 'SQLITE_BUSY' } })
  app.eventRepository.change = change
  await until(() => app.storageHealth().ok, 'the next try')
  t.match(await list(url), [{ ended_at: '2023-06-23T14:30:22.123000' }])
})

t.test('frames that wait for a slow disk are bounded in memory', async t => {
  const gate = signal()
  const clock = new FakeClock()
  const { url, app } = await startServer(t, {}, {
    clock,
    files: {
      ...fs,
      open: async (path, flags, mode) => {
        if (String(path).endsWith('.part')) await gate.promise
        return await fs.open(path, flags, mode)
      }
    }
  })
  const opening = upload(url, { spill: true })
  await until(() => app.eventRecorder.record(frame(clock, { spill: true })) !== undefined, 'a frame that waits')
  await t.rejects(Promise.resolve(app.ingest(frame(clock, { jpeg: Buffer.alloc(64 * 1024 * 1024 + 1) }))), new StorageUnavailable('too many frames wait for the disk'))
  gate.resolve()
  t.equal((await opening).status, 200)
})

t.test('what is being stored when the server closes is stored', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const gate = signal()
  const { app } = await startServer(t, environment, {
    files: {
      ...fs,
      open: async (path, flags, mode) => {
        if (String(path).endsWith('.part')) await gate.promise
        return await fs.open(path, flags, mode)
      }
    }
  })
  const stored = app.ingest(frame(app.clock, { spill: true }))
  const closed = app.close()
  gate.resolve()
  await Promise.all([stored, closed])
  const { url } = await startServer(t, environment)
  t.equal((await list(url)).length, 1)
})

t.test('a last detection that cannot be noted is logged, and is no missing event', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const { url, app } = await startServer(t, {}, { clock, logger: log.logger })
  await upload(url, { spill: true })
  app.eventRepository.noteDetection = async () => { throw Object.assign(new Error('database is locked'), { code: 'SQLITE_BUSY' }) }
  clock.advance(1000)
  t.equal((await upload(url, { spill: true })).status, 200)
  await until(() => log.lines.some(({ level }) => level === 40), 'the warning')
  t.match(log.lines.find(({ level }) => level === 40), { msg: 'the last detection of the open event could not be noted', err: { code: 'SQLITE_BUSY' } })
  t.equal(app.storageHealth().ok, true)
})
