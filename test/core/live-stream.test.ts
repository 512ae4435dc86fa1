import t from 'tap'
import { Audience } from '../../src/core/audience.js'
import { FrameBuffer } from '../../src/core/frame-buffer.js'
import { LiveStream } from '../../src/core/live-stream.js'
import type { StreamDialect } from '../../src/core/mjpeg.js'
import type { ViewerSink } from '../../src/core/viewer.js'
import { FakeClock, frame, jpeg } from '../helper.js'

const PICTURE = jpeg()

/** A viewer's network, which takes everything at once unless it is stalled. */
class FakeSink implements ViewerSink {
  writable = true
  writableLength = 0
  bytesWritten = 0
  stalled = false
  readonly written: Buffer[] = []
  readonly endings: string[] = []
  destroyed = false
  readonly #costMs: number
  readonly #clock: FakeClock
  #taken: Array<() => void> = []

  /** @param costMs how long a write takes */
  constructor (clock: FakeClock, costMs = 0) {
    this.#clock = clock
    this.#costMs = costMs
  }

  write (bytes: Buffer, taken: () => void): void {
    this.#clock.advance(this.#costMs)
    this.written.push(bytes)
    this.bytesWritten += bytes.length
    if (this.stalled) {
      this.writableLength += bytes.length
      this.#taken.push(taken)
    }
  }

  end (bytes: Buffer): void {
    this.endings.push(bytes.toString('latin1'))
    this.writable = false
  }

  destroy (): void {
    this.destroyed = true
    this.writable = false
  }

  drain (): void {
    this.stalled = false
    this.writableLength = 0
    for (const taken of this.#taken.splice(0)) taken()
  }
}

function setUp (options: { stopped?: boolean, maxViewers?: number, maxFps?: number } = {}) {
  const clock = new FakeClock()
  const frames = new FrameBuffer()
  const deferred: Array<() => void> = []
  const stream = new LiveStream({
    clock,
    defer: task => { deferred.push(task) },
    frames,
    stopped: options.stopped ?? false,
    audience: new Audience(options.maxViewers ?? 500),
    maxFps: options.maxFps
  })
  /** One turn of the event loop. */
  const turn = (): void => { for (const task of deferred.splice(0)) task() }
  return {
    clock,
    frames,
    stream,
    deferred,
    turn,
    /** Turns until nothing is left to do; returns how many it took. */
    settle: () => {
      let turns = 0
      for (; deferred.length > 0; turns += 1) turn()
      return turns
    },
    publish: (bytes = PICTURE) => {
      frames.publish(frame(clock, { jpeg: bytes }))
      stream.frameArrived()
    },
    watch: (sink = new FakeSink(clock), dialect: StreamDialect = 'standard', maxFps?: number) => ({
      sink, ...stream.addViewer(sink, { dialect, maxFps, address: '192.0.2.17', userAgent: 'a browser' })
    })
  }
}

const countOf = ({ sink }: { sink: FakeSink }): number => sink.written.length

t.test('the first frame starts the stream by itself', async t => {
  const { stream, publish } = setUp()
  t.equal(stream.active, false)
  publish()
  t.equal(stream.active, true)
})

t.test('it can be started by hand, before any frame', async t => {
  const { stream, publish, watch, settle } = setUp()
  stream.start()
  t.equal(stream.active, true)
  const viewer = watch()
  t.equal(countOf(viewer), 0)
  publish()
  settle()
  t.equal(countOf(viewer), 1)
})

t.test('a stop holds until a start, whatever the camera sends', async t => {
  const { stream, publish, watch } = setUp()
  publish()
  const { sink } = watch()
  stream.stop()
  t.equal(stream.active, false)
  t.strictSame(sink.endings, ['\r\n--frame--\r\n'], 'its viewers end with the closing boundary')
  publish()
  t.equal(stream.active, false)
  stream.start()
  t.equal(stream.active, true)
})

t.test('a stop before the last restart still holds', async t => {
  const { stream, publish } = setUp({ stopped: true })
  publish()
  t.equal(stream.active, false)
  stream.start()
  t.equal(stream.active, true)
})

t.test('to close is for good', async t => {
  const { stream, publish, watch } = setUp()
  publish()
  const viewers = [watch(), watch()]
  stream.close()
  t.strictSame(viewers.map(({ sink }) => sink.endings.length), [1, 1])
  stream.start()
  publish()
  t.equal(stream.active, false)
})

t.test('viewers are counted until they leave, and may leave more than once', async t => {
  const { stream, watch } = setUp()
  const first = watch()
  const second = watch()
  t.equal(stream.viewerCount, 2)
  first.leave()
  first.leave()
  t.equal(stream.viewerCount, 1)
  second.leave()
  t.equal(stream.viewerCount, 0)
})

t.test('a new viewer gets the newest frame at once', async t => {
  const { publish, watch, deferred } = setUp()
  publish(jpeg({ color: [1, 1, 1] }))
  const newest = jpeg({ color: [200, 2, 2] })
  publish(newest)
  const { sink } = watch()
  t.equal(sink.written.length, 1)
  t.ok(sink.written[0]?.includes(newest))
  t.equal(deferred.length, 0)
})

t.test('the first viewers get a frame before its upload is acknowledged, for half a millisecond; the others after it', async t => {
  const { clock, publish, watch, settle } = setUp()
  const viewers = Array.from({ length: 10 }, () => watch(new FakeSink(clock, 0.2)))
  publish()
  t.equal(viewers.filter(each => countOf(each) === 1).length, 3)
  t.equal(settle(), 1)
  t.equal(viewers.filter(each => countOf(each) === 1).length, 10)
})

t.test('while a frame is being served, newer ones write nothing themselves: uploads that come fast do not pay for it', async t => {
  const { clock, publish, watch, settle } = setUp()
  const viewers = Array.from({ length: 10 }, () => watch(new FakeSink(clock, 0.2)))
  const newest = jpeg({ color: [200, 2, 2] })
  publish()
  const served = viewers.filter(each => countOf(each) > 0)
  for (let i = 0; i < 20; i += 1) publish()
  publish(newest)
  t.equal(viewers.filter(each => countOf(each) > 0).length, served.length)
  t.equal(settle(), 1, 'one round for all')
  t.ok(viewers.every(({ sink }) => sink.written.at(-1)?.includes(newest)), 'of the newest')
  t.strictSame(viewers.map(countOf), viewers.map(each => served.includes(each) ? 2 : 1), 'those between are passed by')
})

t.test('a frame is encoded once for all viewers, and not at all when nobody watches', async t => {
  const { frames, stream, clock, watch, settle, deferred } = setUp()
  let encodings = 0
  const publishCounted = (): void => {
    const counted = frame(clock)
    const wrap = counted.memory.wrap.bind(counted.memory)
    counted.memory.wrap = (...args) => { encodings += 1; return wrap(...args) }
    frames.publish(counted)
    stream.frameArrived()
  }
  publishCounted()
  t.equal(deferred.length, 0)
  t.equal(encodings, 0)
  const viewers = [watch(), watch(new FakeSink(clock), 'chromium'), watch()]
  t.equal(encodings, 1)
  publishCounted()
  settle()
  t.equal(encodings, 2)
  t.equal(viewers[0]?.sink.written[1], viewers[2]?.sink.written[1], 'the same bytes')
  t.equal(viewers[0]?.sink.written[1]?.buffer, viewers[1]?.sink.written[1]?.buffer, 'in the other dialect too')
  for (const { leave } of viewers) leave()
  publishCounted()
  settle()
  t.equal(encodings, 2)
})

t.test('what nobody watches any more is not kept', async t => {
  const { publish, watch } = setUp()
  publish()
  const first = watch()
  first.leave()
  const second = watch()
  t.not(first.sink.written[0], second.sink.written[0], 'encoded anew')
  t.strictSame(first.sink.written[0], second.sink.written[0])
})

t.test('a stalled viewer holds up nobody, and gets the newest frame when it drains', async t => {
  const { publish, watch, settle } = setUp()
  publish()
  const healthy = watch()
  const stalled = watch()
  stalled.sink.stalled = true
  for (let i = 0; i < 20; i += 1) {
    publish()
    settle()
  }
  t.equal(countOf(healthy), 21)
  t.equal(countOf(stalled), 2, 'one more after the first, and there it stands')
  const newest = jpeg({ color: [200, 2, 2] })
  publish(newest)
  settle()
  stalled.sink.drain()
  t.equal(countOf(stalled), 3)
  t.ok(stalled.sink.written[2]?.includes(newest))
})

t.test('the fan-out gives way every few milliseconds, and goes on where it was', async t => {
  const { clock, publish, watch, turn, deferred } = setUp()
  const viewers = Array.from({ length: 10 }, () => watch(new FakeSink(clock, 1)))
  publish()
  const served: number[] = []
  const count = (): void => { served.push(viewers.filter(each => countOf(each) === 1).length) }
  count()
  while (deferred.length > 0) {
    turn()
    count()
  }
  t.strictSame(served, [1, 4, 7, 10])
})

t.test('in an overload all viewers lose alike', async t => {
  const { clock, publish, watch, turn } = setUp()
  const viewers = Array.from({ length: 10 }, () => watch(new FakeSink(clock, 1)))
  for (let i = 0; i < 100; i += 1) {
    publish()
    turn() // Time for three of ten, then the next frame is there.
  }
  const counts = viewers.map(countOf)
  t.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join())
})

t.test('viewers that leave in mid-round', async t => {
  for (let leaver = 0; leaver < 6; leaver += 1) {
    const { clock, publish, watch, turn, settle } = setUp()
    const viewers = Array.from({ length: 6 }, () => watch(new FakeSink(clock, 1.5)))
    publish()
    settle() // So that the next round does not begin at the first viewer: one, then two a turn.
    publish()
    turn()
    viewers[leaver]?.leave()
    settle()
    const others = viewers.filter((_, i) => i !== leaver)
    t.strictSame(others.map(countOf), [2, 2, 2, 2, 2], `viewer ${leaver} leaves, and each other gets each frame once`)
  }
})

t.test('all viewers may leave in mid-round', async t => {
  const { clock, publish, watch, turn, settle } = setUp()
  const viewers = Array.from({ length: 6 }, () => watch(new FakeSink(clock, 1.5)))
  publish()
  turn()
  for (const { leave } of viewers) leave()
  settle()
  t.strictSame(viewers.map(countOf), [1, 1, 1, 0, 0, 0])
  const next = watch()
  publish()
  settle()
  t.equal(countOf(next), 2, 'and whoever comes then is served')
})

t.test('a viewer that comes in mid-round takes nobody\'s turn', async t => {
  for (let ahead = 0; ahead < 4; ahead += 1) {
    const { clock, publish, watch, turn, settle } = setUp()
    const viewers = Array.from({ length: 4 }, () => watch(new FakeSink(clock, 1.5)))
    // Moves the place where a round begins: a frame to one viewer, and a turn of two.
    for (let i = 0; i < ahead; i += 1) {
      publish()
      turn()
    }
    settle()
    const before = viewers.map(countOf)
    publish()
    turn()
    const late = watch()
    settle()
    t.strictSame(viewers.map((each, i) => countOf(each) - (before[i] ?? 0)), [1, 1, 1, 1], `after ${ahead} overloaded frames`)
    t.equal(countOf(late), 1)
  }
})

t.test('the picture is repeated when no frame came for five seconds', async t => {
  const { clock, stream, publish, watch } = setUp()
  publish()
  const viewer = watch()
  for (let second = 1; second <= 4; second += 1) {
    clock.advance(1000)
    stream.tick()
  }
  t.equal(countOf(viewer), 1)
  clock.advance(1000)
  stream.tick()
  t.equal(countOf(viewer), 2)
  t.strictSame(viewer.sink.written[1], viewer.sink.written[0])
})

t.test('those who look after viewers do not hold up the event loop either', async t => {
  const { clock, stream, publish, watch, settle } = setUp()
  publish()
  const viewers = Array.from({ length: 10 }, () => watch(new FakeSink(clock, 1)))
  clock.advance(5000)
  stream.tick()
  t.equal(viewers.filter(each => countOf(each) === 2).length, 3)
  settle()
  t.ok(viewers.every(each => countOf(each) === 2))
})

t.test('a thinned viewer gets the camera\'s last frame even when no other follows', async t => {
  const { clock, stream, publish, watch, settle } = setUp()
  publish()
  const viewer = watch(new FakeSink(clock), 'standard', 1)
  clock.advance(100)
  const last = jpeg({ color: [200, 2, 2] })
  publish(last)
  settle()
  t.equal(countOf(viewer), 1)
  clock.advance(1000)
  stream.tick()
  t.equal(countOf(viewer), 2)
  t.ok(viewer.sink.written[1]?.includes(last))
})

t.test('viewers that do not take their end are cut after two seconds', async t => {
  const { clock, stream, publish, watch } = setUp()
  publish()
  const { sink } = watch()
  stream.stop()
  clock.advance(1999)
  stream.tick()
  t.equal(sink.destroyed, false)
  clock.advance(1)
  stream.tick()
  t.equal(sink.destroyed, true)
})

t.test('all viewers can be cut at once', async t => {
  const { stream, watch } = setUp()
  const viewers = [watch(), watch()]
  stream.destroyViewers()
  t.strictSame(viewers.map(({ sink }) => sink.destroyed), [true, true])
})

t.test('there is room for so many viewers, and those who are turned away are counted', async t => {
  const { stream, watch } = setUp({ maxViewers: 2 })
  t.equal(stream.admit(), true)
  const first = watch()
  t.equal(stream.admit(), true)
  watch()
  t.equal(stream.admit(), false)
  t.equal(stream.admit(), false)
  first.leave()
  t.equal(stream.admit(), true)
  t.match(stream.totals, { viewersServed: 2, viewersRefused: 2 })
})

t.test('the rate for all holds for those who ask for more, and for those who ask for nothing', async t => {
  const { stream, clock, watch } = setUp({ maxFps: 5 })
  for (const maxFps of [undefined, 25, 2]) watch(new FakeSink(clock), 'standard', maxFps)
  t.strictSame(stream.viewers.map(({ maxFps }) => maxFps), [5, 5, 2])
})

t.test('who is watching', async t => {
  const { stream, clock, publish, watch } = setUp()
  const startedAtMs = clock.nowMs()
  publish()
  const first = watch()
  clock.advance(1500)
  watch(new FakeSink(clock), 'chromium', 5)
  t.strictSame(stream.viewers, [
    { dialect: 'standard', maxFps: undefined, address: '192.0.2.17', userAgent: 'a browser', connectedAtMs: startedAtMs, framesSent: 1, framesSkipped: 0, bytesSent: first.sink.bytesWritten },
    { dialect: 'chromium', maxFps: 5, address: '192.0.2.17', userAgent: 'a browser', connectedAtMs: startedAtMs + 1500, framesSent: 1, framesSkipped: 0, bytesSent: stream.viewers[1]?.bytesSent }
  ])
  first.leave()
  t.equal(stream.viewers.length, 1)
})

t.test('the totals are of those who are there and of those who have gone', async t => {
  const { stream, publish, watch, settle } = setUp()
  publish()
  const gone = watch()
  gone.sink.stalled = true
  for (let i = 0; i < 3; i += 1) publish()
  settle()
  gone.sink.drain()
  t.equal(countOf(gone), 3, 'the first, the one it stood at, and the newest')
  gone.leave()
  gone.leave()
  const there = watch()
  t.strictSame(stream.totals, {
    framesSent: 4,
    framesSkipped: 1,
    bytesSent: gone.sink.bytesWritten + there.sink.bytesWritten,
    viewersServed: 2,
    viewersStalled: 0,
    viewersRefused: 0
  })
})

t.test('a viewer that took nothing for too long is let go, once; one that has nothing to take is not', async t => {
  const { stream, publish, watch } = setUp()
  publish()
  const viewer = watch()
  viewer.letGoIfStalled()
  t.equal(viewer.sink.destroyed, false)
  viewer.sink.stalled = true
  publish()
  viewer.letGoIfStalled()
  t.equal(viewer.sink.destroyed, true)
  viewer.leave()
  viewer.letGoIfStalled()
  t.equal(stream.totals.viewersStalled, 1)
})
