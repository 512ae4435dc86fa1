import t from 'tap'
import { badDiskProblem } from '../../bench/bad-disk.js'
import { killChildren } from '../../bench/children.js'
import { measureSlowDisk, type SlowDiskLoad } from '../../bench/measure-slow-disk.js'
import { median } from '../../bench/statistics.js'
import { temporaryFolder } from '../helper.js'

/** How often it is measured at most: other programs may take the machine meanwhile. */
const TRIES = 3

const LOAD: SlowDiskLoad = { cameras: 10, viewersEach: 1, framesPerSecond: 5, flushDelayMs: 200, fileThreads: 16, seconds: 4, warmUpSeconds: 2 }

t.setTimeout(300_000)

/**
 * The figures themselves are measured by bench/slow-disk.ts. Here it is enough that nobody waits for a flush: whoever
 * waits for one, waits for 200 ms and more.
 */
t.test('the live picture does not wait for a slow disk', { skip: badDiskProblem() ?? false }, async t => {
  t.setTimeout(0)
  t.teardown(() => { killChildren() })
  const scratch = temporaryFolder(t)
  const ground = { scratch, memory: scratch, ourProgram: new URL('../../src/server.js', import.meta.url).pathname }
  const without: number[] = []
  const withEvents: number[] = []
  let [limitMs, p99Ms] = [0, Infinity]
  for (let nth = 0; nth < TRIES && p99Ms > limitMs; nth += 1) {
    without.push((await measureSlowDisk(LOAD, false, ground)).latencyP99Ms)
    const figures = await measureSlowDisk(LOAD, true, ground)
    withEvents.push(figures.latencyP99Ms)
    t.ok(figures.eventsPerSecond > 0, 'events were stored meanwhile')
    t.ok(figures.framesPerSecondLeast > LOAD.framesPerSecond / 2)
    limitMs = 1.5 * (median(without) ?? NaN) + LOAD.flushDelayMs / 2
    p99Ms = median(withEvents) ?? NaN
    t.comment(`p99 ${p99Ms.toFixed(1)} ms with events, ${without.at(-1)?.toFixed(1)} without, ${figures.eventsPerSecond.toFixed(1)} events stored a second`)
  }
  t.ok(p99Ms <= limitMs)
})
