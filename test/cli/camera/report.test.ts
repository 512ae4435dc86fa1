import t from 'tap'
import { Report } from '../../../src/cli/camera/report.js'

function setUp () {
  const lines: string[] = []
  const clock = { nowMs: 1000 }
  const report = new Report(line => lines.push(line), () => clock.nowMs)
  return { report, clock, said: () => lines.splice(0) }
}

const frame = (byteCount = 1000) => ({ jpeg: Buffer.alloc(byteCount) })

t.test('it tells once when a slick appears and once when it is gone', async t => {
  const { report, said } = setUp()
  for (const spill of [false, true, true, undefined, true, false, false]) report.seen(spill)
  t.strictSame(said(), ['oil slick in the picture: frames are sent as a detection', 'the oil slick is gone'])
})

t.test('it tells of the connection, of losing it and of having it again', async t => {
  const { report, clock, said } = setUp()
  report.taken(frame(), 5)
  report.taken(frame(), 5)
  t.strictSame(said(), ['connected: the server takes frames'])
  report.failed('connect ECONNREFUSED')
  report.failed('connect ECONNREFUSED')
  t.strictSame(said(), ['the server does not take frames (connect ECONNREFUSED): trying again'])
  clock.nowMs += 2500
  report.taken(frame(), 5)
  t.strictSame(said(), ['the server takes frames again, after 2.5 s'])
})

t.test('a server that refuses every other frame does not fill the screen', async t => {
  const { report, clock, said } = setUp()
  report.taken(frame(), 5)
  for (let i = 0; i < 100; i++, clock.nowMs += 100) {
    report.failed('429')
    report.taken(frame(), 5)
  }
  t.equal(said().length, 3, 'connected, lost, back')
  report.failed('503')
  t.strictSame(said(), ['the server does not take frames (503): trying again'], 'another reason is news')
  report.taken(frame(), 5)
  said()
  clock.nowMs += 30_000
  report.failed('503')
  t.equal(said().length, 1, 'half a minute later it is news again')
})

t.test('a frame refused for good is told of', async t => {
  const { report, said } = setUp()
  report.refused('400 Bad Request')
  report.refused('400 Bad Request')
  t.strictSame(said(), ['a frame was refused and left out (400 Bad Request)'])
})

t.test('the summary counts from one to the next', async t => {
  const { report, clock, said } = setUp()
  report.taken(frame(80_000), 5)
  report.taken(frame(100_000), 12)
  report.failed('503')
  report.refused('400')
  said()
  clock.nowMs += 4000
  report.summary(3)
  t.match(said()[0], /^last 4 s: 2 frames taken \(0\.5 a second, 90 KB each, slowest 12 ms\), 3 skipped, 2 failed, \d+ % of a core$/)
  clock.nowMs += 1000
  report.summary(5)
  t.match(said()[0], /^last 1 s: 0 frames taken \(0\.0 a second, 0 KB each, slowest 0 ms\), 2 skipped, 0 failed/)
})

t.test('the summary has what else there is to tell', async t => {
  const { report, clock, said } = setUp()
  report.detectorFailed('exit code 1')
  report.detectorFailed('exit code 1')
  said()
  clock.nowMs += 1000
  report.summary(0, ['7 with a spill wait'])
  t.match(said()[0], /, 0 failed, the detector failed 2 times, 7 with a spill wait, \d+ % of a core$/)
  clock.nowMs += 1000
  report.summary(0)
  t.match(said()[0], /, 0 failed, \d+ % of a core$/)
})

t.test('a detector that fails, and works again, is told of once', async t => {
  const { report, said } = setUp()
  report.detectorWorked([])
  t.strictSame(said(), [])
  report.detectorFailed('exit code 1')
  report.detectorFailed('exit code 2')
  report.detectorWorked([])
  t.strictSame(said(), [
    'THE DETECTOR FAILS (exit code 1): until it works, frames are sent without saying whether they show a spill',
    'the detector works again'
  ])
  report.detectorWorked(['a bad box', 'another'])
  report.detectorWorked(['a bad box'])
  t.strictSame(said(), ['what the detector says was left out in part: a bad box'])
})

t.test('a backlog that is sent is told of, the few frames of good times are not', async t => {
  const { report, said } = setUp()
  for (const count of [2, 1, 0, 1, 0]) report.waiting(count)
  t.strictSame(said(), [])
  for (const count of [500, 499, 1, 0, 0]) report.waiting(count)
  t.strictSame(said(), ['all frames with a spill that had to wait are with the server'])
})

t.test('a clock that is ahead is told of', async t => {
  const { report, said } = setUp()
  report.early('422')
  report.early('422')
  t.equal(said().length, 1)
})

t.test('it has a clock of its own', async t => {
  const lines: string[] = []
  new Report(line => lines.push(line)).summary(0)
  t.match(lines[0], /^last 0 s: 0 frames/)
})
