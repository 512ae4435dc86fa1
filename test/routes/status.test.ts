import fs from 'node:fs/promises'
import t from 'tap'
import { control, FakeClock, frame, jpeg, PASSWORD, SocketViewer, newSettings, startServer, upload, until } from '../helper.js'
import { StorageUnavailable } from '../../src/errors.js'
import { version } from '../../src/version.js'

type Json = Record<string, unknown>
const get = async (url: string, path: string): Promise<Json> => await (await fetch(url + path)).json() as Json
const statusOf = (url: string): Promise<Json> => get(url, '/api/status')

t.test('before the first frame', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  await until(async () => (await statusOf(url) as { storage: Json }).storage['evidence_bytes'] === 0, 'the first look at the disk')
  clock.advance(2500)
  const status = await statusOf(url)
  const storage = status['storage'] as Json
  t.ok(Number(storage['free_bytes']) > 0)
  t.strictSame({ ...status, storage: { ...storage, free_bytes: 1 } }, {
    camera_id: 'default',
    name: 'Default camera',
    site: null,
    state: 'never_seen',
    open_event_id: null,
    source_state: null,
    last_capture_time: null,
    clock_skew_seconds: null,
    late_frames: 0,
    duplicate_frames: 0,
    cameras: { total: 1, online: 0, delayed: 0, offline: 0, reporting_spill: 0 },
    relay: { viewers_served: 0, viewers_stalled: 0, viewers_refused: 0, frames_sent: 0, frames_skipped: 0, bytes_sent: 0 },
    stream_active: false,
    last_frame_time: null,
    frame_age_seconds: null,
    server_time: 1687530624.623,
    oil_spill_detected: false,
    oil_spill_events: 0,
    viewers: 0,
    frames_received: 0,
    input_fps: 0,
    resolution: null,
    uptime_seconds: 2.5,
    version,
    unauthorized_attempts: 0,
    refused_frames: 0,
    storage: { ok: true, failures: 0, last_error: null, unstored_detections: 0, lost_detections: 0, evidence_bytes: 0, free_bytes: 1, limit_exceeded: null }
  })
  t.strictSame(await get(url, '/api/detection_summary'), {
    current_status: 'Normal: No oil spill detected', total_events: 0, last_detection: null
  })
})

t.test('with frames, viewers and an event', async t => {
  const clock = new FakeClock()
  const { url, port } = await startServer(t, {}, { clock })
  for (let i = 0; i < 11; i += 1) {
    clock.advance(100)
    await upload(url, { jpeg: jpeg({ width: 32, height: 24 }), spill: i === 10 })
  }
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  clock.advance(250)
  t.match(await statusOf(url), {
    stream_active: true,
    last_frame_time: 1687530623.223,
    frame_age_seconds: 0.25,
    server_time: 1687530623.473,
    oil_spill_detected: true,
    oil_spill_events: 1,
    viewers: 1,
    relay: { viewers_served: 1, viewers_stalled: 0, viewers_refused: 0, frames_sent: 1, frames_skipped: 0, bytes_sent: viewer.bytes.length },
    frames_received: 11,
    input_fps: 8,
    resolution: { width: 32, height: 24 }
  })
  t.strictSame(await get(url, '/api/detection_summary'), {
    current_status: 'Alert: Oil spill detected', total_events: 1, last_detection: '2023-06-23T14:30:23.223000'
  })
  viewer.close()
})

t.test('after an event it is normal again, and the last detection stays', async t => {
  const { url } = await startServer(t, {}, { clock: new FakeClock() })
  await upload(url, { spill: true })
  await upload(url)
  t.match(await statusOf(url), { oil_spill_detected: false, oil_spill_events: 1 })
  t.strictSame(await get(url, '/api/detection_summary'), {
    current_status: 'Normal: No oil spill detected', total_events: 1, last_detection: '2023-06-23T14:30:22.123000'
  })
})

t.test('a wall clock that is set back makes no negative age', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  await upload(url)
  clock.advance(1000)
  clock.setWallClock(clock.nowMs() - 3_600_000)
  t.match(await statusOf(url), { frame_age_seconds: 1, uptime_seconds: 1 })
})

t.test('within a gap the event counts as a spill though the newest frame shows none', async t => {
  const { url } = await startServer(t, { EVENT_GAP_SECONDS: '10' }, { clock: new FakeClock() })
  await upload(url, { spill: true })
  await upload(url)
  t.match(await statusOf(url), { oil_spill_detected: true })
})

t.test('viewers that left do not count', async t => {
  const { url, port } = await startServer(t)
  await upload(url)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  t.match(await statusOf(url), { viewers: 1 })
  viewer.close()
  await until(async () => (await statusOf(url))['viewers'] === 0)
})

t.test('refused uploads and stream controls are counted', async t => {
  const { url } = await startServer(t)
  await upload(url, { password: 'not-the-password' })
  await fetch(`${url}/api/upload_frame`, { method: 'POST', body: 'x' })
  await control(url, 'stop_stream', 'not-the-password')
  t.match(await statusOf(url), { unauthorized_attempts: 3 })
  await upload(url)
  await control(url, 'start_stream')
  await upload(url, { headers: { 'X-Oil-Spill-Detected': 'maybe' } })
  t.match(await statusOf(url), { unauthorized_attempts: 3 })
  t.notMatch(JSON.stringify(await statusOf(url)), PASSWORD)
})

t.test('detections of feeds that wait for the disk are told, and those that were given up', async t => {
  const clock = new FakeClock()
  // A full disk, so that those that wait are not stored meanwhile.
  const open: typeof fs.open = async (path, ...how) => {
    if (String(path).endsWith('.part')) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    return await fs.open(path, ...how)
  }
  const { url, app } = await startServer(t, {}, { clock, files: { ...fs, open } })
  const { default: camera } = app.cameras
  app.feeds.unstored.add(camera, frame(clock, { spill: true }), new StorageUnavailable('EIO'))
  t.match(await statusOf(url), { storage: { unstored_detections: 1, lost_detections: 0 } })
  for (let i = 0; i < 500; i += 1) app.feeds.unstored.add(camera, frame(clock, { spill: true }), new StorageUnavailable('EIO'))
  t.match(await statusOf(url), { storage: { unstored_detections: 500, lost_detections: 1 } })
})

t.test('the stream is active from the first frame, and not after a stop', async t => {
  const { url } = await startServer(t)
  await upload(url)
  t.match(await statusOf(url), { stream_active: true })
  await control(url, 'stop_stream')
  t.match(await statusOf(url), { stream_active: false })
  await upload(url)
  t.match(await statusOf(url), { stream_active: false, frames_received: 2 })
  await control(url, 'start_stream')
  t.match(await statusOf(url), { stream_active: true })
})

t.test('it answers though the history cannot be read', async t => {
  const { url, app } = await startServer(t)
  await app.sql.close()
  t.match(await statusOf(url), { oil_spill_events: 0 })
  t.match(await get(url, '/api/detection_summary'), { total_events: 0 })
})

t.test('the summary is normal only where every camera is seen', async t => {
  const clock = new FakeClock()
  const { url, app } = await startServer(t, {}, { clock })
  const summary = async (): Promise<unknown> => (await get(url, '/api/detection_summary') as { current_status: string }).current_status
  const rig = await app.cameras.add(newSettings('rig-4'))
  const { secret } = await app.cameras.addKey(rig)
  t.equal(await summary(), 'Unknown: No frames from rig-4', 'a camera that never sent')
  await upload(url, { password: secret })
  t.equal(await summary(), 'Normal: No oil spill detected', 'a default camera that was never used is no camera yet')
  await upload(url)
  clock.advance(10_000)
  await upload(url, { password: secret })
  t.equal(await summary(), 'Unknown: No frames from default')
  await app.cameras.change(rig, { enabled: false })
  t.equal(await summary(), 'Unknown: No frames from default, rig-4')
  await upload(url, { spill: true })
  t.equal(await summary(), 'Alert: Oil spill detected')
})

t.test('a picture is as old as its capture time says', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  await upload(url, { headers: { 'X-Capture-Timestamp': new Date(clock.nowMs() - 3_600_000).toISOString() } })
  clock.advance(250)
  t.match(await statusOf(url), { frame_age_seconds: 3600.25, state: 'delayed', cameras: { online: 0, delayed: 1 } })
})
