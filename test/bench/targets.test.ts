import t from 'tap'
import { POINTS } from '../../bench/points.js'
import { mediansOf, type Medians } from '../../bench/results.js'
import { checkTargets, TARGETS, type Target } from '../../bench/targets.js'

const medians: Medians = {
  a: { ours: { latencyP50Ms: 10, framesPerSecondMedian: 27, framesPerSecondLeast: 26, peakRssMb: 100 }, 'node-net': { latencyP50Ms: 8, framesPerSecondMedian: 30 } },
  b: { ours: { peakRssMb: 95 } }
}

function verdict (target: Target): string | undefined { return checkTargets(medians, [target])[0]?.verdict }

t.test('a target is met up to its limit and no further', async t => {
  t.equal(verdict({ point: 'a', metric: 'latencyP50Ms', atMost: 10 }), 'met')
  t.equal(verdict({ point: 'a', metric: 'latencyP50Ms', atMost: 9.9 }), 'NOT met')
  t.equal(verdict({ point: 'a', metric: 'framesPerSecondMedian', atLeast: 27 }), 'met')
  t.equal(verdict({ point: 'a', metric: 'framesPerSecondMedian', atLeast: 27.1 }), 'NOT met')
})

t.test('a target can be told against another server, point or metric', async t => {
  t.equal(verdict({ point: 'a', metric: 'latencyP50Ms', atMost: 1.25, of: { server: 'node-net' } }), 'met')
  t.equal(verdict({ point: 'a', metric: 'latencyP50Ms', atMost: 1.2, of: { server: 'node-net' } }), 'NOT met')
  t.equal(verdict({ point: 'a', metric: 'framesPerSecondLeast', atLeast: 0.95, of: { metric: 'framesPerSecondMedian' } }), 'met')
  t.equal(verdict({ point: 'a', metric: 'framesPerSecondLeast', atLeast: 0.97, of: { metric: 'framesPerSecondMedian' } }), 'NOT met')
  t.equal(verdict({ point: 'a', metric: 'peakRssMb', atMost: 1, of: { point: 'b' }, plus: 5 }), 'met')
  t.equal(verdict({ point: 'a', metric: 'peakRssMb', atMost: 1, of: { point: 'b' }, plus: 4 }), 'NOT met')
})

t.test('a target can be another server\'s', async t => {
  t.equal(verdict({ point: 'a', server: 'node-net', metric: 'latencyP50Ms', atMost: 9 }), 'met')
  t.equal(verdict({ point: 'a', server: 'node-net', metric: 'latencyP50Ms', atMost: 0.7, of: { server: 'ours' } }), 'NOT met')
})

t.test('a target without its figures is neither met nor missed', async t => {
  t.equal(verdict({ point: 'c', metric: 'latencyP50Ms', atMost: 10 }), 'not measured')
  t.equal(verdict({ point: 'a', metric: 'latencyP50Ms', atMost: 1, of: { server: 'c-epoll' } }), 'not measured')
})

t.test('each target says what it wants, and of something that is measured', async t => {
  const whats = checkTargets(medians).map(({ what }) => what)
  t.equal(new Set(whats).size, TARGETS.length)
  t.ok(whats.includes('viewers-200: CPU s/GB at most 1.1 x node-net'), whats.join('\n'))
  t.ok(whats.includes('unwatched-200: ours-feed CPU ms/frame in at most 0.7 x ours'))
  t.ok(whats.includes('overload: fps least at least 0.9 x fps median'))
  for (const { point, server, of, atMost, atLeast } of TARGETS) {
    t.not(atMost === undefined, atLeast === undefined, 'one limit')
    const measured = POINTS.find(({ name }) => name === point)
    t.ok(measured?.servers.some(name => name === (server ?? 'ours')), point)
    if (of?.point !== undefined) t.ok(POINTS.some(({ name }) => name === of.point), of.point)
    if (of?.server !== undefined) t.ok(measured?.servers.some(name => name === of.server), `${of.server} at ${point}`)
  }
})

t.test('medians leave out runs that failed', async t => {
  const run = (latencyP50Ms: number, failure?: string) => ({ round: 1, point: 'a', server: 'ours', metrics: { latencyP50Ms }, ...failure !== undefined && { failure } })
  t.strictSame(mediansOf([run(1), run(100, 'it broke'), run(2), run(9)]), { a: { ours: { latencyP50Ms: 2 } } })
  t.strictSame(mediansOf([run(1, 'it broke')]), {})
})
