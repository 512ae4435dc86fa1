import t from 'tap'
import { FakeClock, frame, SocketViewer, startServer } from '../helper.js'

t.test('a frame becomes the live picture at once, and there is nothing to wait for', async t => {
  const clock = new FakeClock()
  const { app, port } = await startServer(t, {}, { clock })
  const taken = frame(clock)
  t.equal(app.ingest(taken), undefined)
  t.match(app.frameBuffer.newest, { sequence: 1, memory: taken.memory })
  t.equal(app.liveStream.active, true)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  viewer.close()
})

t.test('a frame that opens an event is live before it is stored', async t => {
  const clock = new FakeClock()
  const { app } = await startServer(t, {}, { clock })
  const stored = app.ingest(frame(clock, { spill: true }))
  t.equal(app.frameBuffer.framesReceived, 1)
  t.equal(app.eventRepository.totalEvents, 0)
  await stored
  t.equal(app.eventRepository.totalEvents, 1)
})
