import t from 'tap'
import { OncePer } from '../../src/core/once-per.js'
import { FakeClock } from '../helper.js'

t.test('a key is due once in its time, whatever others do and whatever the wall clock says', async t => {
  const clock = new FakeClock()
  const once = new OncePer(clock, 1000)
  t.strictSame(['a', 'a', 'b', 'a'].map(key => once.take(key)), [true, false, true, false])
  clock.setWallClock(clock.nowMs() + 5000)
  clock.advance(999)
  t.equal(once.take('a'), false)
  clock.advance(1)
  t.strictSame(['a', 'a'].map(key => once.take(key)), [true, false])
})

t.test('memory is bounded: of very many keys the oldest is forgotten', async t => {
  const once = new OncePer(new FakeClock(), 1000)
  for (let i = 0; i <= 10_000; i += 1) once.take(`key ${i}`)
  t.equal(once.take('key 10000'), false)
  t.equal(once.take('key 1'), false)
  t.equal(once.take('key 0'), true)
})
