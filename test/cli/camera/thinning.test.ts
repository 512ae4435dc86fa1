import t from 'tap'
import { createRandom } from '../../../src/cli/camera/random.js'
import { chooseVictims, type Thinnable } from '../../../src/cli/camera/thinning.js'

/** Runs of so many frames, 100 bytes each, their sequence numbers one after the other. */
function runs (...lengths: number[]): Thinnable[] {
  let sequence = 0
  return lengths.flatMap(length => {
    const runId = sequence
    return Array.from({ length }, () => ({ sequence: sequence++, runId, byteCount: 100, isClear: false }))
  })
}

const left = (frames: Thinnable[], byteCount: number) => {
  const victims = new Set(chooseVictims(frames, byteCount))
  return frames.filter(frame => !victims.has(frame)).map(frame => frame.sequence)
}

t.test('nothing is given up where nothing has to be', async t => {
  t.strictSame(chooseVictims(runs(3, 5), 0), [])
  t.strictSame(chooseVictims([], 100), [])
})

t.test('of the longest run every other frame goes, but never its first and last', async t => {
  t.strictSame(left(runs(3, 9), 1), [0, 1, 2, 3, 5, 7, 9, 11])
})

t.test('frames that lie close to their neighbours go first, so that what is left is even', async t => {
  const frames = [0, 100, 101, 102, 200, 300].map(sequence => ({ sequence, runId: 0, byteCount: 1, isClear: false }))
  t.strictSame(left(frames, 1), [0, 100, 102, 300])
})

t.test('every run keeps its first and last as long as there is anything between them', async t => {
  t.strictSame(left(runs(10, 1, 7, 2), 1300), [0, 9, 10, 11, 17, 18, 19])
})

t.test('then the last frames of the oldest runs go, and then the oldest runs', async t => {
  t.strictSame(left(runs(2, 2, 1, 2), 100), [0, 2, 3, 4, 5, 6])
  t.strictSame(left(runs(2, 2, 1, 2), 300), [0, 2, 4, 5])
  t.strictSame(left(runs(2, 2, 1, 2), 500), [4, 5])
  t.strictSame(left(runs(2, 2, 1, 2), 100_000), [])
})

t.test('what ended a run goes after what lies within runs, and before their last frames', async t => {
  const [end, laterEnd] = [{ sequence: 3, runId: 0, byteCount: 100, isClear: true }, { sequence: 7, runId: 4, byteCount: 100, isClear: true }]
  const run = (...sequences: number[]) => sequences.map(sequence => ({ sequence, runId: sequences[0]!, byteCount: 100, isClear: false }))
  const frames = [...run(0, 1, 2), end, ...run(4, 5, 6), laterEnd]
  t.strictSame(left(frames, 200), [0, 2, 3, 4, 6, 7])
  t.strictSame(left(frames, 300), [0, 2, 4, 6, 7])
  t.strictSame(left(frames, 500), [0, 4, 6])
  t.strictSame(left(frames, 800), [])
})

t.test('whatever the runs, enough is freed and first and last are spared while they can be', async t => {
  const random = createRandom(4)
  for (let round = 0; round < 200; round++) {
    const frames = runs(...Array.from({ length: 1 + Math.floor(random() * 6) }, () => 1 + Math.floor(random() * 12)))
    const byteCount = Math.floor(random() * frames.length * 100)
    const victims = chooseVictims(frames, byteCount)
    t.ok(victims.length * 100 >= byteCount)
    t.equal(new Set(victims).size, victims.length)
    const ends = frames.filter(frame => frame.runId === frame.sequence || !frames.some(other => other.runId === frame.runId && other.sequence > frame.sequence))
    if ((frames.length - ends.length) * 100 >= byteCount) t.notOk(victims.some(victim => ends.includes(victim)))
  }
})
