import fs from 'node:fs/promises'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import type { FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import { buildApp } from '../../src/app.js'
import { FakeClock, jpeg, newSettings, PASSWORD, SocketViewer, startServer, testConfig, until, upload } from '../helper.js'
import { keptLog, RawClient, refused } from '../http.js'

const SPILL = 'X-Oil-Spill-Detected: true\r\n'

const head = (options: { camera?: string, key?: string, headers?: string } = {}): string =>
  `POST /api/cameras/${options.camera ?? 'default'}/feed HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${options.key ?? PASSWORD}\r\n${options.headers ?? 'Content-Length: 1000000000\r\n'}\r\n`
const part = (headers = '', picture = jpeg()): Buffer => Buffer.concat([Buffer.from(`--x\r\n${headers}\r\n`), picture, Buffer.from('\r\n')])

/** A camera of a server with a key, and its feed. */
async function rig (t: Test) {
  const server = await startServer(t)
  const { cameras } = server.app
  const camera = await cameras.add(newSettings('rig'))
  const { key: { keyId }, secret } = await cameras.addKey(camera)
  const client = RawClient.send(server.port, head({ camera: 'rig', key: secret }), part())
  await until(() => camera.frames.framesReceived === 1)
  return { ...server, cameras, camera, keyId, secret, client }
}

t.test('a part is the live picture with its last byte', async t => {
  const { app, port } = await startServer(t)
  const { frames } = app.cameras.default
  const whole = part('', jpeg({ color: [1, 2, 3] }))
  const end = whole.length - '\r\n'.length
  const client = RawClient.send(port, head(), whole.subarray(0, end - 1))
  await until(() => app.feeds.count === 1)
  t.equal(frames.framesReceived, 0)
  client.write(whole.subarray(end - 1, end))
  await until(() => frames.framesReceived === 1)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  client.write('\r\n', part('', jpeg({ color: [4, 5, 6] })))
  await viewer.received(2)
  t.strictSame(viewer.parts.map(each => each.jpeg), [jpeg({ color: [1, 2, 3] }), jpeg({ color: [4, 5, 6] })])
  viewer.close()
  client.socket.destroy()
})

t.test('a bad part is skipped, counted, and logged with its problem', async t => {
  const log = keptLog()
  const { app, port, url } = await startServer(t, {}, { logger: log.logger })
  const client = RawClient.send(port, head(), part(), Buffer.from('--x\r\nContent-Length: 5\r\n\r\nhello\r\n'), part('X-Heading: north\r\n'), part('X-Camera-Id: other\r\n'), part('X-Camera-Id: default\r\n'))
  await until(() => app.cameras.default.frames.framesReceived === 2)
  t.match(await (await fetch(`${url}/api/status`)).json(), { refused_frames: 3 })
  t.strictSame(log.lines.filter(({ level }) => level === 40).map(({ reason }) => reason), ['FRAME_INVALID', 'FRAME_HEADER_INVALID', 'CAMERA_MISMATCH'])
  const first = log.lines.filter(({ problem }) => problem !== undefined)
  t.match(first, [{ cameraId: 'default', code: 'FRAME_INVALID', problem: /^it does not begin with a JPEG/ }])
  client.socket.destroy()
})

t.test('a stream that can never become one of JPEGs is ended with what is wrong', async t => {
  const { app, port } = await startServer(t)
  for (const [bytes, problem] of [
    [Buffer.alloc(70_000, 'a'), /No line of the first 65536 bytes begins with "--"/],
    [jpeg(), /begins as a bare JPEG.*-f mpjpeg/],
    [Buffer.concat(Array<Buffer>(50).fill(part('X-Heading: north\r\n'))), /50 parts in a row were bad; of the last one: X-Heading must be degrees/]
  ] as const) {
    const client = RawClient.send(port, head(), bytes)
    const answer = await client.answer()
    t.match(await refused(t, answer, 400, 'FEED_INVALID'), problem)
    t.equal(answer.headers['connection'], 'close')
    await client.end()
  }
  t.equal(app.feeds.count, 0)
})

t.test('a camera has one feed: a new one with the right key ends the one before', async t => {
  const { app, port, client, camera, secret } = await rig(t)
  const wrong = RawClient.send(port, head({ camera: 'rig', key: 'wrong' }))
  await refused(t, await wrong.answer(), 401, 'PASSWORD_WRONG')
  client.write(part())
  await until(() => camera.frames.framesReceived === 2)
  const next = RawClient.send(port, head({ camera: 'rig', key: secret }), part())
  await refused(t, await client.answer(), 409, 'FEED_REPLACED')
  await client.end()
  await until(() => camera.frames.framesReceived === 3)
  const other = RawClient.send(port, head(), part())
  await until(() => app.feeds.count === 2, 'a feed of another camera beside it')
  next.write(part())
  await until(() => camera.frames.framesReceived === 4)
  next.socket.destroy()
  other.socket.destroy()
  await until(() => app.feeds.count === 0)
})

t.test('a feed ends when its key is revoked, and not with another key', async t => {
  const { cameras, camera, keyId, client } = await rig(t)
  const { key } = await cameras.addKey(camera)
  await cameras.removeKey(camera, key.keyId)
  client.write(part())
  await until(() => camera.frames.framesReceived === 2)
  await cameras.removeKey(camera, keyId)
  await refused(t, await client.answer(), 401, 'PASSWORD_WRONG')
  await client.end()
})

t.test('a feed ends when its camera is switched off', async t => {
  const { cameras, camera, client } = await rig(t)
  await cameras.change(camera, { name: 'Rig' })
  client.write(part())
  await until(() => camera.frames.framesReceived === 2)
  await cameras.change(camera, { enabled: false })
  await refused(t, await client.answer(), 403, 'CAMERA_DISABLED')
  await client.end()
})

t.test('a feed ends when its camera is removed, also where another of its name is made', async t => {
  const { cameras, camera, client } = await rig(t)
  await cameras.remove(camera)
  await refused(t, await client.answer(), 401, 'PASSWORD_WRONG')
  await client.end()
})

t.test('the server closes at once with feeds under way, which are told to come back', async t => {
  const { app, client } = await rig(t)
  client.write(part(SPILL), part().subarray(0, 100))
  await until(() => app.cameras.get('rig')?.frames.framesReceived === 2)
  const startedMs = performance.now()
  const closing = app.close()
  const answer = await client.answer()
  await refused(t, answer, 503, 'SHUTTING_DOWN')
  t.ok(answer.headers['retry-after'])
  await closing
  t.ok(performance.now() - startedMs < 5000, 'without waiting for a timeout')
  await client.end()
})

t.test('a client that disappears leaves a bad part and nothing else', async t => {
  const { app, client, camera } = await rig(t)
  client.write(part(), part().subarray(0, 200))
  await until(() => camera.frames.framesReceived === 2)
  client.socket.resetAndDestroy()
  await until(() => app.feeds.count === 0)
  t.equal(camera.counts.refused, 1)
  await until(async () => await new Promise(resolve => { app.server.getConnections((_error, count) => { resolve(count === 0) }) }), 'the end of the connection')
})

t.test('a client that has disappeared before its body is read leaves nothing', async t => {
  const { app } = await startServer(t)
  const raw = new IncomingMessage(new Socket())
  raw.destroy()
  const request = { raw, headers: {}, ip: undefined, log: app.log } as unknown as FastifyRequest
  await t.rejects(app.feeds.run(request, app.cameras.default, {}), { code: 'UPLOAD_BROKEN_OFF' })
  t.equal(app.feeds.count, 0)
})

t.test('a connection that is closed without an error ends its feed', async t => {
  const { app } = await startServer(t)
  const raw = new IncomingMessage(new Socket())
  const request = { raw, headers: {}, ip: undefined, log: app.log } as unknown as FastifyRequest
  const running = app.feeds.run(request, app.cameras.default, {})
  raw.push(part().subarray(0, 100))
  await new Promise(resolve => setImmediate(resolve))
  raw.destroy()
  await t.rejects(running, { code: 'UPLOAD_BROKEN_OFF' })
  t.strictSame([app.feeds.count, app.cameras.default.counts.refused, raw.listenerCount('data'), raw.listenerCount('close')], [0, 0, 0, 0])
})

t.test('the time limit for requests does not hold for feeds, and holds for all others; that for silence holds for feeds too', async t => {
  const app = await buildApp(testConfig(t), { logger: false })
  t.teardown(async () => { await app.close() })
  const requestTimeoutMs = 300
  Object.assign(app.server, { requestTimeout: requestTimeoutMs, headersTimeout: requestTimeoutMs / 2, timeout: 5 * requestTimeoutMs, connectionsCheckingInterval: 50 })
  const port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
  let reports = 0
  app.server.on('clientError', error => { reports += 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 1 : 0 })
  const feed = RawClient.send(port, head(), part())
  const upload = RawClient.send(port, `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${PASSWORD}\r\nContent-Length: 1000\r\n\r\nabc`)
  await refused(t, await upload.answer(), 408, 'REQUEST_TIMEOUT')
  const sending = setInterval(() => { feed.write(part()) }, 50)
  t.teardown(() => { clearInterval(sending) })
  const { frames } = app.cameras.default
  await until(() => reports === 2 && frames.framesReceived > 20, 'both reports and many frames')
  t.equal(reports, 2, 'each is reported once')
  t.equal(app.feeds.count, 1)
  t.equal(feed.text, '')
  clearInterval(sending)
  await until(() => app.feeds.count === 0, 'the end of the silent feed')
  await feed.end()
})

t.test('while a detection waits for its turn nothing more is read', async t => {
  const clock = new FakeClock()
  const { app, port } = await startServer(t, { UPLOAD_RATE_LIMIT: '10' }, { clock })
  const { frames } = app.cameras.default
  const client = RawClient.send(port, head(), ...Array<Buffer>(23).fill(part(SPILL)), part())
  await until(() => frames.framesReceived === 20)
  client.write(Buffer.concat(Array<Buffer>(10_000).fill(part())))
  await new Promise(resolve => setTimeout(resolve, 200)) // in which all of it would be read
  t.ok(client.socket.writableLength > 0, 'the client cannot send it all')
  t.equal(frames.framesReceived, 20)
  for (let i = 21; i <= 23; i++) {
    clock.advance(100)
    await until(() => frames.framesReceived === i, `detection ${i}`)
  }
  await until(() => client.socket.writableLength === 0, 'the rest to be read, which is too much and is skipped')
  t.equal(frames.framesReceived, 23)
  client.socket.destroy()
})

t.test('a body that ends while a detection waits is answered when that is taken', async t => {
  const { app, port } = await startServer(t, { UPLOAD_RATE_LIMIT: '10' })
  const body = Buffer.concat([...Array<Buffer>(20).fill(part()), part(SPILL), part()])
  const client = RawClient.send(port, head({ headers: `Content-Length: ${body.length}\r\n` }), body)
  t.strictSame(JSON.parse((await client.answer()).body.toString()), { frames_received: 21, frames_refused: 1, frames_late: 0 })
  t.equal(app.eventRepository.summaryOf().total, 1)
})

/** A server whose disk is full as long as it is told so. */
async function withDisk (t: Test, log = keptLog()) {
  const disk = { full: true, tries: 0 }
  const server = await startServer(t, {}, {
    logger: log.logger,
    files: {
      ...fs,
      open: async (path, flags, mode) => {
        if (String(path).endsWith('.part')) {
          disk.tries += 1
          if (disk.full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
        }
        return await fs.open(path, flags, mode)
      }
    }
  })
  return { ...server, disk, log }
}

t.test('a detection that cannot be stored is tried again until it is, while the picture goes on', async t => {
  const { app, port, disk } = await withDisk(t)
  const { frames } = app.cameras.default
  const client = RawClient.send(port, head(), part(SPILL, jpeg({ color: [200, 0, 0] })), part(`${SPILL}X-Frame-Sequence: 7\r\n`))
  await until(() => app.feeds.unstored.count === 2)
  client.write(part('', jpeg({ color: [0, 200, 0] })))
  await until(() => frames.framesReceived === 3)
  await until(() => disk.tries > 3, 'another try')
  t.match(await app.eventRepository.find(1), { evidenceState: 'missing' }, 'that there is a spill is known')
  disk.full = false
  await until(() => app.feeds.unstored.count === 0)
  t.ok(frames.newest?.memory.jpeg.equals(jpeg({ color: [0, 200, 0] })), 'their pictures are not shown again')
  t.equal(frames.framesReceived, 3)
  t.match(await app.eventRepository.find(1), { evidenceState: 'kept' }, 'both are of one event')
  client.write(part(`${SPILL}X-Frame-Sequence: 7\r\n`))
  await until(() => app.cameras.default.counts.duplicate === 1, 'the same frame sent again to be known')
  client.socket.destroy()
})

t.test('the answer at the end says so where a detection is not on disk', async t => {
  const { app, port, disk } = await withDisk(t)
  const body = Buffer.concat([part(), part(SPILL)])
  const ends = (): RawClient => RawClient.send(port, head({ headers: `Content-Length: ${body.length}\r\n` }), body)
  await refused(t, await ends().answer(), 507, 'STORAGE_FULL')
  t.equal(app.feeds.unstored.count, 1, 'it is tried on all the same')
  disk.full = false
  t.equal((await ends().answer()).status, 200)
  await until(() => app.feeds.unstored.count === 0)
})

t.test('a detection that could not be stored until the server closed is told to be lost', async t => {
  const { app, port, log } = await withDisk(t)
  RawClient.send(port, head(), part(SPILL))
  await until(() => app.feeds.unstored.count === 1)
  await app.close()
  t.match(log.lines.filter(({ msg }) => msg.startsWith('detections of a feed are lost')), [{ level: 50, cameraId: 'default', detections: 1 }])
})

t.test('frames that a feed sends late take their place in the history alone', async t => {
  const clock = new FakeClock()
  const { app, port, url } = await startServer(t, {}, { clock })
  await upload(url)
  const body = Buffer.concat([part('X-Capture-Timestamp: 2023-06-23T14:30:22Z\r\n'), part('X-Capture-Timestamp: 2023-06-23T14:30:20Z\r\n'), part()])
  const client = RawClient.send(port, head({ headers: `Content-Length: ${body.length}\r\n` }), body)
  t.strictSame(JSON.parse((await client.answer()).body.toString()), { frames_received: 3, frames_refused: 0, frames_late: 2 })
  t.equal(app.cameras.default.frames.framesReceived, 2)
})
