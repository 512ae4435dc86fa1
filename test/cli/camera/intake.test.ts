import t from 'tap'
import type { Shot } from '../../../src/cli/camera/frame.js'
import { Intake } from '../../../src/cli/camera/intake.js'
import { Report } from '../../../src/cli/camera/report.js'

function setUp (runBefore?: number) {
  const clear: Shot[] = []
  const spills: Array<{ shot: Shot, runId: number, saved: () => void }> = []
  const ends: Array<{ shot: Shot, runId: number, saved: () => void }> = []
  let sequence = 100
  const intake = new Intake({
    numbers: { next: () => sequence++ },
    outbox: {
      putClear (shot) { clear.push(shot) },
      async putSpill (shot, runId) { await new Promise<void>(resolve => spills.push({ shot, runId, saved: resolve })) },
      async putEnd (shot, runId) { await new Promise<void>(resolve => ends.push({ shot, runId, saved: resolve })) }
    },
    report: new Report(() => {}),
    position: { latitude: 59.5, heading: 7 },
    runBefore
  })
  return { intake, clear, spills, ends }
}

const jpeg = Buffer.from('picture')

t.test('each frame gets its number, its time and where the camera is', async t => {
  const { intake, clear } = setUp()
  const beforeMs = Date.now()
  intake.put({ jpeg, spillDetected: false })
  intake.put({ jpeg, spillDetected: undefined, capturedAtMs: Date.UTC(2026, 2, 1) })
  const [first, second] = clear
  t.match(first!.headers, { 'X-Oil-Spill-Detected': 'false', 'X-Frame-Sequence': '100', 'X-Latitude': '59.5', 'X-Heading': '7' })
  t.ok(Date.parse(first!.headers['X-Capture-Timestamp']!) >= beforeMs)
  t.notOk('Idempotency-Key' in first!.headers)
  t.match(second!.headers, { 'X-Capture-Timestamp': '2026-03-01T00:00:00.000Z', 'X-Frame-Sequence': '101' })
  t.notOk('X-Oil-Spill-Detected' in second!.headers)
})

t.test('each detection has a key of its own and what the detector found', async t => {
  const { intake, spills } = setUp()
  intake.put({ jpeg, spillDetected: true, details: { confidence: 0.5 } })
  intake.put({ jpeg, spillDetected: true })
  const keys = spills.map(({ shot }) => shot.headers['Idempotency-Key'])
  t.match(spills[0]!.shot.headers, { 'X-Oil-Spill-Detected': 'true', 'X-Detection-Confidence': '0.5' })
  t.equal(new Set(keys).size, 2)
  intake.put({ jpeg, spillDetected: true, idempotencyKey: 'its own' })
  t.equal(spills[2]!.shot.headers['Idempotency-Key'], 'its own')
})

t.test('a run of detections ends at a frame without one, not at one of which nobody knows', async t => {
  const { intake, spills } = setUp()
  for (const spillDetected of [true, true, undefined, true, false, true]) intake.put({ jpeg, spillDetected })
  t.strictSame(spills.map(({ runId }) => runId), [100, 100, 100, 105])
})

t.test('a source is told when it need not keep a picture any more', async t => {
  const { intake, spills } = setUp()
  const done: string[] = []
  intake.put({ jpeg, spillDetected: false, done: () => { done.push('clear') } })
  intake.put({ jpeg, spillDetected: true, done: () => { done.push('spill') } })
  t.strictSame(done, ['clear'])
  const idle = intake.idle()
  spills[0]!.saved()
  await idle
  t.strictSame(done, ['clear', 'spill'], 'one with a spill when it is on disk')
})

t.test('the first frame without a spill after each run is kept, no other one, and not one of which nobody knows', async t => {
  const { intake, clear, ends } = setUp()
  for (const spillDetected of [false, true, undefined, true, false, false, true, false]) intake.put({ jpeg, spillDetected })
  t.strictSame(ends.map(({ shot, runId }) => [shot.sequence, runId]), [[104, 101], [107, 106]])
  t.strictSame(clear.map(({ sequence }) => sequence), [100, 102, 105])
  t.match(ends[0]!.shot, { spillDetected: false, headers: { 'X-Oil-Spill-Detected': 'false', 'X-Frame-Sequence': '104' } })
})

t.test('a run from before the start is ended by the first frame without one, and a new run is another', async t => {
  const ended = setUp(7)
  for (const spillDetected of [undefined, false, false]) ended.intake.put({ jpeg, spillDetected })
  t.strictSame(ended.ends.map(({ shot, runId }) => [shot.sequence, runId]), [[101, 7]])
  const goesOn = setUp(7)
  for (const spillDetected of [true, false]) goesOn.intake.put({ jpeg, spillDetected })
  t.strictSame([goesOn.spills[0]!.runId, goesOn.ends[0]!.runId], [100, 100])
})

t.test('the source keeps the picture that ends a run until it is on disk', async t => {
  const { intake, ends } = setUp()
  const done: string[] = []
  intake.put({ jpeg, spillDetected: true })
  intake.put({ jpeg, spillDetected: false, done: () => { done.push('end') } })
  t.strictSame(done, [])
  ends[0]!.saved()
  await new Promise(setImmediate)
  t.strictSame(done, ['end'])
})
