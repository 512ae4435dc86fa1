import t from 'tap'
import { Connectivity, type Connection } from '../../src/core/connectivity.js'

const OFFLINE_AFTER_MS = 10_000

/** A camera over which somebody watches from the steady clock's 1000 on. */
function setUp (connection: Connection = 'never_seen', lastFrameAtMs?: number) {
  const connectivity = new Connectivity(OFFLINE_AFTER_MS, { connection, lastFrameAtMs }, { nowMs: 1_001_000, monotonicMs: 1000 })
  let newest: { receivedAtMs: number, receivedAtMonotonicMs: number } | undefined
  return {
    /** A frame comes; the wall clock is a million ahead of the steady one, or as it is set. */
    frame: (monotonicMs: number, receivedAtMs = 1_000_000 + monotonicMs) => { newest = { receivedAtMs, receivedAtMonotonicMs: monotonicMs } },
    now: (monotonicMs: number) => connectivity.now(newest, monotonicMs),
    poll: (monotonicMs: number) => connectivity.poll(newest, monotonicMs),
    switchedOff: () => connectivity.switchedOff(newest)
  }
}

t.test('a camera that never sent a frame is neither online nor offline, and nothing is told of it', async t => {
  const { now, poll, switchedOff } = setUp()
  for (const monotonicMs of [1000, 11_000, 1e9]) {
    t.equal(now(monotonicMs), 'never_seen')
    t.equal(poll(monotonicMs), undefined)
  }
  t.equal(switchedOff(), undefined)
})

t.test('its first frame makes it online, which is told once', async t => {
  const { frame, now, poll } = setUp()
  frame(2000)
  t.equal(now(2000), 'online', 'at once')
  t.strictSame(poll(2500), { connection: 'online', lastFrameAtMs: 1_002_000 })
  t.equal(poll(3500), undefined)
  frame(3600)
  t.equal(poll(4500), undefined)
})

t.test('without a frame for so long it is offline, which is told once with the time of its last frame', async t => {
  const { frame, now, poll } = setUp()
  frame(2000)
  poll(2000)
  t.equal(now(11_999), 'online')
  t.equal(poll(11_999), undefined)
  t.equal(now(12_000), 'offline')
  t.strictSame(poll(12_000), { connection: 'offline', lastFrameAtMs: 1_002_000 })
  t.equal(poll(13_000), undefined)
  frame(60_000)
  t.equal(now(60_000), 'online')
  t.strictSame(poll(60_500), { connection: 'online', lastFrameAtMs: 1_060_000 })
})

t.test('a pause between two looks that is over when it is looked at is told of nobody', async t => {
  const { frame, poll } = setUp()
  frame(2000)
  poll(2000)
  frame(30_000)
  t.equal(poll(30_500), undefined)
})

t.test('one that sent a single frame and fell silent before anybody looked is told as offline', async t => {
  const { frame, poll } = setUp()
  frame(2000)
  t.strictSame(poll(50_000), { connection: 'offline', lastFrameAtMs: 1_002_000 })
})

t.test('a wall clock that is set does not count', async t => {
  const { frame, now, poll } = setUp()
  frame(2000, 5_000_000)
  poll(2000)
  frame(3000, 1000)
  t.equal(now(4000), 'online')
  t.equal(poll(4000), undefined)
  t.strictSame(poll(13_000), { connection: 'offline', lastFrameAtMs: 1000 })
})

t.test('one that was online when the server stopped has as long to come back as it may be silent', async t => {
  t.test('and when it does, nothing is told', async t => {
    const { frame, now, poll } = setUp('online')
    t.equal(now(1000), 'online')
    t.equal(poll(10_999), undefined)
    frame(10_999)
    t.equal(poll(11_000), undefined)
  })

  t.test('but the time since its last frame counts, and where that was longer it is offline from the start', async t => {
    const { frame, now, poll } = setUp('online', 991_001)
    t.equal(poll(1000), undefined, 'silent for 9999 ms')
    t.equal(now(1001), 'offline')
    t.strictSame(poll(1001), { connection: 'offline', lastFrameAtMs: 991_001 })
    frame(1002)
    t.strictSame(poll(1002), { connection: 'online', lastFrameAtMs: 1_001_002 })
  })

  t.test('a last frame that lies in the future counts as now', async t => {
    const { poll } = setUp('online', 9_000_000)
    t.equal(poll(10_999), undefined)
    t.strictSame(poll(11_000), { connection: 'offline', lastFrameAtMs: 9_000_000 })
  })

  t.test('and when it does not, it is offline, with no frame since the start', async t => {
    const { now, poll } = setUp('online')
    t.equal(now(11_000), 'offline')
    t.strictSame(poll(11_000), { connection: 'offline', lastFrameAtMs: undefined })
    t.equal(poll(12_000), undefined)
    t.equal(now(12_000), 'offline')
  })
})

t.test('one that was offline when the server stopped still is, and is told when it is heard', async t => {
  const { frame, now, poll } = setUp('offline')
  t.equal(now(1000), 'offline')
  t.equal(poll(1000), undefined)
  frame(5000)
  t.equal(now(5000), 'online')
  t.strictSame(poll(5000), { connection: 'online', lastFrameAtMs: 1_005_000 })
})

t.test('one that is switched off goes offline at once, and comes back with its next frame', async t => {
  const { frame, poll, switchedOff } = setUp()
  frame(2000)
  poll(2000)
  t.strictSame(switchedOff(), { connection: 'offline', lastFrameAtMs: 1_002_000 })
  t.equal(switchedOff(), undefined, 'once')
  frame(8000)
  t.strictSame(poll(8000), { connection: 'online', lastFrameAtMs: 1_008_000 })
})

t.test('one that is switched off while it is offline stays so', async t => {
  const { frame, poll, switchedOff } = setUp()
  frame(2000)
  poll(12_000)
  t.equal(switchedOff(), undefined)
})
