import t from 'tap'
import type { Frame } from '../../src/core/frame.js'
import { RecentFrames, type Remembered } from '../../src/core/recent-frames.js'
import { FakeClock, frame, jpeg, type FrameOptions } from '../helper.js'

const PICTURE = jpeg()
const clock = new FakeClock()
const named = (options: FrameOptions): Frame => frame(clock, { jpeg: PICTURE, ...options })

function remembered (): Remembered { return { sha256: Promise.resolve('f'.repeat(64)), spillReported: false, stored: undefined } }

t.test('a frame is found by its key', async t => {
  const recent = new RecentFrames()
  const earlier = remembered()
  recent.note(named({ key: 'a' }), earlier)
  t.strictSame(recent.find(named({ key: 'a' })), { earlier, sameKey: true })
  t.equal(recent.find(named({ key: 'b' })), undefined)
  t.equal(recent.find(named({ key: 'A' })), undefined, 'letter case counts')
})

t.test('a frame is found by its number', async t => {
  const recent = new RecentFrames()
  const earlier = remembered()
  recent.note(named({ sequence: 0 }), earlier)
  t.strictSame(recent.find(named({ sequence: 0 })), { earlier, sameKey: false })
  t.equal(recent.find(named({ sequence: 1 })), undefined)
})

t.test('a key and a number that read alike are two names', async t => {
  const recent = new RecentFrames()
  recent.note(named({ sequence: 7 }), remembered())
  t.equal(recent.find(named({ key: '7' })), undefined)
  t.equal(recent.find(named({ key: 'sequence 7' })), undefined)
})

t.test('of both, the key counts first', async t => {
  const recent = new RecentFrames()
  const [byKey, byNumber] = [remembered(), remembered()]
  recent.note(named({ key: 'a', sequence: 1 }), byKey)
  recent.note(named({ key: 'b', sequence: 2 }), byNumber)
  t.equal(recent.find(named({ key: 'a', sequence: 2 }))?.earlier, byKey)
  t.strictSame(recent.find(named({ key: 'c', sequence: 2 })), { earlier: byNumber, sameKey: false })
})

t.test('a frame without a name is never found', async t => {
  const recent = new RecentFrames()
  recent.note(named({}), remembered())
  t.equal(recent.find(named({})), undefined)
})

t.test('of the same name, the newest is remembered', async t => {
  const recent = new RecentFrames()
  const newest = remembered()
  recent.note(named({ sequence: 1 }), remembered())
  recent.note(named({ sequence: 1 }), newest)
  t.equal(recent.find(named({ sequence: 1 }))?.earlier, newest)
})

t.test('the oldest names are forgotten, and one that came again is no longer old', async t => {
  const recent = new RecentFrames()
  for (let i = 0; i < 128; i += 1) recent.note(named({ sequence: i }), remembered())
  t.ok(recent.find(named({ sequence: 0 })))
  recent.note(named({ sequence: 0 }), remembered())
  recent.note(named({ sequence: 128 }), remembered())
  t.ok(recent.find(named({ sequence: 0 })))
  t.equal(recent.find(named({ sequence: 1 })), undefined)
  t.ok(recent.find(named({ sequence: 2 })))
  t.ok(recent.find(named({ sequence: 128 })))
})

t.test('a frame that was not taken after all is forgotten, but not one of its name that was taken since', async t => {
  const recent = new RecentFrames()
  const [failed, since] = [remembered(), remembered()]
  recent.note(named({ key: 'a', sequence: 1 }), failed)
  recent.note(named({ key: 'b', sequence: 1 }), since)
  recent.forget(named({ key: 'a', sequence: 1 }), failed)
  t.equal(recent.find(named({ key: 'a' })), undefined)
  t.equal(recent.find(named({ sequence: 1 }))?.earlier, since)
})
