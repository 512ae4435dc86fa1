import fs from 'node:fs/promises'
import type { Socket } from 'node:net'
import t from 'tap'
import { control, FakeClock, jpeg, PASSWORD, SocketViewer, startServer, until, upload } from '../helper.js'
import { RawClient, refused, send, signal } from '../http.js'

const CLOSING = '\r\n--frame--\r\n'

/** Frames that can be told apart by their bytes. */
const pictures = (count: number): Buffer[] => Array.from({ length: count }, (_, i) => jpeg({ color: [i * 9 % 256, 60, 90], width: 16 + i }))

/** A frame of many bytes: padding behind the image is kept as it was sent. */
const bigFrame = (fill: number, sizeBytes = 3 * 1024 * 1024): Buffer => Buffer.concat([jpeg(), Buffer.alloc(sizeBytes, fill)])

/** Lets a paused client read so many bytes. */
async function take (socket: Socket, sizeBytes: number): Promise<void> {
  await new Promise<void>(resolve => {
    let taken = 0
    socket.on('data', function count (chunk: Buffer) {
      taken += chunk.length
      if (taken < sizeBytes) return
      socket.off('data', count).pause()
      resolve()
    })
    socket.resume()
  })
}

t.test('a viewer gets the newest frame at once, as a part with its headers, byte for byte', async t => {
  const { url, port } = await startServer(t, {}, { clock: new FakeClock() })
  const [older, newest] = [jpeg({ color: [1, 2, 3] }), jpeg({ color: [200, 2, 3] })]
  await upload(url, { jpeg: older })
  await upload(url, { jpeg: newest })
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  t.equal(viewer.parts.length, 1)
  t.strictSame(viewer.parts[0]?.headers, {
    'content-type': 'image/jpeg', 'content-length': String(newest.length), 'x-timestamp': '1687530622.123000'
  })
  t.ok(viewer.parts[0]?.jpeg.equals(newest))
  viewer.close()
})

t.test('the head has what the seed says, tells proxies and caches to keep nothing, and has the CORS header', async t => {
  const { url, port } = await startServer(t)
  await upload(url)
  const viewer = new SocketViewer(port, '/stream', { Origin: 'https://example.org' })
  await viewer.received(1)
  const [status, ...fields] = viewer.head.toLowerCase().split('\r\n')
  t.equal(status, 'http/1.1 200 ok')
  for (const field of [
    'content-type: multipart/x-mixed-replace; boundary=frame', 'connection: close', 'x-accel-buffering: no', 'pragma: no-cache', 'expires: 0',
    'access-control-allow-origin: *'
  ]) t.ok(fields.includes(field), field)
  const cacheControl = fields.find(field => field.startsWith('cache-control:')) ?? ''
  t.match(cacheControl, 'no-store')
  t.match(cacheControl, 'no-transform')
  t.notMatch(viewer.head, /transfer-encoding|content-length/i)
  viewer.close()
})

t.test('every frame reaches every viewer, in order', async t => {
  const { url, port } = await startServer(t)
  const [first, ...others] = pictures(8)
  await upload(url, { jpeg: first as Buffer })
  const viewers = [new SocketViewer(port), new SocketViewer(port), new SocketViewer(port)]
  await Promise.all(viewers.map(viewer => viewer.received(1)))
  for (const [i, picture] of others.entries()) {
    await upload(url, { jpeg: picture })
    await Promise.all(viewers.map(viewer => viewer.received(i + 2)))
  }
  for (const viewer of viewers) {
    t.ok(viewer.parts.every((part, i) => part.jpeg.equals([first as Buffer, ...others][i] as Buffer)))
    viewer.close()
  }
})

t.test('a stream that was started before the first frame waits for it', async t => {
  const { url, port, app } = await startServer(t)
  t.equal((await control(url, 'start_stream')).status, 200)
  const viewer = new SocketViewer(port)
  await until(() => viewer.body.length > 0, 'the opening boundary')
  t.equal(viewer.body.toString(), '--frame\r\n')
  await until(() => app.cameras.default.liveStream.viewerCount === 1)
  await upload(url)
  await viewer.received(1)
  viewer.close()
})

t.test('?fps thins the stream evenly', async t => {
  const clock = new FakeClock()
  const { url, port } = await startServer(t, {}, { clock })
  const frames = pictures(21)
  await upload(url, { jpeg: frames[0] as Buffer })
  const every = new SocketViewer(port)
  const thinned = new SocketViewer(port, '/stream?fps=2')
  await Promise.all([every.received(1), thinned.received(1)])
  for (const [i, picture] of frames.slice(1).entries()) {
    clock.advance(100)
    await upload(url, { jpeg: picture })
    await every.received(i + 2)
  }
  await control(url, 'stop_stream')
  await Promise.all([every.closed(), thinned.closed()])
  t.equal(every.parts.length, 21)
  t.strictSame(thinned.parts.map(part => frames.findIndex(picture => picture.equals(part.jpeg))), [0, 5, 10, 15, 20])
})

t.test('STREAM_MAX_FPS thins for all, whatever they ask for', async t => {
  const clock = new FakeClock()
  const { url, port } = await startServer(t, { STREAM_MAX_FPS: '5' }, { clock })
  const frames = pictures(21)
  await upload(url, { jpeg: frames[0] as Buffer })
  const viewers = ['/stream', '/stream?fps=30', '/stream?fps=2'].map(path => new SocketViewer(port, path))
  await Promise.all(viewers.map(viewer => viewer.received(1)))
  for (const picture of frames.slice(1)) {
    clock.advance(100)
    await upload(url, { jpeg: picture })
  }
  await control(url, 'stop_stream')
  await Promise.all(viewers.map(viewer => viewer.closed()))
  const shown = viewers.map(viewer => viewer.parts.map(part => frames.findIndex(picture => picture.equals(part.jpeg))))
  t.strictSame(shown, [[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20], [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20], [0, 5, 10, 15, 20]])
})

t.test('more viewers than may are told when to come back, and come in when one has left', async t => {
  const { url, port, app } = await startServer(t, { MAX_VIEWERS: '2' })
  await upload(url)
  const viewers = [new SocketViewer(port), new SocketViewer(port)]
  await Promise.all(viewers.map(viewer => viewer.received(1)))
  const answer = await send(url, { path: '/stream' })
  const message = await refused(t, answer, 503, 'TOO_MANY_VIEWERS')
  t.match(message, /^2 people .*MAX_VIEWERS/)
  t.equal(answer.headers['retry-after'], '10')
  t.equal(app.cameras.default.liveStream.totals.viewersRefused, 1)
  viewers[0]?.close()
  await until(() => app.cameras.default.liveStream.viewerCount === 1)
  const third = new SocketViewer(port)
  await third.received(1)
  third.close()
  viewers[1]?.close()
})

t.test('an fps that is no rate is a 400', async t => {
  const { url, app } = await startServer(t)
  await upload(url)
  for (const fps of ['0', '-1', 'many', '', 'true', '1e1', '0x5', '1001', 'NaN', 'Infinity', '5&fps=6']) {
    const message = await refused(t, await send(url, { path: `/stream?fps=${fps}` }), 400, 'REQUEST_INVALID')
    t.match(message, 'fps', fps)
  }
  t.equal(app.cameras.default.liveStream.viewerCount, 0)
})

t.test('unknown query keys do not matter', async t => {
  const { url, port } = await startServer(t)
  await upload(url)
  const viewer = new SocketViewer(port, '/stream?try=3')
  await viewer.received(1)
  viewer.close()
})

t.test('503 where there is no active stream', async t => {
  const { url } = await startServer(t)
  const before = await send(url, { path: '/stream' })
  await refused(t, before, 503, 'NO_ACTIVE_STREAM')
  t.equal(before.headers['retry-after'], '1')
  await upload(url)
  await control(url, 'stop_stream')
  await refused(t, await send(url, { path: '/stream' }), 503, 'NO_ACTIVE_STREAM')
})

t.test('when no frame comes the last one is repeated every few seconds', async t => {
  const clock = new FakeClock()
  const { url, port } = await startServer(t, {}, { clock })
  const picture = jpeg()
  await upload(url, { jpeg: picture })
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  clock.advance(5000)
  await viewer.received(2)
  t.ok(viewer.parts[1]?.jpeg.equals(picture))
  t.equal(viewer.parts[1]?.headers['x-timestamp'], viewer.parts[0]?.headers['x-timestamp'], 'with the time of the frame')
  viewer.close()
})

t.test('a viewer that connects while no frame comes gets one picture, not two', async t => {
  const clock = new FakeClock()
  const { url, port } = await startServer(t, {}, { clock })
  await upload(url)
  clock.advance(60_000)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  await control(url, 'stop_stream')
  await viewer.closed()
  t.equal(viewer.parts.length, 1)
})

t.test('a stop ends every viewer with the closing boundary', async t => {
  const { url, port, app } = await startServer(t)
  await upload(url)
  const viewers = [new SocketViewer(port), new SocketViewer(port, '/stream', { 'User-Agent': 'Chrome/156.0' })]
  await until(() => app.cameras.default.liveStream.viewerCount === 2)
  await control(url, 'stop_stream')
  for (const viewer of viewers) {
    await viewer.closed()
    t.equal(viewer.body.toString('latin1').slice(-CLOSING.length), CLOSING)
    t.equal(viewer.body.toString('latin1').split('--frame--').length, 2, 'once')
  }
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
})

t.test('a server that closes ends every viewer with the closing boundary', async t => {
  const { url, port, app } = await startServer(t)
  await upload(url)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  await app.close()
  await viewer.closed()
  t.equal(viewer.body.toString('latin1').slice(-CLOSING.length), CLOSING)
  t.equal(app.cameras.default.liveStream.viewerCount, 0)
})

t.test('HEAD is not possible, and opens no viewer', async t => {
  const { url, app } = await startServer(t)
  await upload(url)
  const answer = await send(url, { path: '/stream', method: 'HEAD' })
  t.equal(answer.status, 405)
  t.equal(answer.headers.allow, 'GET')
  t.equal(app.cameras.default.liveStream.viewerCount, 0)
})

t.test('however a viewer leaves, nothing of it is left', async t => {
  const ways: Record<string, (socket: Socket) => unknown> = {
    close: socket => socket.destroy(),
    reset: socket => socket.resetAndDestroy(),
    'half-close': socket => socket.end()
  }
  for (const [way, leave] of Object.entries(ways)) {
    await t.test(way, async t => {
      const { url, port, app } = await startServer(t)
      const served: Socket[] = []
      app.server.on('connection', socket => { served.push(socket) })
      await upload(url)
      const viewers = Array.from({ length: 5 }, () => new SocketViewer(port))
      await Promise.all(viewers.map(viewer => viewer.received(1)))
      t.equal(app.cameras.default.liveStream.viewerCount, 5)
      for (const viewer of viewers) leave(viewer.socket)
      await until(() => app.cameras.default.liveStream.viewerCount === 0, 'no viewers')
      await until(() => served.slice(1).every(socket => socket.destroyed), 'no sockets')
      await upload(url, { jpeg: jpeg({ color: [250, 0, 0] }) })
      t.equal(app.cameras.default.liveStream.viewerCount, 0)
    })
  }
})

t.test('a viewer that leaves during the first write is taken off', async t => {
  const { url, port, app } = await startServer(t)
  await upload(url, { jpeg: bigFrame(1, 8 * 1024 * 1024) })
  const viewer = new SocketViewer(port)
  await until(() => viewer.bytes.length > 0, 'the first bytes')
  t.equal(app.cameras.default.liveStream.viewerCount, 1)
  viewer.socket.resetAndDestroy()
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
})

t.test('a viewer that leaves while it is asked for is taken off', async t => {
  const { url, port, app } = await startServer(t)
  await upload(url)
  for (let i = 0; i < 20; i += 1) {
    const client = RawClient.send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
    client.socket.once('connect', () => { client.socket.resetAndDestroy() })
    await client.end()
  }
  await send(url, { path: '/api/status' })
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
})

t.test('a viewer that sends garbage is cut, and none of the answer gets into its picture', async t => {
  const { url, port, app } = await startServer(t)
  await upload(url)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  viewer.socket.write('this is not HTTP\r\n\r\n')
  await viewer.closed()
  t.notMatch(viewer.body.toString('latin1'), 'HTTP/1.1')
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
})

t.test('a viewer that sends anything more is cut: it would never count as stalled, and its requests would pile up', async t => {
  for (const more of ['GET /stream HTTP/1.1\r\nHost: x\r\n\r\n', 'GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n', '\r\n', 'x']) {
    const { url, port, app } = await startServer(t)
    await upload(url)
    const viewer = new SocketViewer(port)
    await viewer.received(1)
    viewer.socket.write(more)
    await viewer.closed()
    t.equal(viewer.bytes.toString('latin1').split('HTTP/1.1').length, 2, 'one answer')
    await until(() => app.cameras.default.liveStream.viewerCount === 0)
  }
})

t.test('a stream that is asked for behind another request comes behind its answer', async t => {
  const { url, port, app } = await startServer(t)
  const picture = jpeg()
  await upload(url, { jpeg: picture })
  const client = RawClient.send(port, 'GET /api/oil_spill_events/7 HTTP/1.1\r\nHost: x\r\n\r\nGET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => client.text.includes(picture.toString('latin1')), 'the picture')
  t.match(client.text, /^HTTP\/1\.1 404 [^]*EVENT_NOT_FOUND[^]*\}HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n--frame\r\nContent-Type: image\/jpeg\r\n/)
  t.equal(app.cameras.default.liveStream.viewerCount, 1)
  client.socket.destroy()
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
})

t.test('a stream that was stopped while it waited for its turn is not begun', async t => {
  const gate = signal()
  const { url, port, app } = await startServer(t, {}, {
    files: {
      ...fs,
      open: async (path, flags, mode) => {
        if (String(path).endsWith('.part')) await gate.promise
        return await fs.open(path, flags, mode)
      }
    }
  })
  const picture = jpeg()
  const client = RawClient.send(port,
    `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${PASSWORD}\r\nX-Oil-Spill-Detected: true\r\nContent-Length: ${picture.length}\r\n\r\n`,
    picture, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => app.cameras.default.frames.framesReceived === 1)
  const stopped = control(url, 'stop_stream')
  await until(() => !app.cameras.default.liveStream.active)
  gate.resolve()
  await client.end()
  t.strictSame(client.answers.map(({ status }) => status), [200], 'only the upload is answered')
  t.equal(app.cameras.default.liveStream.viewerCount, 0)
  t.equal((await stopped).status, 200)
})

t.test('an HTTP/1.0 client gets the stream unchunked', async t => {
  const { url, port, app } = await startServer(t)
  const picture = jpeg()
  await upload(url, { jpeg: picture })
  const client = RawClient.send(port, 'GET /stream HTTP/1.0\r\n\r\n')
  await until(() => client.text.includes(picture.toString('latin1')), 'the picture')
  t.match(client.text, /^HTTP\/1\.1 200 OK\r\n/)
  t.notMatch(client.text, /transfer-encoding/i)
  await app.close()
  await client.end()
  t.equal(client.text.slice(client.text.indexOf('\r\n\r\n') + 4), `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n` +
    `X-Timestamp: ${/X-Timestamp: (\S+)/.exec(client.text)?.[1]}\r\n\r\n${picture.toString('latin1')}\r\n--frame\r\n${CLOSING}`)
})

t.test('Chromium gets the headers of the next part right behind each picture, so that it paints it', async t => {
  const { url, port, app } = await startServer(t)
  const picture = jpeg()
  await upload(url, { jpeg: picture })
  const viewer = new SocketViewer(port, '/stream', { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36' })
  const opening = '--frame\r\nContent-Type: image/jpeg\r\n\r\n'
  const expected = `${opening}${picture.toString('latin1')}\r\n${opening}`
  await until(() => viewer.body.length >= expected.length)
  t.equal(viewer.body.toString('latin1'), expected)
  await app.close()
  await viewer.closed()
  t.equal(viewer.body.toString('latin1'), expected + CLOSING)
})

t.test('a viewer that never reads holds up neither cameras nor other viewers, and costs one picture', async t => {
  const { url, port, app } = await startServer(t)
  const served: Socket[] = []
  app.server.on('connection', socket => { served.push(socket) })
  await control(url, 'start_stream')
  const stalled = RawClient.send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  stalled.socket.pause()
  const viewer = new SocketViewer(port)
  await until(() => app.cameras.default.liveStream.viewerCount === 2)
  for (let i = 1; i <= 8; i += 1) {
    t.equal((await upload(url, { jpeg: bigFrame(i) })).status, 200)
    await viewer.received(i)
    t.ok(viewer.parts[i - 1]?.jpeg.equals(bigFrame(i)))
  }
  const held = Math.max(...served.map(socket => socket.writableLength))
  t.ok(held > 0, 'the server still holds bytes for it')
  t.ok(held < bigFrame(1).length + 1024, 'no more than one picture')
  viewer.close()
  stalled.socket.destroy()
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
})

t.test('a viewer that takes nothing for VIEWER_STALL_SECONDS is let go, and no other', async t => {
  const { url, port, app } = await startServer(t, { VIEWER_STALL_SECONDS: '1', MAX_FRAME_BYTES: '33554432' })
  await control(url, 'start_stream')
  const waiting = new SocketViewer(port, '/stream')
  await upload(url, { jpeg: bigFrame(1, 24 * 1024 * 1024) }) // more than the kernel takes
  await waiting.received(1)
  const stalled = RawClient.send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  stalled.socket.pause()
  await until(() => app.cameras.default.liveStream.viewerCount === 2)
  await until(() => app.cameras.default.liveStream.viewerCount === 1, 'one viewer')
  t.equal(app.cameras.default.liveStream.totals.viewersStalled, 1)
  t.equal(waiting.ended, false, 'one that has taken all and waits for the camera stays')
  stalled.socket.destroy()
  waiting.close()
})

t.test('a viewer that takes little at a time stays, however long one picture takes it', async t => {
  const { url, port, app } = await startServer(t, { VIEWER_STALL_SECONDS: '1', MAX_FRAME_BYTES: '33554432' })
  const served: Socket[] = []
  app.server.on('connection', socket => { served.push(socket) })
  await upload(url, { jpeg: bigFrame(1, 24 * 1024 * 1024) })
  const slow = RawClient.send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  slow.socket.pause()
  await until(() => app.cameras.default.liveStream.viewerCount === 1)
  for (let i = 0; i < 10; i += 1) {
    await new Promise(resolve => setTimeout(resolve, 300))
    await take(slow.socket, 1024 * 1024)
  }
  t.ok(served.at(-1)?.writableLength, 'the first picture is still on its way')
  t.equal(app.cameras.default.liveStream.viewerCount, 1)
  slow.socket.destroy()
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
})

t.test('viewers that come and go leave nothing behind', async t => {
  const { url, port, app } = await startServer(t)
  await upload(url)
  const stayer = new SocketViewer(port)
  await stayer.received(1)
  const connections = async (): Promise<number> => await new Promise((resolve, reject) => {
    app.server.getConnections((error, count) => { if (error === null) resolve(count); else reject(error) })
  })
  const serverListeners = (): number => app.server.eventNames().reduce((sum, name) => sum + app.server.listenerCount(name), 0)
  await until(async () => await connections() === 1)
  const listeners = serverListeners()
  for (let round = 0; round < 10; round += 1) {
    const visitors = Array.from({ length: 30 }, () => new SocketViewer(port))
    await Promise.all(visitors.map(visitor => visitor.received(1)))
    for (const [i, visitor] of visitors.entries()) {
      if (i % 3 === 0) visitor.socket.resetAndDestroy()
      else if (i % 3 === 1) visitor.socket.end()
      else visitor.close()
    }
  }
  await until(async () => await connections() === 1, 'one connection')
  t.equal(app.cameras.default.liveStream.viewerCount, 1)
  t.equal(app.cameras.default.liveStream.viewers.length, 1)
  t.equal(app.cameras.default.liveStream.totals.viewersServed, 301)
  t.equal(serverListeners(), listeners)
  // Both ends of the one that stayed; those of the others close in their own time.
  await until(() => process.getActiveResourcesInfo().filter(each => each === 'TCPSocketWrap').length === 2, 'two sockets')
  stayer.close()
})

t.test('a viewer that never reads is cut some time after a stop', async t => {
  const clock = new FakeClock()
  const { url, port, app } = await startServer(t, { MAX_FRAME_BYTES: '33554432' }, { clock })
  await upload(url, { jpeg: bigFrame(1, 24 * 1024 * 1024) }) // more than the kernel takes
  const stalled = RawClient.send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  stalled.socket.pause()
  await until(() => app.cameras.default.liveStream.viewerCount === 1)
  await control(url, 'stop_stream')
  t.equal(app.cameras.default.liveStream.viewerCount, 1, 'it may take what is on its way')
  clock.advance(2000)
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
  stalled.socket.destroy()
})

t.test('reads are limited', async t => {
  const { url } = await startServer(t, { READ_RATE_LIMIT: '1' })
  await send(url)
  await send(url)
  const answer = await send(url, { path: '/stream' })
  await refused(t, answer, 429, 'READ_RATE_EXCEEDED')
  t.equal(answer.headers['retry-after'], '1')
})
