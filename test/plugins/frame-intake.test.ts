import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { FrameMemory } from '../../src/core/frame-memory.js'
import { FakeClock, frame, jpeg, SocketViewer, startServer } from '../helper.js'
import { keptLog } from '../http.js'

t.test('a frame becomes the live picture at once, and there is nothing to wait for', async t => {
  const clock = new FakeClock()
  const { app, port } = await startServer(t, {}, { clock })
  const taken = frame(clock)
  t.equal(app.cameras.default.take(taken), undefined)
  t.match(app.cameras.default.frames.newest, { sequence: 1, memory: taken.memory })
  t.equal(app.cameras.default.liveStream.active, true)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  viewer.close()
})

t.test('a frame that opens an event is live before it is stored', async t => {
  const clock = new FakeClock()
  const { app } = await startServer(t, {}, { clock })
  const stored = app.cameras.default.take(frame(clock, { spill: true }))
  t.equal(app.cameras.default.frames.framesReceived, 1)
  t.equal(app.eventRepository.summaryOf().total, 0)
  await stored
  t.equal(app.eventRepository.summaryOf().total, 1)
})

t.test('a spill is recorded even where its frame cannot be relayed', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const { app } = await startServer(t, {}, { clock, logger: log.logger })
  app.cameras.default.liveStream.frameArrived = () => { throw new Error('it does not work') }
  await app.cameras.default.take(frame(clock, { spill: true }))
  t.equal(app.eventRepository.summaryOf().total, 1)
  t.match(log.lines.find(({ level }) => level === 50), { msg: 'a frame could not be relayed', err: { message: 'it does not work' } })
})

t.test('a frame is made of its bytes, what its camera says of it, and when it came', async t => {
  const clock = new FakeClock()
  const { app } = await startServer(t, {}, { clock })
  const memory = FrameMemory.copyOf(jpeg({ width: 32, height: 24 }))
  const report = app.readFrameReport({ 'x-oil-spill-detected': '1', 'x-frame-sequence': '7', 'x-heading': '90', 'x-capture-timestamp': '2023-06-23T14:30:00Z' })
  t.strictSame(app.toFrame(memory, report), {
    memory,
    width: 32,
    height: 24,
    receivedAtMs: clock.nowMs(),
    receivedAtMonotonicMs: clock.monotonicMs(),
    spillReported: true,
    capturedAtMs: Date.UTC(2023, 5, 23, 14, 30),
    frameSequence: 7,
    idempotencyKey: undefined,
    details: { heading: 90 }
  })
})

t.test('what is no frame is none', async t => {
  const { app } = await startServer(t, { MAX_FRAME_PIXELS: '100' })
  const report = app.readFrameReport({})
  const code = (bytes: Buffer): unknown => {
    try {
      return app.toFrame(FrameMemory.copyOf(bytes), report)
    } catch (error) {
      return (error as { code: string }).code
    }
  }
  t.equal(code(Buffer.alloc(0)), 'FRAME_INVALID')
  t.equal(code(jpeg().subarray(0, -2)), 'FRAME_INVALID')
  t.equal(code(jpeg()), 'FRAME_TOO_MANY_PIXELS')
  t.match(code(jpeg({ width: 8, height: 8 })), { width: 8, height: 8 })
})

t.test('a header that cannot be read is refused in words of its own', async t => {
  const { app } = await startServer(t)
  t.throws(() => app.readFrameReport({ 'x-oil-spill-detected': 'yes' }), { code: 'SPILL_HEADER_INVALID', statusCode: 400 })
  t.throws(() => app.readFrameReport({ 'x-latitude': '91' }), {
    code: 'FRAME_HEADER_INVALID', statusCode: 400, message: 'X-Latitude must be degrees from -90 to 90. The frame was not taken.'
  })
})

t.test('a frame may be taken up to a minute from now, and as long ago as LATE_FRAME_WINDOW says', async t => {
  const clock = new FakeClock()
  const { app } = await startServer(t, { LATE_FRAME_WINDOW: '3600' }, { clock })
  const read = (afterMs: number): number | undefined => app.readFrameReport({ 'x-capture-timestamp': new Date(clock.nowMs() + afterMs).toISOString() }).capturedAtMs
  for (const afterMs of [0, 60_000, -3_600_000]) t.equal(read(afterMs), clock.nowMs() + afterMs)
  t.throws(() => read(60_001), {
    code: 'CAPTURE_TIME_IN_FUTURE',
    statusCode: 422,
    message: 'X-Capture-Timestamp is 2023-06-23T14:31:22.124Z, more than 60 seconds ahead of the server. Set the clock of the camera or of the server; then send the frame again.'
  })
  t.throws(() => read(-3_600_001), {
    code: 'CAPTURE_TIME_TOO_OLD',
    statusCode: 422,
    message: 'X-Capture-Timestamp is 2023-06-23T13:30:22.122Z, more than 3600 seconds ago. Set the clock of the camera, or raise LATE_FRAME_WINDOW.'
  })
  t.throws(() => app.readFrameReport({ 'x-capture-timestamp': '0' }), { code: 'CAPTURE_TIME_TOO_OLD' }, 'a camera whose clock was never set')
  t.throws(() => app.readFrameReport({ 'x-capture-timestamp': '9999-12-31T23:59:59Z' }), { code: 'CAPTURE_TIME_IN_FUTURE' })
  t.throws(() => app.readFrameReport({ 'x-capture-timestamp': '0000-01-01T00:00:00Z' }), { code: 'CAPTURE_TIME_TOO_OLD' })
})

t.test('a week where nothing is set, and no time at all where that is', async t => {
  const clock = new FakeClock()
  const read = (app: FastifyInstance, afterMs: number) => app.readFrameReport({ 'x-capture-timestamp': new Date(clock.nowMs() + afterMs).toISOString() })
  const week = (await startServer(t, {}, { clock })).app
  t.ok(read(week, -7 * 86_400_000))
  t.throws(() => read(week, -7 * 86_400_000 - 1), { code: 'CAPTURE_TIME_TOO_OLD' })
  const none = (await startServer(t, { LATE_FRAME_WINDOW: '0' }, { clock })).app
  t.ok(read(none, 0))
  t.throws(() => read(none, -1), { code: 'CAPTURE_TIME_TOO_OLD' })
})

t.test('a server whose clock was set back says that clocks differ', async t => {
  const clock = new FakeClock()
  const { app } = await startServer(t, {}, { clock })
  const capturedAt = new Date(clock.nowMs()).toISOString()
  clock.setWallClock(clock.nowMs() - 3_600_000)
  t.throws(() => app.readFrameReport({ 'x-capture-timestamp': capturedAt }), { code: 'CAPTURE_TIME_IN_FUTURE', message: /clock of the camera or of the server/ })
})
