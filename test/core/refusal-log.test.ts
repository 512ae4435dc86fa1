import t from 'tap'
import { RefusalLog } from '../../src/core/refusal-log.js'
import { FakeClock } from '../helper.js'

t.test('the first try of a burst is logged, the others are counted', async t => {
  const clock = new FakeClock()
  const log = new RefusalLog(clock)
  t.strictSame(log.note('10.0.0.1 wrong password'), { unloggedTries: 0 })
  for (let i = 0; i < 59; i += 1) {
    clock.advance(1000)
    t.equal(log.note('10.0.0.1 wrong password'), undefined)
  }
  clock.advance(1000)
  t.strictSame(log.note('10.0.0.1 wrong password'), { unloggedTries: 59 }, 'a minute later it is told how many there were')
  clock.advance(60_000)
  t.strictSame(log.note('10.0.0.1 wrong password'), { unloggedTries: 0 })
  t.equal(log.total, 62)
})

t.test('each address and each reason has its own bursts', async t => {
  const log = new RefusalLog(new FakeClock())
  for (const key of ['10.0.0.1 wrong password', '10.0.0.2 wrong password', '10.0.0.1 no password']) {
    t.strictSame(log.note(key), { unloggedTries: 0 })
    t.equal(log.note(key), undefined)
  }
})

t.test('setting the wall clock starts no new burst', async t => {
  const clock = new FakeClock()
  const log = new RefusalLog(clock)
  log.note('a')
  clock.setWallClock(clock.nowMs() + 3_600_000)
  t.equal(log.note('a'), undefined)
})

t.test('of more than 1000 bursts the oldest is forgotten', async t => {
  const log = new RefusalLog(new FakeClock())
  for (let i = 0; i < 1000; i += 1) log.note(`address ${i}`)
  t.equal(log.note('address 0'), undefined, '1000 fit')
  log.note('one more')
  t.strictSame(log.note('address 0'), { unloggedTries: 0 }, 'forgotten, so it is logged again')
  t.equal(log.note('address 999'), undefined, 'kept')
})
