import fs from 'node:fs/promises'
import { join } from 'node:path'
import type { Socket } from 'node:net'
import Database from 'better-sqlite3'
import t from 'tap'
import { control, FakeClock, jpeg, PASSWORD, SocketViewer, startServer, until, upload } from '../helper.js'
import { keptLog, RawClient, refused, send, signal } from '../http.js'

const PATH = '/api/upload_frame'
const AUTH = { 'X-Camera-Auth': PASSWORD }

/** A request's head, as a camera writes it. */
const head = (headers: Record<string, string | number>): string =>
  `POST ${PATH} HTTP/1.1\r\nHost: x\r\n${Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`

const status = async (url: string): Promise<Record<string, unknown>> => await (await fetch(`${url}/api/status`)).json() as Record<string, unknown>

/** A JPEG's head alone says how large it is. */
function jpegOfSize (width: number, height: number): Buffer {
  const bytes = Buffer.from(jpeg())
  const at = bytes.indexOf(Buffer.from([0xff, 0xc0]))
  bytes.writeUInt16BE(height, at + 5)
  bytes.writeUInt16BE(width, at + 7)
  return bytes
}

t.test('a frame is taken, and the answer is the seed\'s', async t => {
  const { url, app } = await startServer(t)
  const answer = await send(url, { method: 'POST', path: PATH, headers: AUTH, body: jpeg() })
  t.equal(answer.status, 200)
  t.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
  t.equal(answer.body.toString(), 'Frame received')
  t.equal(app.cameras.default.frames.framesReceived, 1)
})

t.test('any content type is taken, and none', async t => {
  const { url, app } = await startServer(t)
  const types = [
    undefined, '', 'image/jpeg', 'IMAGE/JPEG', 'application/x-www-form-urlencoded', 'application/json', 'text/plain', 'multipart/form-data',
    'multipart/form-data; boundary=x', 'application/octet-stream', 'nonsense', '/', ';', 'image/jpeg;', 'image/jpeg; charset', '*/*', 'image/jpeg, image/jpeg', '\u00e9'
  ]
  for (const [i, type] of types.entries()) {
    const answer = await send(url, { method: 'POST', path: PATH, headers: { ...AUTH, ...(type !== undefined && { 'Content-Type': type }) }, body: jpeg() })
    t.equal(answer.status, 200, `Content-Type: ${type}`)
    t.equal(app.cameras.default.frames.framesReceived, i + 1)
  }
})

t.test('a chunked body is taken', async t => {
  const { port, app } = await startServer(t)
  const picture = jpeg()
  const half = picture.length >> 1
  const client = RawClient.send(port, head({ ...AUTH, 'Transfer-Encoding': 'chunked' }))
  for (const piece of [picture.subarray(0, half), picture.subarray(half)]) client.write(`${piece.length.toString(16)}\r\n`, piece, '\r\n')
  client.write('0\r\n\r\n')
  t.equal((await client.answer()).status, 200)
  t.ok(app.cameras.default.frames.newest?.memory.jpeg.equals(picture))
  client.socket.destroy()
})

t.test('a body that comes in small pieces is taken', async t => {
  const { port, app } = await startServer(t)
  const picture = jpeg({ width: 64, height: 64 })
  const served: Socket[] = []
  app.server.on('connection', socket => { served.push(socket) })
  const client = RawClient.send(port, head({ ...AUTH, 'Content-Length': picture.length }))
  client.socket.setNoDelay(true)
  let sent = client.socket.bytesWritten
  for (let at = 0; at < picture.length; at += 100) {
    await until(() => (served[0]?.bytesRead ?? 0) >= sent, 'what was sent')
    t.equal(app.cameras.default.frames.framesReceived, 0)
    client.write(picture.subarray(at, at + 100))
    sent = client.socket.bytesWritten
  }
  t.equal((await client.answer()).status, 200)
  t.ok(app.cameras.default.frames.newest?.memory.jpeg.equals(picture))
  client.socket.destroy()
})

t.test('padding behind the image is kept as it was sent', async t => {
  const { url, app } = await startServer(t)
  const padded = Buffer.concat([jpeg(), Buffer.alloc(512)])
  t.equal((await upload(url, { jpeg: padded })).status, 200)
  t.ok(app.cameras.default.frames.newest?.memory.jpeg.equals(padded))
})

t.test('what is not a whole JPEG is a 400 that says why', async t => {
  const { url, app } = await startServer(t)
  const whole = jpeg()
  const cases: Array<[string, Buffer | undefined, RegExp]> = [
    ['no body', undefined, /empty/],
    ['an empty body', Buffer.alloc(0), /empty/],
    ['no start of image', Buffer.from('not a picture'), /FF D8/],
    ['no frame header', Buffer.concat([Buffer.from([0xff, 0xd8]), whole.subarray(whole.indexOf(Buffer.from([0xff, 0xda])))]), /frame header/],
    ['no scan', Buffer.concat([whole.subarray(0, whole.indexOf(Buffer.from([0xff, 0xda]))), Buffer.from([0xff, 0xd9])]), /scan/],
    ['no end of image', whole.subarray(0, -2), /FF D9/],
    ['no width', jpegOfSize(0, 8), /0x8/],
    ['no height', jpegOfSize(16, 0), /16x0/]
  ]
  for (const [what, body, message] of cases) {
    const answer = await send(url, { method: 'POST', path: PATH, headers: AUTH, ...(body !== undefined && { body }) })
    t.match(await refused(t, answer, 400, 'FRAME_INVALID'), message, what)
  }
  t.equal(app.cameras.default.frames.framesReceived, 0)
  t.equal((await status(url))['stream_active'], false)
})

t.test('a POST that says nothing of a body is an empty one', async t => {
  const { port } = await startServer(t)
  const client = RawClient.send(port, head(AUTH))
  await refused(t, await client.answer(), 400, 'FRAME_INVALID')
  client.socket.destroy()
})

t.test('401 without the right password', async t => {
  const { url, app } = await startServer(t)
  await refused(t, await send(url, { method: 'POST', path: PATH, body: jpeg() }), 401, 'PASSWORD_MISSING')
  for (const password of ['', 'wrong', PASSWORD + 'x', PASSWORD.slice(1), PASSWORD.toUpperCase(), `${PASSWORD}, ${PASSWORD}`]) {
    await refused(t, await upload(url, { password }), 401, 'PASSWORD_WRONG')
  }
  await refused(t, await send(url, { method: 'POST', path: PATH, headers: { 'X-Camera-Auth': [PASSWORD, PASSWORD] }, body: jpeg() }), 401, 'PASSWORD_WRONG')
  t.equal(app.cameras.default.frames.framesReceived, 0)
})

t.test('a refused body is not read', async t => {
  const { port, app } = await startServer(t)
  const served: Socket[] = []
  app.server.on('connection', socket => { served.push(socket) })
  for (const framing of [{ 'Content-Length': 5_000_000 }, { 'Transfer-Encoding': 'chunked' }]) {
    served.length = 0
    const client = RawClient.send(port, head({ 'X-Camera-Auth': 'wrong', ...framing }), 'ff\r\nthe beginning')
    const answer = await client.answer()
    await refused(t, answer, 401, 'PASSWORD_WRONG')
    t.equal(answer.headers['connection'], 'close')
    client.write(Buffer.alloc(5_000_000))
    await client.end()
    t.ok((served[0]?.bytesRead ?? Infinity) < 1_000_000, `${served[0]?.bytesRead} bytes were read`)
  }
})

t.test('a refused client that sends on gets to read the answer', async t => {
  const { port } = await startServer(t)
  for (let i = 0; i < 5; i += 1) {
    const client = RawClient.send(port, head({ 'X-Camera-Auth': 'wrong', 'Content-Length': 5_000_000 }), Buffer.alloc(5_000_000))
    await client.end()
    await refused(t, client.answers[0] ?? await client.answer(), 401, 'PASSWORD_WRONG')
  }
})

t.test('a refused upload without a body leaves the connection open', async t => {
  const { port } = await startServer(t)
  const client = RawClient.send(port, head({ 'Content-Length': 0 }))
  const answer = await client.answer()
  t.equal(answer.status, 401)
  t.not(answer.headers['connection'], 'close')
  client.write(head({ ...AUTH, 'Content-Length': jpeg().length }), jpeg())
  t.equal((await client.answer(2)).status, 200)
  client.socket.destroy()
})

t.test('an upload that is refused for its bytes leaves the connection open', async t => {
  const { port } = await startServer(t)
  const client = RawClient.send(port, head({ ...AUTH, 'Content-Length': 3 }), 'abc')
  t.equal((await client.answer()).status, 400)
  client.write(head({ ...AUTH, 'Content-Length': jpeg().length }), jpeg())
  t.equal((await client.answer(2)).status, 200)
  client.socket.destroy()
})

t.test('413 over MAX_FRAME_BYTES, announced or not', async t => {
  const { url, port, app } = await startServer(t, { MAX_FRAME_BYTES: '2000' })
  const fitting = Buffer.concat([jpeg(), Buffer.alloc(2000 - jpeg().length)])
  t.equal((await upload(url, { jpeg: fitting })).status, 200, 'exactly as many are taken')
  const announced = RawClient.send(port, head({ ...AUTH, 'Content-Length': 2001 }))
  const answer = await announced.answer()
  t.match(await refused(t, answer, 413, 'FRAME_TOO_LARGE'), '2000 bytes')
  t.equal(answer.headers['connection'], 'close')
  await announced.end()
  const chunked = RawClient.send(port, head({ ...AUTH, 'Transfer-Encoding': 'chunked' }), '7d1\r\n', Buffer.alloc(2001))
  await refused(t, await chunked.answer(), 413, 'FRAME_TOO_LARGE')
  await chunked.end()
  t.equal(app.cameras.default.frames.framesReceived, 1)
})

t.test('413 over MAX_FRAME_PIXELS', async t => {
  const { url, app } = await startServer(t)
  t.match(await refused(t, await upload(url, { jpeg: jpegOfSize(10_000, 5001) }), 413, 'FRAME_TOO_MANY_PIXELS'), '10000x5001')
  t.equal(app.cameras.default.frames.framesReceived, 0)
  t.equal((await upload(url, { jpeg: jpegOfSize(10_000, 5000) })).status, 200)
})

t.test('X-Oil-Spill-Detected is true, false, 1 or 0 in any letter case', async t => {
  const { url, app } = await startServer(t)
  const cases: Array<[string | undefined, boolean]> = [
    [undefined, false], ['true', true], ['True', true], ['TRUE', true], ['1', true], [' true ', true],
    ['false', false], ['False', false], ['FALSE', false], ['0', false]
  ]
  for (const [value, spill] of cases) {
    t.equal((await upload(url, { ...(value !== undefined && { spill: value }) })).status, 200, `${value}`)
    t.equal(app.cameras.default.frames.newest?.spillReported, spill, `${value}`)
  }
})

t.test('any other X-Oil-Spill-Detected is a 400, and the frame is not taken', async t => {
  const { url, app } = await startServer(t)
  for (const value of ['', 'yes', 'no', 'on', 'tru', 'true1', '2', '-1', '1.0', 'null', 'true, true', '"true"']) {
    await refused(t, await upload(url, { spill: value }), 400, 'SPILL_HEADER_INVALID')
  }
  const twice = await send(url, { method: 'POST', path: PATH, headers: { ...AUTH, 'X-Oil-Spill-Detected': ['true', 'true'] }, body: jpeg() })
  await refused(t, twice, 400, 'SPILL_HEADER_INVALID')
  t.equal(app.cameras.default.frames.framesReceived, 0)
})

t.test('a wrong X-Oil-Spill-Detected is refused before the body is read', async t => {
  const { port } = await startServer(t)
  const client = RawClient.send(port, head({ ...AUTH, 'X-Oil-Spill-Detected': 'yes', 'Content-Length': 5_000_000 }))
  const answer = await client.answer()
  await refused(t, answer, 400, 'SPILL_HEADER_INVALID')
  t.equal(answer.headers['connection'], 'close')
  await client.end()
})

t.test('an upload that breaks off is no frame, and no failure of the server', async t => {
  const log = keptLog()
  const { url, port, app } = await startServer(t, {}, { logger: log.logger })
  const picture = jpeg()
  const served: Socket[] = []
  app.server.on('connection', socket => { served.push(socket) })
  for (const framing of [{ 'Content-Length': picture.length + 10 }, { 'Transfer-Encoding': 'chunked' }]) {
    for (const leave of ['end', 'destroy', 'resetAndDestroy'] as const) {
      served.length = 0
      const client = RawClient.send(port, head({ ...AUTH, ...framing }), 'Content-Length' in framing ? picture : `${picture.length.toString(16)}\r\n${picture.toString('latin1')}`)
      await until(() => (served[0]?.bytesRead ?? 0) > picture.length, 'most of it')
      client.socket[leave]()
      await until(() => served[0]?.destroyed === true, 'the end')
    }
  }
  t.equal(app.cameras.default.frames.framesReceived, 0)
  t.equal((await upload(url)).status, 200)
  t.strictSame(log.lines.filter(({ level }) => level >= 40), [])
})

t.test('429 with Retry-After over UPLOAD_RATE_LIMIT, with a burst of two seconds\' worth', async t => {
  const clock = new FakeClock()
  const { url, app } = await startServer(t, { UPLOAD_RATE_LIMIT: '2' }, { clock })
  for (let i = 0; i < 4; i += 1) t.equal((await upload(url)).status, 200)
  const answer = await upload(url)
  t.equal(answer.headers.get('retry-after'), '1')
  await refused(t, answer, 429, 'UPLOAD_RATE_EXCEEDED')
  clock.advance(500)
  t.equal((await upload(url)).status, 200)
  t.equal((await upload(url)).status, 429)
  clock.advance(60_000)
  for (let i = 0; i < 4; i += 1) t.equal((await upload(url)).status, 200)
  t.equal((await upload(url)).status, 429)
  t.equal(app.cameras.default.frames.framesReceived, 9)
})

t.test('Retry-After says how long', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, { UPLOAD_RATE_LIMIT: '0.1' }, { clock })
  t.equal((await upload(url)).status, 200)
  t.equal((await upload(url)).headers.get('retry-after'), '10')
  clock.advance(4000)
  t.equal((await upload(url)).headers.get('retry-after'), '6')
  clock.advance(6000)
  t.equal((await upload(url)).status, 200)
})

t.test('the rate is looked at before the body is read, and only for the right password', async t => {
  const { url, port } = await startServer(t, { UPLOAD_RATE_LIMIT: '0.1' }, { clock: new FakeClock() })
  for (let i = 0; i < 3; i += 1) t.equal((await upload(url, { password: 'wrong' })).status, 401)
  t.equal((await upload(url)).status, 200, 'strangers do not use up the camera\'s rate')
  const client = RawClient.send(port, head({ ...AUTH, 'Content-Length': 5_000_000 }))
  const answer = await client.answer()
  await refused(t, answer, 429, 'UPLOAD_RATE_EXCEEDED')
  t.equal(answer.headers['connection'], 'close')
  await client.end()
})

t.test('a wall clock that is set back an hour refuses no camera', async t => {
  const clock = new FakeClock()
  const { url, app } = await startServer(t, { UPLOAD_RATE_LIMIT: '2' }, { clock })
  for (let i = 0; i < 4; i += 1) await upload(url)
  clock.advance(500)
  clock.setWallClock(clock.nowMs() - 3_600_000)
  t.equal((await upload(url)).status, 200)
  clock.advance(500)
  t.equal((await upload(url, { spill: true })).status, 200)
  t.equal(app.cameras.default.frames.framesReceived, 6)
})

t.test('uploads do not count as reads, nor reads as uploads', async t => {
  const { url } = await startServer(t, { READ_RATE_LIMIT: '1', UPLOAD_RATE_LIMIT: '5' }, { clock: new FakeClock() })
  for (let i = 0; i < 10; i += 1) t.equal((await upload(url)).status, 200)
  t.equal((await send(url)).status, 200)
  t.equal((await send(url)).status, 200)
  t.equal((await send(url)).status, 429)
})

t.test('a whole disk or a broken one: the picture goes on, the camera is told to send again, and the next try succeeds', async t => {
  for (const [code, statusCode, wireCode] of [['ENOSPC', 507, 'STORAGE_FULL'], ['EIO', 503, 'STORAGE_UNAVAILABLE']] as const) {
    let broken = true
    const log = keptLog()
    const { url, port } = await startServer(t, {}, {
      logger: log.logger,
      files: {
        ...fs,
        open: async (path, flags, mode) => {
          if (broken && String(path).endsWith('.part')) throw Object.assign(new Error(`${code}: it fails`), { code })
          return await fs.open(path, flags, mode)
        }
      }
    })
    await upload(url)
    const viewer = new SocketViewer(port)
    await viewer.received(1)
    const picture = jpeg({ color: [99, 9, 9] })
    const answer = await upload(url, { jpeg: picture, spill: true })
    const message = await refused(t, answer, statusCode, wireCode)
    t.match(message, /send this frame again/i)
    if (statusCode === 503) t.equal(answer.headers.get('retry-after'), '1')
    await viewer.received(2)
    t.ok(viewer.parts[1]?.jpeg.equals(picture), 'the picture is live')
    viewer.close()
    t.match(await status(url), { oil_spill_detected: true, oil_spill_events: 0, storage: { ok: false, failures: 1, last_error: code } })
    t.ok(log.lines.some(({ level, msg, cameraId }) => level === 50 && msg === 'an event could not be stored' && cameraId === 'default'))

    broken = false
    t.equal((await upload(url, { jpeg: picture, spill: true })).status, 200)
    t.match(await status(url), { oil_spill_events: 1, storage: { ok: true, failures: 1, last_error: code } })
    t.ok((await send(url, { path: '/api/oil_spill_events/1/frame' })).body.equals(picture))
  }
})

t.test('a database that another program has locked: 503, and the next try succeeds', async t => {
  const { url, config } = await startServer(t)
  const other = new Database(join(config.dataDir, 'videostream.db'))
  other.exec('BEGIN EXCLUSIVE')
  const pending = upload(url, { spill: true })
  const between = upload(url, { spill: false })
  t.equal((await send(url)).status, 200, 'nobody else waits')
  const answer = await pending
  t.equal(answer.headers.get('retry-after'), '1')
  t.match(await refused(t, answer, 503, 'STORAGE_UNAVAILABLE'), 'locked by another program')
  t.equal((await between).status, 200)
  other.close()
  t.equal((await upload(url, { spill: true })).status, 200)
  t.match(await status(url), { oil_spill_events: 1 })
})

t.test('only frames that open or end an event wait for the disk', async t => {
  const gate = signal()
  const { url, app } = await startServer(t, {}, {
    files: {
      ...fs,
      open: async (path, flags, mode) => {
        if (String(path).endsWith('.part')) await gate.promise
        return await fs.open(path, flags, mode)
      }
    }
  })
  t.equal((await upload(url)).status, 200)
  let answered = false
  const opening = upload(url, { spill: true }).finally(() => { answered = true })
  await until(() => app.cameras.default.frames.framesReceived === 2)
  t.match(await status(url), { oil_spill_detected: true, oil_spill_events: 0 })
  t.equal(answered, false)
  gate.resolve()
  t.equal((await opening).status, 200)
  t.match(await status(url), { oil_spill_events: 1 })
})

t.test('the first frame starts the stream, and a stop holds against it', async t => {
  const { url } = await startServer(t)
  t.match(await status(url), { stream_active: false })
  await upload(url)
  t.match(await status(url), { stream_active: true })
  await control(url, 'stop_stream')
  await upload(url)
  t.match(await status(url), { stream_active: false })
})
