import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import fs from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import t from 'tap'
import { StorageUnavailable } from '../../src/errors.js'
import { events } from '../../src/store/migrations/0001-events.js'
import { FakeClock, frame, newSettings, PASSWORD, startServer, temporaryFolder, until, upload, type TestServer } from '../helper.js'
import { signal } from '../http.js'
import { moduleUrl, plainEnvironment } from '../store/support.js'

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
  await until(() => app.cameras.default.frames.framesReceived === 1, 'the opening frame')
  await until(() => app.cameras.default.recorder.record(frame(clock, { spill: true }), { isLate: false, clockSkewMs: null }) !== undefined, 'a frame that waits')
  await t.rejects(Promise.resolve(app.cameras.default.take(frame(clock, { jpeg: Buffer.alloc(64 * 1024 * 1024 + 1) }))), new StorageUnavailable('too many frames wait for the disk'))
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
  const stored = app.cameras.default.take(frame(app.clock, { spill: true }))
  const closed = app.close()
  gate.resolve()
  await Promise.all([stored, closed])
  const { url } = await startServer(t, environment)
  t.equal((await list(url)).length, 1)
})

t.test('after a start a frame from long before it is no live picture, by the camera\'s own clock', async t => {
  const clock = new FakeClock()
  const first = await startServer(t, {}, { clock })
  const capturedAgo = (seconds: number): Record<string, string> => ({ 'X-Capture-Timestamp': new Date(clock.nowMs() - seconds * 1000).toISOString() })
  await upload(first.url, { headers: capturedAgo(100) })
  await until(async () => (await first.app.cameraRepository.connectionsOf('default', 1)).length === 1, 'the connection')
  await first.app.close()
  clock.advance(60_000)
  const again = await startServer(t, { DATA_DIR: first.config.dataDir }, { clock })
  const { default: camera } = again.app.cameras
  await upload(again.url, { headers: capturedAgo(111), spill: true })
  t.equal(camera.frames.newest, undefined, 'the clock is 100 s behind, and this is from 11 s before the start')
  t.equal(camera.counts.late, 1)
  await upload(again.url, { headers: capturedAgo(109) })
  t.equal(camera.frames.framesReceived, 1)
})

t.test('a history from before cameras were watched begins with their silence', async t => {
  const folder = temporaryFolder(t)
  const dataDir = join(folder, 'data')
  mkdirSync(dataDir)
  const database = new Database(join(dataDir, 'videostream.db'))
  database.exec(events)
  database.pragma(`application_id = ${0x56535452}`)
  database.pragma('user_version = 1')
  database.exec(`INSERT INTO oil_spill_events (camera_id, started_at_ms, last_detected_at_ms, ended_at_ms, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height)
    VALUES ('default', 1000, 2000, 3000, 'oil_spill_frames/oil_spill_19700101_000001.jpg', '${'0'.repeat(64)}', 1, 1, 1)`)
  database.close()
  const { url, app } = await startServer(t, { DATA_DIR: dataDir })
  t.equal(app.cameras.default.state(app.clock.monotonicMs()), 'offline')
  t.match(await (await fetch(`${url}/api/detection_summary`)).json(), { current_status: 'Unknown: No frames from default', total_events: 1 })
  t.strictSame(await app.cameraRepository.connectionsOf('default', 10), [{ cameraId: 'default', connection: 'offline', atMs: 3000, lastFrameAtMs: 3000 }])
})

/** A camera beside the default one. */
const addRig = async ({ app }: TestServer, nth = 4) => await app.cameras.add(newSettings(`rig-${nth}`))

t.test('each camera has its own event', async t => {
  const clock = new FakeClock()
  const server = await startServer(t, {}, { clock })
  const { url, app } = server
  const { secret } = await app.cameras.addKey(await addRig(server))
  for (const [password, spill] of [[PASSWORD, true], [secret, false], [secret, true], [PASSWORD, false], [secret, true]] as const) {
    await upload(url, { password, spill })
    clock.advance(1000)
  }
  t.match(await list(url), [
    { id: 1, camera_id: 'default', datetime: '2023-06-23T14:30:22.123000', ended_at: '2023-06-23T14:30:25.123000' },
    { id: 2, camera_id: 'rig-4', datetime: '2023-06-23T14:30:24.123000', ended_at: null }
  ])
})

t.test('the open event of each camera goes on after a restart, and the same frame sent again is none', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const before = await startServer(t, environment)
  const keys = [PASSWORD]
  for (let nth = 1; nth <= 3; nth += 1) keys.push((await before.app.cameras.addKey(await addRig(before, nth))).secret)
  const spill = async (url: string, password: string): Promise<void> => {
    t.equal((await upload(url, { password, spill: true, headers: { 'Idempotency-Key': 'the same for all' } })).status, 200)
  }
  for (const key of keys.slice(0, 3)) await spill(before.url, key)
  await before.app.close()
  const after = await startServer(t, environment)
  t.strictSame([...after.app.cameras.all()].map(({ id, recorder }) => [id, recorder.openEventId]), [['default', 1], ['rig-1', 2], ['rig-2', 3], ['rig-3', undefined]])
  for (const key of keys) await spill(after.url, key)
  t.match(await list(after.url), [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4, camera_id: 'rig-3' }])
  t.equal((await list(after.url)).length, 4)
})

t.test('frames of all cameras that wait for a slow disk share one bound in memory', async t => {
  const gate = signal()
  const clock = new FakeClock()
  const server = await startServer(t, {}, {
    clock,
    files: {
      ...fs,
      open: async (path, flags, mode) => {
        if (String(path).endsWith('.part')) await gate.promise
        return await fs.open(path, flags, mode)
      }
    }
  })
  const rigs = [await addRig(server, 1), await addRig(server, 2), await addRig(server, 3)]
  const take = (nth: number, bytes: number): Promise<void> => Promise.resolve(rigs[nth]?.take(frame(clock, { spill: true, jpeg: Buffer.alloc(bytes) })))
  const openings = rigs.map((_, nth) => take(nth, 1000))
  const waiting = [take(0, 32 * 1024 * 1024), take(1, 32 * 1024 * 1024)]
  for (const nth of [0, 1, 2]) await t.rejects(take(nth, 1000), new StorageUnavailable('too many frames wait for the disk'))
  gate.resolve()
  await Promise.all([...openings, ...waiting])
  await t.resolves(take(2, 1000), 'and there is room again')
})

t.test('a camera that is not there is told by the words of the catalogue', async t => {
  const { app } = await startServer(t)
  t.equal(app.findCamera(undefined), app.cameras.default)
  t.throws(() => app.findCamera('rig-4'), { code: 'CAMERA_NOT_FOUND', statusCode: 404 })
  const rig = await app.cameras.add(newSettings('rig-4'))
  t.equal(app.findCamera('rig-4'), rig)
  await app.cameras.remove(rig)
  await t.rejects(app.cameras.change(rig, { name: 'x' }), { code: 'CAMERA_NOT_FOUND' })
  t.equal(app.frameBuffers.of('rig-4').newest, undefined)
})

/**
 * What a server of so many idle cameras takes more than one of none: on the heap and beside it, after the garbage was
 * collected. Measured in a process of its own, since others' garbage is collected when it likes.
 */
const MEASURE = `
  const { buildApp } = await import(process.env.APP)
  const { loadConfig } = await import(process.env.CONFIG)
  const app = await buildApp(loadConfig({ DATA_DIR: process.env.FOLDER, CAMERA_PASSWORD: 'a-password-for-tests', ADMIN_PASSWORD: 'an-admin-for-tests', MAX_CAMERAS: '10000' }),
    { logger: false, passwordCost: { logN: 1, blockSize: 1, parallelization: 1 } })
  const used = async () => {
    for (let i = 0; i < 5; i += 1) {
      await new Promise(resolve => setTimeout(resolve, 20))
      globalThis.gc()
    }
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const settings = { name: 'Rig', site: 'Tampen', latitude: 61.2, longitude: 2.5, heading: 90, enabled: true, source: null, sourceFps: null }
  const add = async (from, to) => {
    for (let i = from; i < to; i += 1) await app.cameras.addKey(await app.cameras.add({ ...settings, cameraId: 'rig-' + i }))
  }
  await add(0, 10) // what the first ones load stays
  const before = await used()
  await add(10, 510)
  console.log((await used() - before) / 500)
  await app.close()`

t.test('an idle camera takes less than 64 KiB', async t => {
  const folder = temporaryFolder(t)
  const program = join(folder, 'measure.mjs')
  writeFileSync(program, MEASURE)
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', program], {
    env: { ...plainEnvironment(), APP: moduleUrl('app.js'), CONFIG: moduleUrl('config.js'), FOLDER: join(folder, 'data') }
  })
  const bytes = Number(stdout)
  t.ok(bytes > 0 && bytes < 64 * 1024, `${bytes} bytes`)
  t.comment(`${Math.round(bytes)} bytes for each idle camera`)
})
