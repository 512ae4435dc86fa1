import t from 'tap'
import { OptionError, readOptions } from '../../bench/options.js'
import { POINTS, QUICK_POINTS } from '../../bench/points.js'

t.test('without options everything is measured, three times', async t => {
  const { points, rounds, timing } = readOptions([])
  t.equal(points, POINTS)
  t.equal(rounds, 3)
  t.equal(timing.seconds, 5)
})

t.test('a quick run takes less of everything', async t => {
  const { points, rounds, timing } = readOptions(['--quick'])
  t.equal(points, QUICK_POINTS)
  t.equal(rounds, 1)
  t.equal(timing.seconds, 2)
})

t.test('points, servers, rounds and seconds can be chosen', async t => {
  const { points, servers, rounds, timing, out } = readOptions(['--points', 'idle,viewers-10', '--servers', 'ours', '--rounds', '2', '--seconds', '0.5', '--out', 'x.json'])
  t.strictSame(points.map(({ name }) => name), ['idle', 'viewers-10'])
  t.strictSame({ servers, rounds, seconds: timing.seconds, out }, { servers: ['ours'], rounds: 2, seconds: 0.5, out: 'x.json' })
})

t.test('mistakes are named', async t => {
  t.throws(() => readOptions(['--points', 'nonsense']), new OptionError(`there is no point nonsense; there are ${POINTS.map(({ name }) => name).join(', ')}`))
  t.throws(() => readOptions(['--servers', 'apache']), { message: /no server apache/ })
  t.throws(() => readOptions(['--rounds', 'many']), new OptionError('--rounds must be a number above 0'))
  t.throws(() => readOptions(['--fast']), { message: /--fast/ })
})

t.test('no two points share a name', async t => {
  t.equal(new Set(POINTS.map(({ name }) => name)).size, POINTS.length)
})
