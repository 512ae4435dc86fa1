import t from 'tap'
import { FrameBuffer } from '../../src/core/frame-buffer.js'
import { FakeClock, frame, jpeg } from '../helper.js'

const PICTURE = jpeg()

function setUp () {
  const clock = new FakeClock()
  const buffer = new FrameBuffer()
  return {
    clock,
    buffer,
    publishEvery: (ms: number, times: number) => {
      for (let i = 0; i < times; i += 1) {
        clock.advance(ms)
        buffer.publish(frame(clock, { jpeg: PICTURE }))
      }
    }
  }
}

t.test('there is no frame before the first', async t => {
  const { buffer, clock } = setUp()
  t.equal(buffer.newest, undefined)
  t.equal(buffer.framesReceived, 0)
  t.equal(buffer.inputFps(clock.monotonicMs()), 0)
})

t.test('the newest frame is kept as the camera sent it, and frames are numbered from 1', async t => {
  const { buffer, clock } = setUp()
  t.equal(buffer.publish(frame(clock, { jpeg: PICTURE })).sequence, 1)
  const uploaded = frame(clock, { jpeg: jpeg(), spill: true })
  const published = buffer.publish(uploaded)
  t.equal(buffer.newest, published)
  t.equal(published.memory, uploaded.memory, 'the same memory, not a copy')
  t.strictSame(published, { ...uploaded, sequence: 2 })
  t.equal(buffer.framesReceived, 2)
})

t.test('one frame says nothing of a rate', async t => {
  const { buffer, clock } = setUp()
  buffer.publish(frame(clock, { jpeg: PICTURE }))
  t.equal(buffer.inputFps(clock.monotonicMs()), 0)
})

t.test('two frames at the same moment give a number', async t => {
  const { buffer, clock } = setUp()
  buffer.publish(frame(clock, { jpeg: PICTURE }))
  buffer.publish(frame(clock, { jpeg: PICTURE }))
  t.equal(buffer.inputFps(clock.monotonicMs()), 1000)
})

t.test('the rate is measured over the last five seconds', async t => {
  const { buffer, clock, publishEvery } = setUp()
  publishEvery(100, 11)
  t.equal(buffer.inputFps(clock.monotonicMs()), 10, 'after a second')
  publishEvery(100, 200)
  t.equal(buffer.inputFps(clock.monotonicMs()), 10)
  publishEvery(40, 200)
  t.equal(buffer.inputFps(clock.monotonicMs()), 25, 'what was before is forgotten')
  publishEvery(300, 20)
  t.equal(buffer.inputFps(clock.monotonicMs()), 3.3, 'to one decimal')
})

t.test('the rate falls while no frames come, to nothing', async t => {
  const { buffer, clock, publishEvery } = setUp()
  publishEvery(100, 100)
  clock.advance(2500)
  t.equal(buffer.inputFps(clock.monotonicMs()), 5)
  clock.advance(2400)
  t.equal(buffer.inputFps(clock.monotonicMs()), 0.2)
  clock.advance(101)
  t.equal(buffer.inputFps(clock.monotonicMs()), 0)
})

t.test('a rate beyond what is kept of five seconds is measured over less', async t => {
  const { buffer, clock, publishEvery } = setUp()
  publishEvery(10, 1000)
  t.equal(buffer.inputFps(clock.monotonicMs()), 100)
})
