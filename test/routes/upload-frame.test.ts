import fs from 'node:fs/promises'
import { join } from 'node:path'
import type { Socket } from 'node:net'
import Database from 'better-sqlite3'
import t from 'tap'
import { control, FakeClock, jpeg, PASSWORD, SocketViewer, startServer, temporaryFolder, until, upload } from '../helper.js'
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
    // Where only the picture has no room, the event is written down all the same.
    const events = statusCode === 507 ? 1 : 0
    t.match(await status(url), { oil_spill_detected: true, oil_spill_events: events, storage: { ok: false, failures: 1, last_error: code } })
    t.match(log.lines.filter(({ level, cameraId }) => level === 50 && cameraId === 'default').map(({ msg }) => msg), [/could not be stored|no room/])

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

/** When the fake clock starts. */
const START_MS = new FakeClock().nowMs()

/** Headers of a frame that was taken so long after the start. */
const takenAt = (afterMs: number, more: Record<string, string> = {}): Record<string, string> =>
  ({ 'X-Capture-Timestamp': new Date(START_MS + afterMs).toISOString(), ...more })

type Json = Record<string, unknown>
const list = async (url: string, path = '/api/oil_spill_events'): Promise<Json[]> => await (await fetch(url + path)).json() as Json[]

/** A moment of the start's day as the API writes it. */
const datetime = (afterMs: number): string => `${new Date(START_MS + afterMs).toISOString().slice(0, -1)}000`

t.test('what a camera says of a frame is kept with the detection, byte for byte', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  const boxes = [{ x: 0.1, y: 0.2, width: 0.3, height: 0.4, label: 'oil', confidence: 0.9 }]
  clock.advance(5000)
  const picture = jpeg({ color: [7, 7, 7] })
  await upload(url, {
    jpeg: picture,
    spill: true,
    headers: takenAt(4900, {
      'X-Frame-Sequence': '4711',
      'Idempotency-Key': 'rig-4 4711',
      'X-Detection-Confidence': '0.93',
      'X-Detection-Boxes': JSON.stringify(boxes),
      'X-Model-Version': 'slick-net 2.1',
      'X-Latitude': '58.37',
      'X-Longitude': '-1.91',
      'X-Heading': '270',
      'X-Camera-Id': 'default'
    })
  })
  const [detection] = await list(url, '/api/oil_spill_events/1/detections')
  t.strictSame({ ...detection, sha256: undefined }, {
    taken_at: datetime(4900),
    captured_at: datetime(4900),
    received_at: datetime(5000),
    clock_skew_seconds: 0.1,
    frame_sequence: 4711,
    sha256: undefined,
    size_bytes: picture.length,
    width: 16,
    height: 8,
    frame_path: 'oil_spill_frames/oil_spill_20230623_143027.jpg',
    confidence: 0.93,
    boxes,
    model_version: 'slick-net 2.1',
    latitude: 58.37,
    longitude: -1.91,
    heading: 270
  })
  t.match(await status(url), { last_capture_time: (START_MS + 4900) / 1000, clock_skew_seconds: 0.1 })
})

t.test('a hundred boxes fit, however long their numbers and labels are', async t => {
  const { url } = await startServer(t)
  const long = 0.12345678901234568
  const box = { x: long, y: long, width: long, height: long, label: 'l'.repeat(64), confidence: long }
  const answer = await upload(url, { spill: true, headers: { 'X-Detection-Boxes': JSON.stringify(Array(100).fill(box), null, 1).replaceAll('\n', ' ') } })
  t.equal(answer.status, 200, await answer.text())
  const [detection] = await list(url, '/api/oil_spill_events/1/detections')
  t.equal((detection?.['boxes'] as unknown[]).length, 100)
})

t.test('a header that cannot be read is refused before the body is read, counted and told', async t => {
  const log = keptLog()
  const { url, port, app } = await startServer(t, {}, { clock: new FakeClock(), logger: log.logger })
  for (const [name, value] of [
    ['X-Capture-Timestamp', 'yesterday'], ['X-Frame-Sequence', '-1'], ['Idempotency-Key', 'x'.repeat(256)], ['X-Detection-Confidence', '93'],
    ['X-Detection-Boxes', '[{}]'], ['X-Model-Version', 'v'.repeat(129)], ['X-Latitude', '91'], ['X-Longitude', 'east'], ['X-Heading', '-1']
  ] as const) {
    const client = RawClient.send(port, head({ ...AUTH, [name]: value, 'Content-Length': 5_000_000 }))
    const answer = await client.answer()
    t.match(await refused(t, answer, 400, 'FRAME_HEADER_INVALID'), new RegExp(`^${name} must be .*\\. The frame was not taken\\.$`))
    t.equal(answer.headers['connection'], 'close')
    await client.end()
  }
  for (const [value, code] of [['2036-03-01T12:00:00Z', 'CAPTURE_TIME_IN_FUTURE'], ['2016-03-01T12:00:00Z', 'CAPTURE_TIME_TOO_OLD']] as const) {
    const client = RawClient.send(port, head({ ...AUTH, 'X-Capture-Timestamp': value, 'Content-Length': 5_000_000 }))
    t.match(await refused(t, await client.answer(), 422, code), value.slice(0, 10))
    await client.end()
  }
  t.equal(app.cameras.default.frames.framesReceived, 0)
  t.match(await status(url), { refused_frames: 11 })
  t.match(log.lines.filter(({ msg }) => msg === 'a frame was refused'), [
    { reason: 'FRAME_HEADER_INVALID', cameraId: 'default' }, { reason: 'CAPTURE_TIME_IN_FUTURE' }, { reason: 'CAPTURE_TIME_TOO_OLD' }
  ], 'a burst once')
})

t.test('a header that comes twice is not guessed at', async t => {
  const { url } = await startServer(t)
  const answer = await send(url, { method: 'POST', path: PATH, headers: { ...AUTH, 'X-Frame-Sequence': ['1', '2'] }, body: jpeg() })
  await refused(t, answer, 400, 'FRAME_HEADER_INVALID')
})

t.test('a frame that is older than the newest one never becomes the live picture', async t => {
  const clock = new FakeClock()
  const { url, port } = await startServer(t, {}, { clock })
  const [newest, older] = [jpeg({ color: [1, 1, 1] }), jpeg({ color: [2, 2, 2] })]
  clock.advance(60_000)
  await upload(url, { jpeg: newest, headers: takenAt(60_000) })
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  t.equal((await upload(url, { jpeg: older, headers: takenAt(30_000) })).status, 200)
  t.equal((await upload(url, { jpeg: older, headers: takenAt(30_000), spill: true })).status, 200)
  t.ok((await send(url, { path: '/api/frame' })).body.equals(newest))
  t.match(await status(url), { frames_received: 1, late_frames: 2, last_capture_time: (START_MS + 60_000) / 1000, oil_spill_detected: false })
  await control(url, 'stop_stream')
  await viewer.closed()
  t.equal(viewer.parts.length, 1)
})

t.test('late detections open, join and bridge events by capture time', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  clock.advance(600_000)
  const late = async (afterMs: number, color: number): Promise<void> => {
    t.equal((await upload(url, { jpeg: jpeg({ color: [color, color, color] }), spill: true, headers: takenAt(afterMs) })).status, 200)
  }
  await upload(url, { headers: takenAt(600_000) })
  await late(20_000, 20)
  await late(4000, 4)
  t.match(await list(url), [{ id: 2, datetime: datetime(4000), ended_at: datetime(4000) }, { id: 1, datetime: datetime(20_000) }], 'two events, the older one first')
  await late(25_000, 25)
  t.match(await list(url), [{ id: 2 }, { id: 1, datetime: datetime(20_000), ended_at: datetime(25_000) }], 'a later end')
  await late(15_000, 15)
  t.match(await list(url), [{ id: 2 }, { id: 1, datetime: datetime(15_000), ended_at: datetime(25_000) }], 'an earlier start')
  t.ok((await send(url, { path: '/api/oil_spill_events/1/frame' })).body.equals(jpeg({ color: [15, 15, 15] })), 'with the frame of that')
  t.match(await status(url), { oil_spill_events: 2 })
  await late(10_000, 10)
  t.match(await list(url), [{ id: 2, datetime: datetime(4000), ended_at: datetime(25_000), merged_into: null }], 'one event')
  t.match(await status(url), { oil_spill_events: 1 })
  t.match(await (await fetch(`${url}/api/detection_summary`)).json(), { total_events: 1, last_detection: datetime(4000) })
  t.strictSame((await list(url, '/api/oil_spill_events/2/detections')).map(detection => detection['taken_at']), [4000, 10_000, 15_000, 20_000, 25_000].map(datetime))
  t.match(await (await fetch(`${url}/api/oil_spill_events/1`)).json(), { id: 1, merged_into: 2 }, 'the other can still be asked for')
  t.ok((await send(url, { path: '/api/oil_spill_events/1/frame' })).body.equals(jpeg({ color: [15, 15, 15] })), 'with its evidence')
  t.strictSame(await list(url, '/api/oil_spill_events/1/detections'), [])
})

t.test('a late detection while an event is open belongs to it, or to none, by capture time', async t => {
  const clock = new FakeClock()
  const { url } = await startServer(t, {}, { clock })
  const send = async (afterMs: number, spill: boolean): Promise<void> => { await upload(url, { spill, headers: takenAt(afterMs, { 'X-Frame-Sequence': String(afterMs) }) }) }
  clock.advance(60_000)
  await send(50_000, false)
  await send(51_000, true)
  await send(60_000, true)
  await send(55_000, true)
  t.match(await list(url), [{ id: 1, datetime: datetime(51_000), ended_at: null }])
  await send(50_500, true)
  t.match(await list(url), [{ id: 1, datetime: datetime(50_500), ended_at: null }])
  await send(49_000, true)
  t.match(await list(url), [{ id: 2, datetime: datetime(49_000), ended_at: datetime(50_000) }, { id: 1 }], 'a clear frame lies in between')
  t.match(await status(url), { open_event_id: 1 })
  t.equal((await list(url, '/api/oil_spill_events/1/detections')).length, 4)
  await upload(url, { headers: takenAt(60_000) })
  t.match(await list(url), [{ id: 2 }, { id: 1, ended_at: datetime(60_000) }])
})

t.test('the same frame sent twice is answered 200 and kept once', async t => {
  for (const name of [{ 'Idempotency-Key': 'a' }, { 'X-Frame-Sequence': '7' }]) {
    const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
    const before = await startServer(t, environment)
    for (let i = 0; i < 3; i += 1) {
      const answer = await upload(before.url, { spill: true, headers: name })
      t.equal(answer.status, 200)
      t.equal(await answer.text(), 'Frame received')
    }
    t.match(await status(before.url), { frames_received: 1, duplicate_frames: 2, oil_spill_events: 1 })
    await before.app.close()
    const after = await startServer(t, environment)
    t.equal((await upload(after.url, { spill: true, headers: name })).status, 200, 'also over a restart')
    t.equal((await list(after.url, '/api/oil_spill_events/1/detections')).length, 1)
    await upload(after.url)
    t.equal((await upload(after.url, { spill: true, headers: name })).status, 200)
    await after.app.close()
    const again = await startServer(t, environment)
    t.equal((await upload(again.url, { spill: true, headers: name })).status, 200, 'also where its event has ended')
    t.match(await list(again.url), [{ id: 1, ended_at: String }])
    t.equal((await list(again.url)).length, 1)
  }
})

t.test('the same key with another body is a 409, also over a restart', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const other = jpeg({ color: [9, 9, 9] })
  const before = await startServer(t, environment)
  await upload(before.url, { spill: true, headers: { 'Idempotency-Key': 'a' } })
  for (const spill of [true, false]) await refused(t, await upload(before.url, { jpeg: other, spill, headers: { 'Idempotency-Key': 'a' } }), 409, 'IDEMPOTENCY_KEY_REUSED')
  t.match(await status(before.url), { frames_received: 1, refused_frames: 2, storage: { ok: true, failures: 0 } })
  await before.app.close()
  const after = await startServer(t, environment)
  await refused(t, await upload(after.url, { jpeg: other, spill: true, headers: { 'Idempotency-Key': 'a' } }), 409, 'IDEMPOTENCY_KEY_REUSED')
  t.match(await status(after.url), { storage: { ok: true, failures: 0 } })
  t.equal((await list(after.url, '/api/oil_spill_events/1/detections')).length, 1)
})

t.test('a camera whose numbers begin anew loses nothing', async t => {
  const { url } = await startServer(t)
  for (const color of [1, 2]) {
    for (const sequence of [0, 1]) {
      t.equal((await upload(url, { jpeg: jpeg({ color: [color, sequence, 0] }), spill: true, headers: { 'X-Frame-Sequence': String(sequence) } })).status, 200)
    }
  }
  t.strictSame((await list(url, '/api/oil_spill_events/1/detections')).map(detection => detection['frame_sequence']), [0, 1, 0, 1])
})

/** Files that cannot be written while the gate is shut. */
function gatedFiles (gate: Promise<void>): typeof fs {
  return {
    ...fs,
    open: async (path, flags, mode) => {
      if (String(path).endsWith('.part')) await gate
      return await fs.open(path, flags, mode)
    }
  }
}

t.test('the same frame sent again while the first is still being stored is answered when that is', async t => {
  const gate = signal()
  const { url, app } = await startServer(t, {}, { files: gatedFiles(gate.promise) })
  const answers = [upload(url, { spill: true, headers: { 'Idempotency-Key': 'a' } })]
  await until(() => app.cameras.default.frames.framesReceived === 1)
  let answered = 0
  answers.push(upload(url, { spill: true, headers: { 'Idempotency-Key': 'a' } }))
  for (const answer of answers) void answer.then(() => { answered += 1 })
  await until(() => app.cameras.default.counts.duplicate === 1)
  t.equal(answered, 0)
  gate.resolve()
  t.strictSame((await Promise.all(answers)).map(each => each.status), [200, 200])
  t.equal((await list(url, '/api/oil_spill_events/1/detections')).length, 1)
})

t.test('a frame that could not be stored is taken when it comes again, and kept once', async t => {
  let isFull = true
  const { url } = await startServer(t, {}, {
    files: {
      ...fs,
      open: async (path, flags, mode) => {
        if (isFull && String(path).endsWith('.part')) throw Object.assign(new Error('no room'), { code: 'ENOSPC' })
        return await fs.open(path, flags, mode)
      }
    }
  })
  const send = () => upload(url, { spill: true, headers: { 'Idempotency-Key': 'a', 'X-Frame-Sequence': '1' } })
  await refused(t, await send(), 507, 'STORAGE_FULL')
  await refused(t, await send(), 507, 'STORAGE_FULL')
  isFull = false
  t.equal((await send()).status, 200)
  t.equal((await send()).status, 200)
  t.equal((await list(url, '/api/oil_spill_events/1/detections')).length, 1)
})

t.test('a detection that its camera named is on disk when that is answered', async t => {
  const { url, config } = await startServer(t)
  await upload(url, { spill: true })
  await upload(url, { spill: true, headers: { 'X-Frame-Sequence': '1' } })
  const database = new Database(join(config.dataDir, 'videostream.db'), { readonly: true })
  t.equal(database.prepare('SELECT count(*) FROM detections').pluck().get(), 2)
  database.close()
})

t.test('where the database is locked, a detection that its camera named is to be sent again, and one without a name is kept later', async t => {
  const { url, config, app } = await startServer(t)
  await upload(url, { spill: true })
  const other = new Database(join(config.dataDir, 'videostream.db'))
  other.exec('BEGIN EXCLUSIVE')
  t.equal((await upload(url, { spill: true })).status, 200)
  const answer = await upload(url, { spill: true, headers: { 'Idempotency-Key': 'a' } })
  t.match(await refused(t, answer, 503, 'STORAGE_UNAVAILABLE'), /locked by another program.*Send this frame again/)
  t.equal(answer.headers.get('retry-after'), '1')
  other.close()
  t.equal((await upload(url, { spill: true, headers: { 'Idempotency-Key': 'a' } })).status, 200)
  await until(async () => (await list(url, '/api/oil_spill_events/1/detections')).length === 3, 'all three')
  t.equal(app.eventArchive.health.ok, true)
})

t.test('a late frame after a restart does not become the live picture', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const clock = new FakeClock()
  const before = await startServer(t, environment, { clock })
  clock.advance(60_000)
  await upload(before.url, { headers: takenAt(60_000) })
  await before.app.close()
  const after = await startServer(t, environment, { clock })
  t.equal((await upload(after.url, { spill: true, headers: takenAt(59_999) })).status, 200)
  t.equal((await send(after.url, { path: '/api/frame' })).status, 503)
  t.match(await status(after.url), { late_frames: 1, frames_received: 0, oil_spill_events: 1, oil_spill_detected: false, stream_active: false })
  await upload(after.url, { headers: takenAt(60_001) })
  t.equal((await send(after.url, { path: '/api/frame' })).status, 200)
})
