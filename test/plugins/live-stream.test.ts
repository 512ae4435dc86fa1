import type { Socket } from 'node:net'
import Fastify from 'fastify'
import fp from 'fastify-plugin'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { Audience } from '../../src/core/audience.js'
import type { CameraRegistry } from '../../src/core/camera-registry.js'
import { FrameBuffer } from '../../src/core/frame-buffer.js'
import type { LiveCamera } from '../../src/core/live-camera.js'
import { LiveStream } from '../../src/core/live-stream.js'
import liveStream from '../../src/plugins/live-stream.js'
import { FakeClock, frame, jpeg, SocketViewer, startServer, testConfig, until, upload } from '../helper.js'
import { keptLog, RawClient, signal } from '../http.js'

t.test('whatever goes wrong while a viewer is served cuts its connection, and is logged', async t => {
  const log = keptLog()
  const { app, url, port } = await startServer(t, {}, { logger: log.logger })
  await upload(url)
  app.cameras.default.liveStream.addViewer = () => { throw new Error('it does not work') }
  const client = RawClient.send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  await client.end()
  t.match(log.lines.find(({ level }) => level === 50), { msg: 'a viewer could not be served', err: { message: 'it does not work' } })
  t.equal(app.cameras.default.liveStream.viewerCount, 0)
})

t.test('a viewer that had left before it was served is taken off', async t => {
  const clock = new FakeClock()
  const app = Fastify()
  t.teardown(async () => { await app.close() })
  const frames = new FrameBuffer()
  const stream = new LiveStream({ clock, defer: setImmediate, frames, stopped: false, audience: new Audience(500), maxFps: undefined })
  const camera = { liveStream: stream } as LiveCamera
  await app.register(fp(async app => { app.decorate('cameras', { all: () => [camera].values() } as unknown as CameraRegistry) }, { name: 'cameras' }))
  await app.register(liveStream, { config: testConfig(t) })
  const [asked, served] = [signal(), signal()]
  app.get('/', async (request, reply) => {
    asked.resolve()
    await new Promise<void>(resolve => { request.raw.socket.once('close', () => { resolve() }) })
    reply.sendLiveStream(stream, undefined)
    served.resolve()
    return await reply
  })
  frames.publish(frame(clock))
  stream.frameArrived()
  const client = RawClient.send(Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  await asked.promise
  client.socket.resetAndDestroy()
  await served.promise
  t.equal(stream.viewerCount, 0)
})

t.test('viewers are looked after about once a second', async t => {
  const clock = new FakeClock()
  const { url, port } = await startServer(t, {}, { clock })
  await upload(url)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  clock.advance(5000)
  await viewer.received(2)
  clock.advance(5000)
  await viewer.received(3)
  viewer.close()
})

t.test('a viewer that never reads does not keep the server from closing', async t => {
  const { app, url, port } = await startServer(t, { MAX_FRAME_BYTES: '33554432' })
  await upload(url, { jpeg: Buffer.concat([jpeg(), Buffer.alloc(24 * 1024 * 1024)]) }) // more than the kernel takes
  const served: Socket[] = []
  app.server.on('connection', socket => { served.push(socket) })
  const stalled = RawClient.send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  stalled.socket.pause()
  await until(() => app.cameras.default.liveStream.viewerCount === 1)
  await until(() => (served[0]?.writableLength ?? 0) > 0)
  await app.close()
  t.equal(served[0]?.destroyed, true)
  t.equal(app.cameras.default.liveStream.viewerCount, 0)
  stalled.socket.destroy()
})

t.test('a server that never listened closes', async t => {
  const app = await buildApp(testConfig(t), { logger: false })
  await app.close()
  t.equal(app.cameras.default.liveStream.active, false)
})
