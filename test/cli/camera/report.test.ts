import t from 'tap'
import { Report } from '../../../src/cli/camera/report.js'

function setUp () {
  const lines: string[] = []
  const clock = { nowMs: 1000 }
  const report = new Report(line => lines.push(line), () => clock.nowMs)
  return { report, clock, said: () => lines.splice(0) }
}

const frame = (spillDetected = false, byteCount = 1000) => ({ jpeg: Buffer.alloc(byteCount), spillDetected })

t.test('it tells once when a slick appears and once when it is gone', async t => {
  const { report, said } = setUp()
  for (const spill of [false, true, true, false, false]) report.seen(frame(spill))
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
  report.taken(frame(false, 80_000), 5)
  report.taken(frame(false, 100_000), 12)
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

t.test('it has a clock of its own', async t => {
  const lines: string[] = []
  new Report(line => lines.push(line)).summary(0)
  t.match(lines[0], /^last 0 s: 0 frames/)
})
