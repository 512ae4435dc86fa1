import t, { type Test } from 'tap'
import { control, FakeClock, jpeg, newSettings, PASSWORD, SocketViewer, startServer, until, upload } from '../helper.js'
import { refused, send } from '../http.js'

const [NORTH, SOUTH] = [jpeg({ color: [1, 1, 1] }), jpeg({ color: [2, 2, 2] })]

/** A server of two cameras that have each sent one picture: the default one, and `rig-4`. */
async function setUp (t: Test, environment: NodeJS.ProcessEnv = {}) {
  const clock = new FakeClock()
  const server = await startServer(t, environment, { clock })
  const camera = await server.app.cameras.add(newSettings('rig-4', { name: 'Rig 4', site: 'Tampen' }))
  const { secret } = await server.app.cameras.addKey(camera)
  await upload(server.url, { jpeg: NORTH })
  await upload(server.url, { jpeg: SOUTH, password: secret })
  return { ...server, clock, camera, secret, json: async (path: string) => await (await fetch(server.url + path)).json() as Record<string, unknown> }
}

t.test('the newest frame of each camera, by either path', async t => {
  const { url } = await setUp(t)
  for (const path of ['/api/frame', '/api/frame?camera=default', '/api/cameras/default/frame']) t.ok((await send(url, { path })).body.equals(NORTH), path)
  for (const path of ['/api/frame?camera=rig-4', '/api/cameras/rig-4/frame']) t.ok((await send(url, { path })).body.equals(SOUTH), path)
  const tag = String((await send(url, { path: '/api/cameras/rig-4/frame' })).headers.etag)
  t.equal((await send(url, { path: '/api/frame?camera=rig-4', headers: { 'If-None-Match': tag } })).status, 304)
})

t.test('the live picture of each camera, by either path', async t => {
  const { url, port, secret, app } = await setUp(t)
  const north = ['/stream', '/stream?camera=default', '/api/cameras/default/stream'].map(path => new SocketViewer(port, path))
  const south = ['/stream?camera=rig-4', '/api/cameras/rig-4/stream', '/api/cameras/rig-4/stream?fps=30'].map(path => new SocketViewer(port, path))
  await Promise.all([...north, ...south].map(viewer => viewer.received(1)))
  await upload(url, { jpeg: SOUTH, password: secret })
  await Promise.all(south.slice(0, 2).map(viewer => viewer.received(2)))
  for (const viewer of north) t.strictSame(viewer.parts.map(part => part.jpeg), [NORTH])
  for (const viewer of south.slice(0, 2)) t.strictSame(viewer.parts.map(part => part.jpeg), [SOUTH, SOUTH])
  t.strictSame(south[2]?.parts.map(part => part.jpeg), [SOUTH], 'thinned, since no time has passed')
  t.equal(app.cameras.default.liveStream.viewerCount, 3)
  t.equal(app.audience.count, 6)
  for (const viewer of [...north, ...south]) viewer.close()
  await until(() => app.audience.count === 0)
})

t.test('the viewers of all cameras together are bounded', async t => {
  const { url, port, app } = await setUp(t, { MAX_VIEWERS: '2' })
  const viewers = [new SocketViewer(port), new SocketViewer(port, '/stream?camera=rig-4')]
  await Promise.all(viewers.map(viewer => viewer.received(1)))
  for (const path of ['/stream', '/api/cameras/rig-4/stream']) t.match(await refused(t, await send(url, { path }), 503, 'TOO_MANY_VIEWERS'), /^2 people/)
  viewers[1]?.close()
  await until(() => app.audience.count === 1)
  const third = new SocketViewer(port)
  await third.received(1)
  third.close()
  viewers[0]?.close()
})

t.test('the status of each camera, by either path', async t => {
  const { json, url, secret } = await setUp(t)
  await upload(url, { spill: true, password: secret })
  const rig = { camera_id: 'rig-4', name: 'Rig 4', site: 'Tampen', state: 'online', oil_spill_detected: true, open_event_id: 1, oil_spill_events: 1 }
  for (const path of ['/api/status?camera=rig-4', '/api/cameras/rig-4/status']) {
    t.match(await json(path), { ...rig, frames_received: 2, cameras: { total: 2, online: 2, reporting_spill: 1 } }, path)
  }
  for (const path of ['/api/status', '/api/status?camera=default', '/api/cameras/default/status']) {
    t.match(await json(path), { camera_id: 'default', oil_spill_detected: false, open_event_id: null, oil_spill_events: 0, cameras: { total: 2, reporting_spill: 1 } }, path)
  }
  const { cameras, server_time: serverTime } = await json('/api/cameras/status')
  t.match(cameras, [{ camera_id: 'default' }, rig])
  t.equal(serverTime, 1687530622.123)
})

t.test('the summary of all cameras, or of one', async t => {
  const { json, url, secret, clock } = await setUp(t)
  await upload(url, { spill: true })
  clock.advance(1000)
  await upload(url, { spill: false })
  await upload(url, { spill: true, password: secret })
  t.strictSame(await json('/api/detection_summary'), { current_status: 'Alert: Oil spill detected', total_events: 2, last_detection: '2023-06-23T14:30:23.123000' })
  t.strictSame(await json('/api/detection_summary?camera=default'), { current_status: 'Normal: No oil spill detected', total_events: 1, last_detection: '2023-06-23T14:30:22.123000' })
  t.strictSame(await json('/api/detection_summary?camera=rig-4'), { current_status: 'Alert: Oil spill detected', total_events: 1, last_detection: '2023-06-23T14:30:23.123000' })
})

t.test('streams are started and stopped one by one, also over a restart', async t => {
  const { url, secret, app, config } = await setUp(t)
  const ask = async (path: string, password: string) => await send(url, {
    method: 'POST', path, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ password })
  })
  t.equal((await ask('/api/cameras/rig-4/stop_stream', secret)).status, 200)
  t.equal((await send(url, { path: '/stream?camera=rig-4' })).status, 503)
  t.equal(app.cameras.default.liveStream.active, true)
  t.equal((await ask('/api/start_stream', secret)).status, 200, 'the key tells which camera is meant')
  t.equal(app.cameras.get('rig-4')?.liveStream.active, true)
  t.equal((await ask('/api/stop_stream?camera=rig-4', secret)).status, 200)
  await refused(t, await ask('/api/stop_stream?camera=rig-4', PASSWORD), 403, 'CAMERA_MISMATCH')
  await refused(t, await ask('/api/cameras/rig-4/start_stream', PASSWORD), 403, 'CAMERA_MISMATCH')
  await refused(t, await ask('/api/stop_stream?camera=default', secret), 403, 'CAMERA_MISMATCH')
  t.equal((await control(url, 'start_stream')).status, 200)
  await app.close()
  const after = await startServer(t, { DATA_DIR: config.dataDir })
  await upload(after.url)
  await upload(after.url, { password: secret })
  t.equal(after.app.cameras.default.liveStream.active, true)
  t.equal(after.app.cameras.get('rig-4')?.liveStream.active, false)
  t.equal(after.app.cameras.get('rig-4')?.frames.framesReceived, 1, 'and frames go on being taken')
})

t.test('who watches which camera', async t => {
  const { url, port, secret } = await setUp(t)
  const viewers = [new SocketViewer(port), new SocketViewer(port, '/stream?camera=rig-4')]
  await Promise.all(viewers.map(viewer => viewer.received(1)))
  const watching = async (auth: string): Promise<unknown[]> => {
    const answer = await send(url, { path: '/api/viewers', headers: { 'X-Camera-Auth': auth } })
    return (JSON.parse(answer.body.toString()) as { viewers: Array<Record<string, unknown>> }).viewers.map(viewer => viewer['camera_id'])
  }
  t.strictSame(await watching(PASSWORD), ['default'], 'a camera sees its own')
  t.strictSame(await watching(secret), ['rig-4'])
  for (const viewer of viewers) viewer.close()
})

t.test('a camera that is not there is a 404, and an id that is none is a 400', async t => {
  const { url } = await setUp(t)
  for (const path of ['/stream?camera=', '/api/frame?camera=', '/api/status?camera=', '/api/detection_summary?camera=']) {
    await refused(t, await send(url, { path: `${path}rig-5` }), 404, 'CAMERA_NOT_FOUND')
    for (const id of ['', 'Rig-4', 'rig%204', '..', 'a&camera=b', '%00']) await refused(t, await send(url, { path: path + id }), 400, 'REQUEST_INVALID')
  }
  for (const path of ['frame', 'status', 'stream']) {
    await refused(t, await send(url, { path: `/api/cameras/rig-5/${path}` }), 404, 'CAMERA_NOT_FOUND')
    await refused(t, await send(url, { path: `/api/cameras/Rig-4/${path}` }), 400, 'REQUEST_INVALID')
  }
})
