import { join } from 'node:path'
import { mock } from 'node:test'
import t from 'tap'
import { FakeClock, newSettings, startServer, temporaryFolder, until, upload, type TestServer } from '../helper.js'
import { keptLog, signal } from '../http.js'

const START_MS = new FakeClock().nowMs()

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

/** What is noted of the connections of a camera, oldest first: what, and when after the start in seconds. */
async function notesOf ({ app }: TestServer, cameraId = 'default'): Promise<Array<[connection: string, afterSeconds: number, lastFrameAfterSeconds: number | null]>> {
  const notes = await app.cameraRepository.connectionsOf(cameraId, 1000)
  const seconds = (atMs: number): number => (atMs - START_MS) / 1000
  return notes.reverse().map(({ connection, atMs, lastFrameAtMs }) => [connection, seconds(atMs), lastFrameAtMs === null ? null : seconds(lastFrameAtMs)])
}

/** Waits until so many were noted. */
const noted = async (server: TestServer, count: number, cameraId = 'default'): Promise<void> => {
  await until(async () => (await notesOf(server, cameraId)).length >= count, `note ${count}`)
}

const summaryOf = async (url: string): Promise<unknown> => (await (await fetch(`${url}/api/detection_summary`)).json() as Event)['current_status']

t.test('a camera that falls silent is told, logged and noted, and so is one that is heard again', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const server = await startServer(t, {}, { clock, logger: log.logger })
  const { url, app } = server
  const { secret } = await app.cameras.addKey(await app.cameras.add(newSettings('rig-4')))
  await upload(url)
  await upload(url, { password: secret })
  await Promise.all([noted(server, 1), noted(server, 1, 'rig-4')])
  t.equal(await summaryOf(url), 'Normal: No oil spill detected')
  clock.advance(9999)
  await upload(url)
  clock.advance(1)
  await noted(server, 2, 'rig-4')
  t.equal(await summaryOf(url), 'Unknown: No frames from rig-4')
  clock.advance(9999)
  await noted(server, 2)
  t.equal(await summaryOf(url), 'Unknown: No frames from default, rig-4')
  clock.advance(40_000)
  await upload(url, { password: secret })
  await noted(server, 3, 'rig-4')
  t.strictSame(await notesOf(server), [['online', 0, 0], ['offline', 19.999, 9.999]])
  t.strictSame(await notesOf(server, 'rig-4'), [['online', 0, 0], ['offline', 10, 0], ['online', 59.999, 59.999]])
  t.match(log.lines.filter(({ cameraId, msg }) => cameraId === 'rig-4' && msg.startsWith('a camera is')), [
    { level: 30, msg: 'a camera is online', lastFrameAt: '2023-06-23T14:30:22.123Z' },
    { level: 40, msg: 'a camera is offline: what it would see is not known', lastFrameAt: '2023-06-23T14:30:22.123Z' },
    { level: 30, msg: 'a camera is online', lastFrameAt: '2023-06-23T14:31:22.122Z' }
  ])
  t.match(await (await fetch(`${url}/api/status`)).json(), { state: 'offline', cameras: { total: 2, online: 1, offline: 1 } })
})

t.test('CAMERA_OFFLINE_AFTER_SECONDS says when', async t => {
  const clock = new FakeClock()
  const server = await startServer(t, { CAMERA_OFFLINE_AFTER_SECONDS: '3' }, { clock })
  await upload(server.url)
  await noted(server, 1)
  clock.advance(3000)
  await noted(server, 2)
  t.strictSame(await notesOf(server), [['online', 0, 0], ['offline', 3, 0]])
})

t.test('silence while an event is open is both: a spill, and a camera that is offline', async t => {
  const clock = new FakeClock()
  const server = await startServer(t, {}, { clock })
  await upload(server.url, { spill: true })
  await noted(server, 1)
  clock.advance(10_000)
  await noted(server, 2)
  t.equal(await summaryOf(server.url), 'Alert: Oil spill detected')
  t.match(await (await fetch(`${server.url}/api/status`)).json(), { state: 'offline', oil_spill_detected: true, open_event_id: 1 })
})

t.test('a camera that only sends what it kept is offline: what is there now is not known', async t => {
  const clock = new FakeClock()
  const server = await startServer(t, {}, { clock })
  await upload(server.url, { headers: { 'X-Capture-Timestamp': new Date(START_MS).toISOString() } })
  await noted(server, 1)
  clock.advance(9000)
  await upload(server.url, { spill: true, headers: { 'X-Capture-Timestamp': new Date(START_MS - 5000).toISOString() } })
  clock.advance(1000)
  await noted(server, 2)
  t.match(await notesOf(server), [['online'], ['offline', 10, 0]])
})

t.test('a restart while a camera is online is no outage if it goes on in time', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const clock = new FakeClock()
  const before = await startServer(t, environment, { clock })
  await upload(before.url)
  await noted(before, 1)
  await before.app.close()
  clock.advance(9000)
  const after = await startServer(t, environment, { clock })
  t.match(await (await fetch(`${after.url}/api/status`)).json(), { state: 'online', last_frame_time: null })
  await upload(after.url)
  clock.advance(10_000)
  await noted(after, 2)
  t.strictSame(await notesOf(after), [['online', 0, 0], ['offline', 19, 9]])
})

t.test('the time in which the server did not run is silence', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const clock = new FakeClock()
  const before = await startServer(t, environment, { clock })
  await upload(before.url)
  await noted(before, 1)
  await before.app.close()
  clock.advance(3_600_000)
  const after = await startServer(t, environment, { clock })
  t.match(await (await fetch(`${after.url}/api/status`)).json(), { state: 'offline' })
  t.equal(await summaryOf(after.url), 'Unknown: No frames from default')
  await noted(after, 2)
  await after.app.close()
  const again = await startServer(t, environment, { clock })
  t.equal(await summaryOf(again.url), 'Unknown: No frames from default')
  await upload(again.url)
  await noted(again, 3)
  t.strictSame(await notesOf(again), [['online', 0, 0], ['offline', 3600, 0], ['online', 3600, 3600]], 'and is noted once')
})

t.test('a camera that is switched off is noted as silent', async t => {
  const clock = new FakeClock()
  const server = await startServer(t, {}, { clock })
  const { app, url } = server
  await upload(url)
  await noted(server, 1)
  clock.advance(2000)
  await app.cameras.change(app.cameras.default, { enabled: false })
  await noted(server, 2)
  clock.advance(2000)
  await app.cameras.change(app.cameras.default, { enabled: true })
  clock.advance(2000)
  await upload(url)
  await noted(server, 3)
  t.strictSame(await notesOf(server), [['online', 0, 0], ['offline', 2, 0], ['online', 6, 6]])
})

t.test('what cannot be noted is told, and noted when it can', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const server = await startServer(t, {}, { clock, logger: log.logger })
  const { cameraRepository } = server.app
  const noteConnections = cameraRepository.noteConnections.bind(cameraRepository)
  cameraRepository.noteConnections = async () => { throw new Error('the disk is full') }
  await upload(server.url)
  await until(() => log.lines.some(({ msg }) => msg === 'connections of cameras could not be noted'), 'the line')
  clock.advance(10_000)
  await until(() => log.lines.some(({ msg }) => msg.startsWith('a camera is offline')), 'the silence')
  cameraRepository.noteConnections = noteConnections
  await noted(server, 2)
  t.strictSame(await notesOf(server), [['online', 0, 0], ['offline', 10, 0]], 'in its order')
})

t.test('what is noted while the disk is slow comes in its order, whatever fails', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const server = await startServer(t, {}, { clock, logger: log.logger })
  const { cameraRepository } = server.app
  const noteConnections = cameraRepository.noteConnections.bind(cameraRepository)
  const gate = signal()
  let calls = 0
  cameraRepository.noteConnections = async notes => {
    calls += 1
    if (calls > 1) return await noteConnections(notes)
    await gate.promise
    throw new Error('the disk is full')
  }
  await upload(server.url)
  await until(() => calls === 1, 'the first note')
  clock.advance(10_000)
  await until(() => log.lines.some(({ msg }) => msg.startsWith('a camera is offline')), 'the silence')
  await new Promise(resolve => setTimeout(resolve, 100))
  gate.resolve()
  await noted(server, 2)
  t.strictSame(await notesOf(server), [['online', 0, 0], ['offline', 10, 0]])
})

t.test('how far each camera\'s frames have come is noted at an orderly end', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const clock = new FakeClock()
  const before = await startServer(t, environment, { clock })
  await before.app.cameras.add(newSettings('rig-4'))
  await upload(before.url, { headers: { 'X-Capture-Timestamp': new Date(START_MS - 70).toISOString() } })
  await before.app.close()
  const { cameras } = await (await startServer(t, environment, { clock })).app.cameraRepository.load()
  t.strictSame(cameras.map(({ newestTakenAtMs, clockSkewMs }) => [newestTakenAtMs, clockSkewMs]), [[START_MS - 70, 70], [null, null]])
})

t.test('and once a minute, since a server may be killed', async t => {
  mock.timers.enable({ apis: ['setInterval'] })
  t.teardown(() => { mock.timers.reset() })
  const { app, url } = await startServer(t, {}, { clock: new FakeClock() })
  const noted = async (): Promise<number | null | undefined> => (await app.cameraRepository.load()).cameras[0]?.newestTakenAtMs
  const seconds = (count: number): void => { for (let i = 0; i < count; i += 1) mock.timers.tick(1000) }
  await upload(url, { headers: { 'X-Capture-Timestamp': new Date(START_MS - 70).toISOString() } })
  seconds(58)
  t.equal(await noted(), null)
  seconds(1)
  t.equal(await noted(), START_MS - 70)
  let writes = 0
  const noteNewestFrames = app.cameraRepository.noteNewestFrames.bind(app.cameraRepository)
  app.cameraRepository.noteNewestFrames = async notes => {
    writes += 1
    await noteNewestFrames(notes)
  }
  seconds(60)
  t.equal(writes, 0, 'no commit where nothing has come')
  await upload(url, { headers: { 'X-Capture-Timestamp': new Date(START_MS - 60).toISOString() } })
  seconds(60)
  t.equal(await noted(), START_MS - 60)
})

t.test('an end at which that cannot be noted is an end all the same', async t => {
  const log = keptLog()
  const { app, url } = await startServer(t, {}, { logger: log.logger })
  await upload(url)
  app.cameraRepository.noteNewestFrames = async () => { throw new Error('the disk is full') }
  await app.close()
  t.ok(log.lines.some(({ level, msg }) => level === 50 && msg === 'the times of the newest frames could not be noted'))
})
