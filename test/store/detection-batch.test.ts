import t from 'tap'
import { DetectionBatch, type DetectionNote } from '../../src/store/detection-batch.js'
import { signal } from '../http.js'
import { until } from '../helper.js'
import { newDetection } from './support.js'

const noteOf = (nth: number): DetectionNote => ({ eventId: 1, detection: newDetection(nth) })
const sizesOf = (stored: DetectionNote[][]): number[] => stored.map(notes => notes.length)

function setUp () {
  const stored: DetectionNote[][] = []
  const state = { failing: false, gate: Promise.resolve() }
  const batch = new DetectionBatch(async notes => {
    await state.gate
    if (state.failing) throw new Error('the disk is full')
    stored.push(notes)
  })
  return { batch, stored, state, add: (nth: number) => { batch.add(Promise.resolve(noteOf(nth))) } }
}

t.test('the detections of about a second are stored together, in their order', async t => {
  const { add, stored } = setUp()
  const startedMs = performance.now()
  for (let i = 0; i < 30; i += 1) add(i)
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(stored, [], 'not at once')
  await until(() => stored.length > 0, 'the commit')
  t.ok(performance.now() - startedMs >= 990)
  t.strictSame(stored, [Array.from({ length: 30 }, (_, i) => noteOf(i))])
  add(30)
  await until(() => stored.length > 1, 'the next commit')
  t.strictSame(stored[1], [noteOf(30)])
})

t.test('they are stored at once where something hangs on it', async t => {
  const { batch, add, stored } = setUp()
  await batch.flush()
  t.strictSame(stored, [], 'nothing is no commit')
  add(1)
  await batch.flush()
  t.strictSame(sizesOf(stored), [1])
  await new Promise(resolve => setTimeout(resolve, 1100))
  t.strictSame(sizesOf(stored), [1], 'once')
})

t.test('a flush waits for the one before it, and those that come meanwhile come behind', async t => {
  const { batch, add, stored, state } = setUp()
  const gate = signal()
  state.gate = gate.promise
  add(1)
  const first = batch.flush()
  add(2)
  let flushed = false
  const second = batch.flush().then(() => { flushed = true })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(flushed, false)
  gate.resolve()
  await Promise.all([first, second])
  t.strictSame(stored, [[noteOf(1)], [noteOf(2)]])
})

t.test('what cannot be stored is tried again with the next, in its order', async t => {
  const { batch, add, stored, state } = setUp()
  state.failing = true
  add(1)
  await t.resolves(batch.flush())
  add(2)
  await batch.flush()
  state.failing = false
  add(3)
  await batch.flush()
  t.strictSame(stored, [[noteOf(1), noteOf(2), noteOf(3)]])
})

t.test('what cannot be stored is tried again by itself', async t => {
  const { batch, add, stored, state } = setUp()
  state.failing = true
  add(1)
  await batch.flush()
  state.failing = false
  await until(() => stored.length > 0, 'the next try')
  t.strictSame(stored, [[noteOf(1)]])
})

t.test('a disk that fails for long costs bounded memory', async t => {
  const { batch, add, stored, state } = setUp()
  state.failing = true
  for (let i = 0; i < 30; i += 1) {
    for (let nth = 0; nth < 100; nth += 1) add(i * 100 + nth)
    await batch.flush()
  }
  state.failing = false
  await batch.flush()
  t.strictSame(sizesOf(stored), [1000])
  t.strictSame(stored[0]?.[0], noteOf(0), 'the oldest are kept: they say when the spill began')
})

t.test('in the end what is left is tried once, and never again', async t => {
  const { batch, add, stored, state } = setUp()
  add(1)
  await batch.close()
  t.strictSame(stored, [[noteOf(1)]])
  state.failing = true
  add(2)
  await batch.close()
  state.failing = false
  await new Promise(resolve => setTimeout(resolve, 1100))
  t.equal(stored.length, 1)
})
