import t from 'tap'
import { FakeClock, frame, SocketViewer, startServer } from '../helper.js'
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
