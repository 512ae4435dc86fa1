import t from 'tap'
import type { Frame } from '../../src/core/frame.js'
import { FakeClock, frame, jpeg, newSettings, type FrameOptions } from '../helper.js'
import { answerOf, ForgetfulStore, KEY_REUSED, makeCamera, SILENCE_MS, SWITCHED_OFF, type CameraOptions } from './support.js'

const [PICTURE, OTHER] = [jpeg(), jpeg({ color: [200, 10, 10] })]

function setUp (options: CameraOptions = {}) {
  const clock = new FakeClock()
  const store = new ForgetfulStore()
  const { camera, relayErrors } = makeCamera(clock, store, options)
  const make = (options: FrameOptions): Frame => frame(clock, { jpeg: PICTURE, ...options })
  return { clock, store, camera, relayErrors, make, startMs: clock.nowMs(), take: (options: FrameOptions = {}) => camera.take(make(options)) }
}

t.test('a frame becomes the live picture at once, and there is nothing to wait for', async t => {
  const { camera, take, startMs } = setUp()
  t.equal(camera.liveStream.active, false)
  t.equal(take(), undefined)
  t.match(camera.frames.newest, { sequence: 1, receivedAtMs: startMs })
  t.equal(camera.liveStream.active, true)
  t.equal(camera.newestTakenAtMs, startMs)
  t.equal(camera.clockSkewMs, null, 'it does not say when it was taken')
})

t.test('a frame that is older than the newest one', async t => {
  t.test('never becomes the live picture', async t => {
    const { camera, take, startMs } = setUp()
    void take({ capturedAtMs: startMs - 1000 })
    void take({ capturedAtMs: startMs - 1001, jpeg: OTHER })
    t.equal(camera.frames.framesReceived, 1)
    t.ok(camera.frames.newest?.memory.jpeg.equals(PICTURE))
    t.equal(camera.newestTakenAtMs, startMs - 1000)
    t.equal(camera.counts.late, 1)
  })

  t.test('takes its place in the history if it reports a spill', async t => {
    const { camera, take, startMs, store } = setUp()
    void take({ capturedAtMs: startMs })
    t.equal(take({ capturedAtMs: startMs - 5000 }), undefined, 'one without waits for nothing')
    await take({ capturedAtMs: startMs - 5000, spill: true })
    t.equal(store.late.length, 1)
    t.equal(camera.recorder.openEventId, undefined)
    t.equal(camera.spillReported, false)
  })

  t.test('is told by its capture time alone: one that was taken at the same moment is none', async t => {
    const { camera, take, startMs } = setUp()
    void take({ capturedAtMs: startMs })
    void take({ capturedAtMs: startMs, jpeg: OTHER })
    t.equal(camera.frames.framesReceived, 2)
    t.equal(camera.counts.late, 0)
  })

  t.test('may be older than one from before the start', async t => {
    const { camera, take, startMs } = setUp({ newestTakenAtMs: new FakeClock().nowMs() - 2000 })
    void take({ capturedAtMs: startMs - 2001 })
    t.equal(camera.frames.newest, undefined)
    void take({ capturedAtMs: startMs - 2000 })
    t.equal(camera.frames.framesReceived, 1)
  })

  t.test('is none where its camera does not say when it was taken', async t => {
    const { camera, take, startMs } = setUp()
    void take({ capturedAtMs: startMs })
    void take({ jpeg: OTHER })
    t.equal(camera.frames.framesReceived, 2)
  })
})

t.test('clocks', async t => {
  t.test('how far the camera\'s clock is off is known from frames that come in time', async t => {
    const { camera, take, startMs, clock } = setUp()
    void take({ capturedAtMs: startMs - 70 })
    t.equal(camera.clockSkewMs, 70)
    clock.advance(60_000)
    void take({ capturedAtMs: startMs + 60_000 - 90 })
    t.equal(camera.clockSkewMs, 90)
    void take({ capturedAtMs: startMs - 30_000 })
    t.equal(camera.clockSkewMs, 90, 'the delay of a late one says nothing of it')
    void take({})
    t.equal(camera.clockSkewMs, 90)
  })

  t.test('it is kept with detections, also with late ones', async t => {
    const { take, startMs, store } = setUp()
    await take({ capturedAtMs: startMs - 70, spill: true, key: 'a' })
    await take({ capturedAtMs: startMs - 60, spill: true, key: 'b' })
    await take({ capturedAtMs: startMs - 5000, spill: true, key: 'c' })
    t.equal(store.changes[0]?.opens?.clockSkewMs, 70)
    t.equal(store.notes[0]?.clockSkewMs, 60)
    t.equal(store.late[0]?.detected.clockSkewMs, 60)
  })

  t.test('a camera whose clock is ahead and then corrected goes on without a break', async t => {
    const { camera, take, startMs, clock } = setUp()
    for (let i = 1; i <= 10; i += 1) {
      clock.advance(200)
      void take({ capturedAtMs: clock.nowMs() + 30_000 })
    }
    t.equal(camera.newestTakenAtMs, startMs + 2000, 'no frame was taken after it was received')
    t.equal(camera.clockSkewMs, -30_000)
    for (let i = 1; i <= 10; i += 1) {
      clock.advance(200)
      void take({ capturedAtMs: clock.nowMs() - 50 })
    }
    t.equal(camera.frames.framesReceived, 20)
    t.equal(camera.counts.late, 0)
    t.equal(camera.clockSkewMs, 50)
  })

  t.test('a camera whose clock is behind and then corrected goes on too', async t => {
    const { camera, take, clock } = setUp()
    for (const behindMs of [3_600_000, 3_600_000, 100, 100]) {
      clock.advance(200)
      void take({ capturedAtMs: clock.nowMs() - behindMs })
    }
    t.equal(camera.frames.framesReceived, 4)
  })

  t.test('a server whose clock is set back goes on with cameras that do not say when they took frames', async t => {
    const { camera, take, clock, startMs } = setUp()
    void take()
    clock.setWallClock(startMs - 3_600_000)
    await take({ spill: true })
    t.equal(camera.frames.framesReceived, 2)
    t.equal(camera.newestTakenAtMs, startMs - 3_600_000)
    t.equal(camera.recorder.openEventId, 1)
  })

  t.test('a server whose clock was set back to the right time takes frames from the right time on', async t => {
    const { camera, take, clock, startMs } = setUp()
    clock.setWallClock(startMs + 3_600_000)
    void take({ capturedAtMs: startMs })
    clock.setWallClock(startMs + 100)
    void take({ capturedAtMs: startMs + 100 })
    t.equal(camera.frames.framesReceived, 2)
    t.equal(camera.newestTakenAtMs, startMs + 100)
  })
})

t.test('the same frame sent twice', async t => {
  for (const [what, name] of [['under one key', { key: 'a' }], ['under one number', { sequence: 7 }], ['under both', { key: 'a', sequence: 7 }]] as const) {
    t.test(`${what} is taken once`, async t => {
      const { camera, take, store } = setUp()
      await take({ ...name, spill: true })
      await take({ ...name, spill: true })
      t.equal(camera.frames.framesReceived, 1)
      t.equal(store.changes.length, 1)
      t.equal(store.notes.length, 0)
      t.equal(camera.counts.duplicate, 1)
    })
  }

  t.test('without a name is two frames', async t => {
    const { camera, take } = setUp()
    void take()
    void take()
    t.equal(camera.frames.framesReceived, 2)
    t.equal(camera.counts.duplicate, 0)
  })

  t.test('while the first is still being stored waits for it', async t => {
    const { take, store } = setUp()
    let succeed = (): void => {}
    store.gate = new Promise(resolve => { succeed = resolve })
    const first = take({ key: 'a', spill: true })
    let answered = false
    const second = answerOf(take({ key: 'a', spill: true })).then(() => { answered = true })
    await new Promise(resolve => setTimeout(resolve, 20))
    t.equal(answered, false)
    succeed()
    await Promise.all([first, second])
    t.equal(store.changes.length, 1)
  })

  t.test('is told that it is not stored where the first is not, and is taken when it comes again', async t => {
    const { camera, take, store } = setUp()
    store.failure = new Error('the disk is full')
    const [first, second] = [answerOf(take({ key: 'a', sequence: 1, spill: true })), answerOf(take({ key: 'a', sequence: 1, spill: true }))]
    await t.rejects(first, { message: 'the disk is full' })
    await t.rejects(second, { message: 'the disk is full' })
    store.failure = undefined
    await take({ key: 'a', sequence: 1, spill: true })
    t.equal(store.changes.length, 1)
    t.equal(camera.recorder.openEventId, 1)
  })

  t.test('that came late is kept once too', async t => {
    const { take, store, startMs } = setUp()
    void take({ capturedAtMs: startMs })
    await take({ capturedAtMs: startMs - 1000, spill: true, sequence: 1 })
    await take({ capturedAtMs: startMs - 1000, spill: true, sequence: 1 })
    t.equal(store.late.length, 1)
  })
})

t.test('the same frame sent again, which now reports a spill, is a detection', async t => {
  for (const name of [{ key: 'a' }, { sequence: 7 }]) {
    const { camera, take, store } = setUp()
    void take(name)
    await take({ ...name, spill: true })
    t.equal(store.changes.length, 1)
    t.equal(camera.counts.duplicate, 0)
    await take({ ...name, spill: true })
    await take(name)
    t.equal(camera.counts.duplicate, 2, 'and nothing takes that back')
    t.equal(store.changes.length, 1)
  }
})

t.test('another frame under a name', async t => {
  t.test('that is a key is refused, and nothing of it is taken', async t => {
    const { camera, take, store } = setUp()
    await take({ key: 'a', spill: true })
    await t.rejects(answerOf(take({ key: 'a', spill: true, jpeg: OTHER })), KEY_REUSED)
    t.equal(camera.frames.framesReceived, 1)
    t.equal(store.notes.length, 0)
    t.equal(camera.counts.duplicate, 0)
    await take({ key: 'a', spill: true })
    t.equal(camera.counts.duplicate, 1, 'the key is still the first one\'s')
  })

  t.test('that is a number means that the camera counts anew', async t => {
    const { camera, take } = setUp()
    for (const sequence of [0, 1, 2]) void take({ sequence })
    for (const sequence of [0, 1, 2]) await take({ sequence, jpeg: OTHER })
    t.equal(camera.frames.framesReceived, 6)
    for (const sequence of [0, 1, 2]) await take({ sequence, jpeg: OTHER })
    t.equal(camera.frames.framesReceived, 6)
    t.equal(camera.counts.duplicate, 3)
  })

  t.test('of another camera is nothing to this one', async t => {
    const [one, other] = [setUp(), setUp()]
    await one.take({ key: 'a', sequence: 1 })
    await other.take({ key: 'a', sequence: 1, jpeg: OTHER })
    t.equal(other.camera.frames.framesReceived, 1)
  })
})

t.test('a detection that is taken again, since it could not be stored', async t => {
  t.test('is in time while nothing newer came: it opens its event, and is not shown again', async t => {
    const { camera, make, store } = setUp()
    const spill = make({ spill: true })
    store.failure = new Error('the disk is full')
    await t.rejects(answerOf(camera.take(spill)), { message: 'the disk is full' })
    store.failure = undefined
    await camera.takeAgain(spill)
    t.equal(camera.recorder.openEventId, 1)
    t.equal(store.changes.length, 1)
    t.strictSame(store.late, [])
    t.equal(camera.frames.framesReceived, 1)
  })

  t.test('is late after a newer one', async t => {
    const { camera, make, store, take } = setUp()
    const spill = make({ spill: true })
    store.failure = new Error('the disk is full')
    await t.rejects(answerOf(camera.take(spill)))
    store.failure = undefined
    void take()
    await camera.takeAgain(spill)
    t.equal(store.late.length, 1)
    t.equal(camera.frames.framesReceived, 2)
  })

  t.test('is kept once where its camera sends it again meanwhile', async t => {
    const { camera, make, store } = setUp()
    const spill = make({ spill: true, key: 'a' })
    store.failure = new Error('the disk is full')
    await t.rejects(answerOf(camera.take(spill)))
    store.failure = undefined
    await camera.take(make({ spill: true, key: 'a' }))
    await camera.takeAgain(spill)
    t.equal(store.changes.length, 1)
    t.equal(store.late.length + store.notes.length, 0)
  })

  t.test('is refused where the camera was switched off', async t => {
    const { camera, make } = setUp({ settings: newSettings('rig-4', { enabled: false }) })
    await t.rejects(camera.takeAgain(make({ spill: true })), SWITCHED_OFF)
  })
})

t.test('a spill is recorded even where its frame cannot be relayed', async t => {
  const { camera, relayErrors, take, store } = setUp()
  const error = new Error('it does not work')
  camera.liveStream.frameArrived = () => { throw error }
  await take({ spill: true })
  t.strictSame(relayErrors, [error])
  t.equal(store.changes.length, 1)
})

t.test('a spill is reported by the newest frame or by an open event', async t => {
  const { camera, take, store } = setUp({ gapMs: 60_000 })
  t.equal(camera.spillReported, false)
  store.failure = new Error('the disk is full')
  await t.rejects(answerOf(take({ spill: true })))
  t.equal(camera.spillReported, true, 'though it could not be stored')
  store.failure = undefined
  await take({ spill: true })
  void take({ spill: false })
  t.equal(camera.spillReported, true, 'within the gap')
})

t.test('a camera that is switched off', async t => {
  t.test('takes no frame, and cannot be watched', async t => {
    const { camera, take } = setUp()
    void take()
    camera.change(newSettings('rig-4', { enabled: false }))
    t.equal(camera.isOn, false)
    t.throws(() => take(), SWITCHED_OFF)
    t.equal(camera.liveStream.active, false)
    t.equal(camera.frames.framesReceived, 1)
    camera.change(newSettings('rig-4', { name: 'Rig 4' }))
    t.equal(take(), undefined)
    t.equal(camera.liveStream.active, true)
    t.equal(camera.settings.name, 'Rig 4')
  })

  t.test('at the start is so from the start', async t => {
    const { camera, clock } = setUp({ settings: newSettings('rig-4', { enabled: false }) })
    t.equal(camera.state(clock.monotonicMs()), 'disabled')
    t.equal(camera.liveStream.active, false)
  })

  t.test('is told to be offline once', async t => {
    const { camera, take, clock, startMs } = setUp()
    void take()
    t.strictSame(camera.pollConnection(clock.monotonicMs()), { connection: 'online', lastFrameAtMs: startMs })
    camera.change(newSettings('rig-4', { enabled: false }))
    t.equal(camera.state(clock.monotonicMs()), 'disabled')
    t.strictSame(camera.pollConnection(clock.monotonicMs()), { connection: 'offline', lastFrameAtMs: startMs })
    t.equal(camera.pollConnection(clock.monotonicMs()), undefined)
  })

  t.test('and on again is offline until it sends, whatever came before', async t => {
    const { camera, take, clock } = setUp()
    void take()
    camera.pollConnection(clock.monotonicMs())
    camera.change(newSettings('rig-4', { enabled: false }))
    camera.pollConnection(clock.monotonicMs())
    camera.change(newSettings('rig-4'))
    t.equal(camera.state(clock.monotonicMs()), 'offline')
    t.equal(camera.pollConnection(clock.monotonicMs()), undefined)
    void take()
    t.match(camera.pollConnection(clock.monotonicMs()), { connection: 'online' })
  })
})

t.test('how a camera is', async t => {
  const { camera, take, clock } = setUp()
  t.equal(camera.state(clock.monotonicMs()), 'never_seen')
  void take()
  t.equal(camera.state(clock.monotonicMs()), 'online')
  clock.advance(SILENCE_MS)
  t.equal(camera.state(clock.monotonicMs()), 'offline')
})

t.test('a camera whose frames were taken long before they come is delayed: what is there now is not known', async t => {
  const { camera, take, clock, startMs } = setUp()
  t.equal(camera.ageMs(clock.monotonicMs()), undefined)
  void take({ capturedAtMs: startMs - SILENCE_MS })
  t.equal(camera.state(clock.monotonicMs()), 'delayed')
  clock.advance(500)
  t.equal(camera.ageMs(clock.monotonicMs()), SILENCE_MS + 500, 'since it was taken')
  void take({ capturedAtMs: startMs + 500 - SILENCE_MS + 1 })
  t.equal(camera.state(clock.monotonicMs()), 'online')
  void take({ capturedAtMs: startMs + 500 - SILENCE_MS + 1 })
  clock.advance(SILENCE_MS)
  t.equal(camera.state(clock.monotonicMs()), 'offline')
  void take({ capturedAtMs: clock.nowMs() + 30_000 })
  t.equal(camera.state(clock.monotonicMs()), 'online', 'a clock that is ahead is no delay')
  t.equal(camera.ageMs(clock.monotonicMs()), 0)
  void take()
  clock.advance(700)
  t.equal(camera.ageMs(clock.monotonicMs()), 700)
})

t.test('a camera that is closed takes no more, and what it was recording is stored', async t => {
  const { camera, take, store } = setUp()
  let succeed = (): void => {}
  store.gate = new Promise(resolve => { succeed = resolve })
  const stored = take({ spill: true })
  let closed = false
  const closing = camera.close().then(() => { closed = true })
  t.throws(() => take(), SWITCHED_OFF)
  await new Promise(resolve => setImmediate(resolve))
  t.equal(closed, false)
  succeed()
  await Promise.all([stored, closing])
  t.equal(store.changes.length, 1)
})
