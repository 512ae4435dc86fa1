import t from 'tap'
import { OptionError, readOptions } from '../../bench/options.js'
import { GROUP_NAMES, groupOf, POINTS, QUICK_POINTS } from '../../bench/points.js'

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
  const { points, servers, rounds, timing, out } = readOptions(['--points', 'idle,viewers-10', '--servers', 'ours', '--rounds', '2', '--seconds', '0.5', '--warm-up', '3', '--out', 'x.json'])
  t.strictSame(points.map(({ name }) => name), ['idle', 'viewers-10'])
  t.strictSame({ servers, rounds, seconds: timing.seconds, warmUp: timing.warmUpSeconds, out }, { servers: ['ours'], rounds: 2, seconds: 0.5, warmUp: 3, out: 'x.json' })
})

t.test('all that is about one camera, or about many, can be chosen', async t => {
  for (const group of GROUP_NAMES) {
    for (const more of group === 'history' ? [[]] : [[], ['--quick']]) {
      const { points } = readOptions(['--only', group, ...more])
      t.ok(points.length > 0)
      t.ok(points.every(point => groupOf(point) === group), points.map(({ name }) => name).join(', '))
    }
  }
  t.strictSame(GROUP_NAMES.map(group => readOptions(['--only', group]).points.length).reduce((sum, count) => sum + count), POINTS.length)
  t.strictSame(readOptions(['--only', 'camera', '--points', 'cameras-200']).points.map(({ name }) => name), ['cameras-200'], 'but for what is named')
})

t.test('nothing is published that was not asked for', async t => {
  t.equal(readOptions(['--quick']).publish, false)
  t.equal(readOptions(['--quick', '--publish']).publish, true)
})

t.test('mistakes are named', async t => {
  t.throws(() => readOptions(['--points', 'nonsense']), new OptionError(`there is no point nonsense; there are ${POINTS.map(({ name }) => name).join(', ')}`))
  t.throws(() => readOptions(['--only', 'ships']), new OptionError('there is no group ships; there are camera, cameras'))
  t.throws(() => readOptions(['--servers', 'apache']), { message: /no server apache/ })
  t.throws(() => readOptions(['--rounds', 'many']), new OptionError('--rounds must be a number above 0'))
  t.throws(() => readOptions(['--fast']), { message: /--fast/ })
})

t.test('no two points share a name', async t => {
  t.equal(new Set(POINTS.map(({ name }) => name)).size, POINTS.length)
})
