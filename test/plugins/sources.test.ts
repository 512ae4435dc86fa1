import type { RequestListener } from 'node:http'
import t, { type Test } from 'tap'
import { jpeg, startServer, tokenOf, until, type TestServer } from '../helper.js'
import { keptLog, serve } from '../http.js'

const RED = jpeg({ color: [200, 20, 20] })
const BLUE = jpeg({ color: [20, 20, 200] })

/** A camera that answers each request with an endless MJPEG stream, and how many are being read. */
async function mjpegCamera (t: Test, parts: Array<{ jpeg: Buffer, headers?: string }>) {
  const open = new Set<unknown>()
  const listener: RequestListener = (_request, response) => {
    open.add(response)
    response.on('close', () => { open.delete(response) })
    response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=cam' })
    for (const part of parts) response.write(Buffer.concat([Buffer.from(`--cam\r\nContent-Type: image/jpeg\r\n${part.headers ?? ''}\r\n`), part.jpeg, Buffer.from('\r\n')]))
  }
  return { url: await serve(t, listener), open }
}

async function setSource ({ app }: TestServer, source: string | null, cameraId = 'default'): Promise<void> {
  const camera = app.findCamera(cameraId)
  await app.cameras.change(camera, { source })
}

async function statusOf (server: TestServer): Promise<{ source_state: string | null, refused_frames: number, oil_spill_detected: boolean }> {
  return await (await fetch(`${server.url}/api/status`)).json() as Awaited<ReturnType<typeof statusOf>>
}

t.test('frames of a source become the live picture and the history, like any other', async t => {
  const camera = await mjpegCamera(t, [{ jpeg: RED }, { jpeg: BLUE, headers: 'X-Oil-Spill-Detected: true\r\nX-Detection-Confidence: 0.5\r\n' }])
  const server = await startServer(t, { OUTBOUND_ALLOW: '127.0.0.1' })
  t.equal((await statusOf(server)).source_state, null)
  await setSource(server, `${camera.url}/video`)
  const { frames } = server.app.cameras.default
  await until(() => frames.framesReceived === 2, 'both frames')
  t.strictSame(frames.newest?.memory.jpeg, BLUE)
  await until(async () => (await statusOf(server)).oil_spill_detected, 'the spill')
  t.equal((await statusOf(server)).source_state, 'receiving')
  await until(() => server.app.eventRepository.summaryOf('default').total === 1, 'the event')
})

t.test('a source ends when it is changed, taken away, or its camera is switched off', async t => {
  const first = await mjpegCamera(t, [{ jpeg: RED }])
  const second = await mjpegCamera(t, [{ jpeg: BLUE }])
  const server = await startServer(t, { OUTBOUND_ALLOW: '127.0.0.1' })
  await setSource(server, first.url)
  await until(() => first.open.size === 1, 'the first source')
  await setSource(server, second.url)
  await until(() => first.open.size === 0 && second.open.size === 1, 'the second source alone')
  await server.app.cameras.change(server.app.cameras.default, { name: 'North' })
  t.equal(second.open.size, 1, 'another setting does not disturb it')
  await server.app.cameras.change(server.app.cameras.default, { enabled: false })
  await until(() => second.open.size === 0, 'the end of the second')
  await server.app.cameras.change(server.app.cameras.default, { enabled: true })
  await until(() => second.open.size === 1, 'the second again')
  await setSource(server, null)
  await until(() => second.open.size === 0, 'the end of all')
  t.equal(server.app.sourceReport('default'), undefined)
})

t.test('a server takes up its sources again, and closes with one open', async t => {
  const camera = await mjpegCamera(t, [{ jpeg: RED }])
  const before = await startServer(t, { OUTBOUND_ALLOW: '127.0.0.1' })
  await setSource(before, camera.url)
  await until(() => camera.open.size === 1, 'the source')
  await before.app.close()
  await until(() => camera.open.size === 0, 'the end of the source')
  const after = await startServer(t, { OUTBOUND_ALLOW: '127.0.0.1', DATA_DIR: before.config.dataDir })
  await until(() => after.app.cameras.default.frames.framesReceived === 1, 'a frame after the restart')
})

t.test('an address within the own network is refused unless OUTBOUND_ALLOW names it, and the password is never told', async t => {
  const camera = await mjpegCamera(t, [{ jpeg: RED }])
  const log = keptLog()
  const server = await startServer(t, {}, { logger: log.logger })
  await setSource(server, camera.url.replace('//', '//user:secret@'))
  await until(async () => (await statusOf(server)).source_state === 'waiting', 'the refusal')
  const headers = { Authorization: `Bearer ${await tokenOf(server.app, 'viewer')}` }
  const shown = await (await fetch(`${server.url}/api/cameras/default`, { headers })).json() as { source: string, source_state: string, source_problem: string }
  t.match(shown, { source: /^http:\/\/\*\*\*@127\.0\.0\.1:\d+\/$/, source_state: 'waiting' })
  const reason = shown.source_problem
  t.notMatch(await (await fetch(`${server.url}/api/cameras/status`)).text(), /127\.0\.0\.1/, 'which addresses there are is not for everybody')
  t.match(reason, /^127\.0\.0\.1 is a loopback address, and the server may not reach it: if it should, name it in OUTBOUND_ALLOW/)
  t.equal(camera.open.size, 0)
  t.equal(server.app.cameras.default.frames.framesReceived, 0)
  t.notMatch(log.text(), /secret/)
  t.match(log.lines.find(line => line.msg === 'a source cannot be read, it is tried again'), { cameraId: 'default', reason, source: /^http:\/\/\*\*\*@127\.0\.0\.1:\d+\/$/ })
})

t.test('parts that are no frames are left out and counted, and so are those that come too fast, but no detection is', async t => {
  const parts = Array.from({ length: 12 }, (_, index) => ({ jpeg: jpeg({ color: [index, 0, 0] }), headers: `X-Oil-Spill-Detected: ${index >= 8}\r\nX-Frame-Sequence: ${index}\r\n` }))
  const camera = await mjpegCamera(t, [{ jpeg: Buffer.from('no picture') }, { jpeg: RED, headers: 'X-Latitude: north\r\n' }, ...parts])
  const server = await startServer(t, { OUTBOUND_ALLOW: '127.0.0.1', UPLOAD_RATE_LIMIT: '2' })
  await setSource(server, camera.url)
  await until(() => server.app.eventRepository.summaryOf('default').total === 1, 'the event')
  const detections = async (): Promise<number> => (await (await fetch(`${server.url}/api/oil_spill_events/1/detections`)).json() as unknown[]).length
  await until(async () => await detections() === 4, 'all detections')
  const { refused_frames: refused } = await statusOf(server)
  // Two that were no frames, and of eight without a spill as many as the burst of four did not hold.
  t.equal(refused, 2 + 8 - 4)
})
