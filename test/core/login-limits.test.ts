import t from 'tap'
import { LoginLimits } from '../../src/core/login-limits.js'
import { FakeClock } from '../helper.js'

t.test('so many wrong passwords a minute from one address', async t => {
  const clock = new FakeClock()
  const limits = new LoginLimits(clock, 3)
  for (const name of ['a', 'b', 'c']) t.equal(limits.begin('192.0.2.1', name), 0)
  t.equal(limits.addressWaitMs('192.0.2.1'), 20_000)
  t.equal(limits.begin('192.0.2.1', 'd'), 20_000, 'whatever the name')
  t.equal(limits.begin('192.0.2.2', 'd'), 0, 'but not from another address')
  clock.advance(20_000)
  t.equal(limits.begin('192.0.2.1', 'd'), 0)
})

t.test('and as many for one name, from wherever', async t => {
  const clock = new FakeClock()
  const limits = new LoginLimits(clock, 3)
  for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) t.equal(limits.begin(address, 'jane'), 0)
  t.equal(limits.begin('192.0.2.4', 'jane'), 20_000)
  t.equal(limits.addressWaitMs('192.0.2.4'), 0, 'which costs that address nothing')
  t.equal(limits.begin('192.0.2.4', 'john'), 0)
})

t.test('right passwords cost nothing', async t => {
  const limits = new LoginLimits(new FakeClock(), 2)
  for (let i = 0; i < 10; i += 1) {
    t.equal(limits.begin('192.0.2.1', 'jane'), 0)
    limits.giveBack('192.0.2.1', 'jane')
  }
})

t.test('a wall clock that is set changes nothing', async t => {
  const clock = new FakeClock()
  const limits = new LoginLimits(clock, 1)
  limits.begin('192.0.2.1', 'jane')
  clock.setWallClock(clock.nowMs() + 86_400_000)
  t.equal(limits.addressWaitMs('192.0.2.1'), 60_000)
})

t.test('names are one however long they go on', async t => {
  const limits = new LoginLimits(new FakeClock(), 1)
  limits.begin('192.0.2.1', 'x'.repeat(100))
  t.equal(limits.begin('192.0.2.2', 'x'.repeat(200)), 60_000)
})
