import { Writable } from 'node:stream'
import t from 'tap'
import { Viewer, type Picture, type ViewerOptions, type ViewerSink } from '../../src/core/viewer.js'
import { FakeClock } from '../helper.js'

/** A network that takes nothing until it is told to. */
class FakeSink implements ViewerSink {
  writable = true
  writableLength = 0
  bytesWritten = 0
  readonly written: string[] = []
  readonly endings: string[] = []
  destroyed = 0
  #taken: Array<() => void> = []

  write (bytes: Buffer, taken: () => void): void {
    this.written.push(bytes.toString())
    this.writableLength += bytes.length
    this.bytesWritten += bytes.length
    this.#taken.push(taken)
  }

  end (bytes: Buffer): void {
    this.endings.push(bytes.toString())
    this.writable = false
  }

  destroy (): void { this.destroyed += 1 }

  /** The network takes all that was written. */
  drain (): void {
    this.writableLength = 0
    for (const taken of this.#taken.splice(0)) taken()
  }
}

const someone = (options: Partial<ViewerOptions> = {}): ViewerOptions =>
  ({ dialect: 'standard', maxFps: undefined, address: '192.0.2.17', userAgent: undefined, ...options })

function pictureOf (sequence: number, halfIntervalMs = 0): Picture {
  return { sequence, halfIntervalMs, bytes: { standard: Buffer.from(`picture ${sequence}`), chromium: Buffer.from(`chromium ${sequence}`) } }
}

function setUp (options: { maxFps?: number, halfIntervalMs?: number, sink?: ViewerSink, before?: number } = {}) {
  const clock = new FakeClock()
  const sink = new FakeSink()
  let newest = options.before === undefined ? undefined : pictureOf(options.before)
  const offerNewest = (viewer: Viewer): void => { if (newest !== undefined) viewer.offer(newest, clock.monotonicMs()) }
  const source = { get newestSequence () { return newest?.sequence ?? 0 }, offerNewest }
  const viewer = new Viewer(options.sink ?? sink, someone({ maxFps: options.maxFps }), source, clock.monotonicMs())
  return {
    clock,
    sink,
    viewer,
    offer: () => { offerNewest(viewer) },
    end: () => { viewer.end(Buffer.from('closing'), clock.monotonicMs()) },
    cutIfEnded: () => { viewer.cutIfEnded(clock.monotonicMs(), 2000) },
    /** A new picture, of which the viewer is not told. */
    publish: (sequence: number) => { newest = pictureOf(sequence, options.halfIntervalMs) },
    /** A new picture, of which it is. */
    show: (sequence: number) => {
      newest = pictureOf(sequence, options.halfIntervalMs)
      offerNewest(viewer)
    }
  }
}

t.test('nothing is sent before there is a picture', async t => {
  const { sink, clock, offer } = setUp()
  offer()
  clock.advance(60_000)
  offer()
  t.strictSame(sink.written, [])
})

t.test('each picture is sent once', async t => {
  const { sink, show, offer } = setUp()
  show(1)
  sink.drain()
  offer()
  offer()
  show(2)
  sink.drain()
  t.strictSame(sink.written, ['picture 1', 'picture 2'])
})

t.test('the dialect is the one that was asked for', async t => {
  const sink = new FakeSink()
  new Viewer(sink, someone({ dialect: 'chromium' }), { newestSequence: 1, offerNewest () {} }, 0).offer(pictureOf(1), 0)
  t.strictSame(sink.written, ['chromium 1'])
})

t.test('a busy viewer skips to the newest picture when the network has taken the last one', async t => {
  const { sink, show } = setUp()
  show(1)
  for (let sequence = 2; sequence <= 50; sequence += 1) show(sequence)
  t.strictSame(sink.written, ['picture 1'], 'never more than one picture on its way')
  sink.drain()
  t.strictSame(sink.written, ['picture 1', 'picture 50'])
  sink.drain()
  t.strictSame(sink.written, ['picture 1', 'picture 50'], 'and then nothing until there is a new one')
})

t.test('small pictures never get stuck: a stream below its high-water mark emits no drain', async t => {
  let finishWrite = (): void => {}
  const written: string[] = []
  const drains: unknown[] = []
  const stream = new Writable({
    highWaterMark: 16_384,
    write (chunk: Buffer, _encoding, done) {
      written.push(chunk.toString())
      finishWrite = done
    }
  })
  stream.on('drain', () => { drains.push(1) })
  const { publish, offer } = setUp({ sink: Object.assign(stream, { bytesWritten: 0 }) })
  publish(1)
  offer()
  publish(2)
  offer()
  t.strictSame(written, ['picture 1'])
  finishWrite()
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(written, ['picture 1', 'picture 2'])
  t.strictSame(drains, [], 'there was no drain to wait for')
})

t.test('what a viewer got is counted', async t => {
  t.test('frames that pass it by while its network is full', async t => {
    const { sink, show, viewer } = setUp({ before: 7 })
    show(7)
    t.strictSame(viewer.figures, { framesSent: 1, framesSkipped: 0, bytesSent: 9 }, 'what was before it came is not skipped')
    for (let sequence = 8; sequence <= 12; sequence += 1) show(sequence)
    sink.drain()
    t.strictSame(viewer.figures, { framesSent: 2, framesSkipped: 4, bytesSent: 19 })
    t.equal(viewer.isBusy, true)
    sink.drain()
    t.equal(viewer.isBusy, false)
  })

  t.test('frames that the server had no time to offer it', async t => {
    const { sink, show, viewer } = setUp()
    show(1)
    sink.drain()
    show(5)
    t.equal(viewer.figures.framesSkipped, 3)
  })

  t.test('but not those that are left out for its rate', async t => {
    const { clock, sink, show, viewer } = setUp({ maxFps: 1 })
    show(1)
    sink.drain()
    for (let sequence = 2; sequence <= 10; sequence += 1) {
      clock.advance(100)
      show(sequence)
    }
    clock.advance(100)
    show(11)
    t.strictSame(sink.written, ['picture 1', 'picture 11'])
    t.equal(viewer.figures.framesSkipped, 0)
    clock.advance(1000)
    show(12)
    show(13)
    sink.drain()
    t.strictSame(viewer.figures, { framesSent: 3, framesSkipped: 1, bytesSent: 29 }, 'frame 12 was due')
  })

  t.test('repeated pictures', async t => {
    const { clock, sink, show, offer, viewer } = setUp()
    show(1)
    sink.drain()
    clock.advance(5000)
    offer()
    t.strictSame(viewer.figures, { framesSent: 2, framesSkipped: 0, bytesSent: 18 })
  })
})

t.test('a thinned viewer', async t => {
  /** Times, in ms since the start, at which pictures are sent when one comes every `everyMs` for ten seconds. */
  function sentTimes (maxFps: number, everyMs: number): number[] {
    const { clock, sink, show } = setUp({ maxFps })
    const times: number[] = []
    for (let sequence = 1, atMs = 0; atMs <= 10_000; sequence += 1, atMs += everyMs) {
      const before = sink.written.length
      show(sequence)
      sink.drain()
      if (sink.written.length > before) times.push(atMs)
      clock.advance(everyMs)
    }
    return times
  }

  t.test('gets the rate it asked for, evenly, whatever the camera\'s', async t => {
    for (const [maxFps, everyMs] of [[3, 100], [7, 40], [5, 100], [10, 33], [1, 40], [0.5, 100]] as const) {
      const times = sentTimes(maxFps, everyMs)
      t.ok(Math.abs(times.length - 1 - 10 * maxFps) <= 1, `${times.length - 1} pictures in 10 s at ${maxFps} fps`)
      const intervals = times.slice(1).map((each, i) => each - (times[i] ?? 0))
      t.ok(intervals.every(each => Math.abs(each - 1000 / maxFps) < everyMs + 1), `${intervals.join()} at ${maxFps} fps`)
    }
  })

  t.test('gets all of a slower camera\'s pictures', async t => {
    t.equal(sentTimes(25, 100).length, 101)
  })

  t.test('does not make up for a pause with a burst', async t => {
    const { clock, sink, show } = setUp({ maxFps: 2 })
    show(1)
    sink.drain()
    clock.advance(10_000)
    for (let sequence = 2; sequence < 12; sequence += 1) {
      show(sequence)
      sink.drain()
      clock.advance(10)
    }
    t.equal(sink.written.length, 2)
  })

  t.test('gets the first picture at once', async t => {
    const { sink, show } = setUp({ maxFps: 0.1 })
    show(1)
    t.equal(sink.written.length, 1)
  })

  t.test('gets a picture that was not due when it came as soon as it is asked after it is due', async t => {
    const { clock, sink, show, offer } = setUp({ maxFps: 1 })
    show(1)
    sink.drain()
    clock.advance(999)
    show(2)
    t.equal(sink.written.length, 1)
    clock.advance(1)
    offer()
    t.strictSame(sink.written, ['picture 1', 'picture 2'])
  })
})

t.test('the picture is repeated where nothing was sent for a while', async t => {
  const { clock, sink, show, offer } = setUp()
  show(1)
  sink.drain()
  clock.advance(4999)
  offer()
  t.equal(sink.written.length, 1)
  clock.advance(1)
  offer()
  offer()
  t.strictSame(sink.written, ['picture 1', 'picture 1'])
  clock.advance(5000)
  offer()
  t.equal(sink.written.length, 2, 'but not to one whose network is full')
  sink.drain()
  offer()
  t.equal(sink.written.length, 3)
})

t.test('a thinned viewer gets the last picture again, never a newer one before its time', async t => {
  const { clock, sink, show, offer } = setUp({ maxFps: 0.1 })
  show(1)
  sink.drain()
  show(2)
  clock.advance(6000)
  offer()
  t.strictSame(sink.written, ['picture 1'])
  clock.advance(4000)
  offer()
  t.strictSame(sink.written, ['picture 1', 'picture 2'])
})

t.test('a viewer that has gone gets nothing, and nothing is counted', async t => {
  const { sink, show, viewer } = setUp()
  show(1)
  show(2)
  sink.writable = false
  sink.drain()
  t.strictSame(sink.written, ['picture 1'])
  t.strictSame(viewer.figures, { framesSent: 1, framesSkipped: 0, bytesSent: 9 })
})

t.test('after its end a viewer gets nothing more', async t => {
  const { clock, sink, show, offer, end } = setUp()
  show(1)
  end()
  end()
  t.strictSame(sink.endings, ['closing'], 'once, behind what is on its way')
  sink.drain()
  show(2)
  clock.advance(10_000)
  offer()
  t.strictSame(sink.written, ['picture 1'])
})

t.test('a viewer that does not take its end is cut after a while, and no other', async t => {
  const { clock, sink, end, cutIfEnded } = setUp()
  clock.advance(60_000)
  cutIfEnded()
  t.equal(sink.destroyed, 0)
  end()
  clock.advance(1999)
  cutIfEnded()
  t.equal(sink.destroyed, 0)
  clock.advance(1)
  cutIfEnded()
  t.equal(sink.destroyed, 1)
})

t.test('a viewer can be cut at once', async t => {
  const { sink, viewer } = setUp()
  viewer.destroy()
  t.equal(sink.destroyed, 1)
})
