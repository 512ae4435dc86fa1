import { Writable } from 'node:stream'
import t from 'tap'
import { Viewer, type Picture, type ViewerSink } from '../../src/core/viewer.js'
import { FakeClock } from '../helper.js'

/** A network that takes nothing until it is told to. */
class FakeSink implements ViewerSink {
  pendingBytes = 0
  readonly written: string[] = []
  readonly endings: string[] = []
  destroyed = 0
  #taken: Array<() => void> = []

  write (bytes: Buffer, taken: () => void): void {
    this.written.push(bytes.toString())
    this.pendingBytes += bytes.length
    this.#taken.push(taken)
  }

  end (bytes: Buffer): void { this.endings.push(bytes.toString()) }
  destroy (): void { this.destroyed += 1 }

  /** The network takes all that was written. */
  drain (): void {
    this.pendingBytes = 0
    for (const taken of this.#taken.splice(0)) taken()
  }
}

function setUp (maxFps?: number) {
  const clock = new FakeClock()
  const sink = new FakeSink()
  let picture: Picture | undefined
  const viewer = new Viewer({ sink, dialect: 'standard', maxFps, newest: () => picture, monotonicMs: () => clock.monotonicMs() })
  return {
    clock,
    sink,
    viewer,
    /** A new picture, of which the viewer is told. */
    show: (sequence: number) => {
      picture = { sequence, bytes: { standard: Buffer.from(`picture ${sequence}`), chromium: Buffer.from(`chromium ${sequence}`) } }
      viewer.offer()
    }
  }
}

t.test('nothing is sent before there is a picture', async t => {
  const { viewer, sink, clock } = setUp()
  viewer.offer()
  clock.advance(60_000)
  viewer.repeat(5000)
  t.strictSame(sink.written, [])
})

t.test('each picture is sent once', async t => {
  const { viewer, sink, show } = setUp()
  show(1)
  sink.drain()
  viewer.offer()
  viewer.offer()
  show(2)
  sink.drain()
  t.strictSame(sink.written, ['picture 1', 'picture 2'])
})

t.test('the dialect is the one that was asked for', async t => {
  const clock = new FakeClock()
  const sink = new FakeSink()
  const bytes = { standard: Buffer.from('standard'), chromium: Buffer.from('chromium') }
  new Viewer({ sink, dialect: 'chromium', maxFps: undefined, newest: () => ({ sequence: 1, bytes }), monotonicMs: () => clock.monotonicMs() }).offer()
  t.strictSame(sink.written, ['chromium'])
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
  const clock = new FakeClock()
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
  let sequence = 1
  const viewer = new Viewer({
    sink: {
      get pendingBytes () { return stream.writableLength },
      write: (bytes, taken) => { stream.write(bytes, taken) },
      end: bytes => { stream.end(bytes) },
      destroy: () => { stream.destroy() }
    },
    dialect: 'standard',
    maxFps: undefined,
    newest: () => ({ sequence, bytes: { standard: Buffer.from(`small ${sequence}`), chromium: Buffer.alloc(0) } }),
    monotonicMs: () => clock.monotonicMs()
  })
  viewer.offer()
  sequence = 2
  viewer.offer()
  t.strictSame(written, ['small 1'])
  finishWrite()
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(written, ['small 1', 'small 2'])
  t.strictSame(drains, [], 'there was no drain to wait for')
})

t.test('a thinned viewer', async t => {
  /** Times, in ms since the start, at which pictures are sent when one comes every `everyMs` for ten seconds. */
  function sentTimes (maxFps: number, everyMs: number): number[] {
    const { clock, sink, show } = setUp(maxFps)
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
    const { clock, sink, show } = setUp(2)
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
    const { sink, show } = setUp(0.1)
    show(1)
    t.equal(sink.written.length, 1)
  })

  t.test('gets a picture that was not due when it came as soon as it is asked after it is due', async t => {
    const { clock, sink, show, viewer } = setUp(1)
    show(1)
    sink.drain()
    clock.advance(999)
    show(2)
    t.equal(sink.written.length, 1)
    clock.advance(1)
    viewer.offer()
    t.strictSame(sink.written, ['picture 1', 'picture 2'])
  })
})

t.test('the picture is repeated where nothing was sent for a while', async t => {
  const { clock, sink, show, viewer } = setUp()
  show(1)
  sink.drain()
  clock.advance(4999)
  viewer.repeat(5000)
  t.equal(sink.written.length, 1)
  clock.advance(1)
  viewer.repeat(5000)
  viewer.repeat(5000)
  t.strictSame(sink.written, ['picture 1', 'picture 1'])
  clock.advance(5000)
  viewer.repeat(5000)
  t.equal(sink.written.length, 2, 'but not to one whose network is full')
  sink.drain()
  viewer.repeat(5000)
  t.equal(sink.written.length, 3)
})

t.test('after its end a viewer gets nothing more', async t => {
  const { clock, sink, show, viewer } = setUp()
  show(1)
  viewer.end(Buffer.from('closing'))
  viewer.end(Buffer.from('closing'))
  t.strictSame(sink.endings, ['closing'], 'once, behind what is on its way')
  sink.drain()
  show(2)
  clock.advance(10_000)
  viewer.repeat(5000)
  t.strictSame(sink.written, ['picture 1'])
})

t.test('a viewer that does not take its end is cut after a while, and no other', async t => {
  const { clock, sink, viewer } = setUp()
  clock.advance(60_000)
  viewer.cutIfEnded(2000)
  t.equal(sink.destroyed, 0)
  viewer.end(Buffer.from('closing'))
  clock.advance(1999)
  viewer.cutIfEnded(2000)
  t.equal(sink.destroyed, 0)
  clock.advance(1)
  viewer.cutIfEnded(2000)
  t.equal(sink.destroyed, 1)
})

t.test('a viewer can be cut at once', async t => {
  const { sink, viewer } = setUp()
  viewer.destroy()
  t.equal(sink.destroyed, 1)
})
