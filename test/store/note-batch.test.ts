import t from 'tap'
import { NoteBatch, type EventNote } from '../../src/store/note-batch.js'
import { signal } from '../http.js'
import { until } from '../helper.js'
import { newDetection } from './support.js'

/** Made once, so that it is the same note wherever it is compared. */
const noteOf = (nth: number): EventNote => ({ eventId: 1, cameraId: 'default', detection: newDetection(nth), kept: undefined })
const sizesOf = (stored: EventNote[][]): number[] => stored.map(notes => notes.length)

function setUp () {
  const stored: EventNote[][] = []
  const state = { failing: false, gate: Promise.resolve() }
  const batch = new NoteBatch(async notes => {
    await state.gate
    if (state.failing) throw new Error('the disk is full')
    stored.push(notes)
    return new Map()
  })
  return { batch, stored, state, add: (nth: number) => { batch.add(1, Promise.resolve(noteOf(nth))) } }
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
  await new Promise(resolve => setImmediate(resolve))
  add(2)
  let flushed = false
  const second = batch.flush().then(() => { flushed = true })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(flushed, false)
  gate.resolve()
  await Promise.all([first, second])
  t.strictSame(stored, [[noteOf(1)], [noteOf(2)]])
})

t.test('all who flush while something is being stored share the next turn, and wait for its end', async t => {
  const { batch, add, stored, state } = setUp()
  const gates = [signal(), signal()] as const
  state.gate = gates[0].promise
  add(0)
  const first = batch.flush()
  await new Promise(resolve => setImmediate(resolve))
  let flushed = 0
  const others = [1, 2, 3].map(async nth => {
    add(nth)
    await batch.flush()
    flushed += 1
  })
  state.gate = gates[1].promise
  gates[0].resolve()
  await first
  await new Promise(resolve => setImmediate(resolve))
  t.equal(flushed, 0)
  gates[1].resolve()
  await Promise.all(others)
  t.strictSame(sizesOf(stored), [1, 3])
})

t.test('who needs what there is of one event waits for that alone', async t => {
  const { batch, stored, state } = setUp()
  const gate = signal()
  state.gate = gate.promise
  batch.add(2, Promise.resolve({ ...noteOf(1), eventId: 2 }))
  await batch.flushEvent(1)
  t.strictSame(stored, [], 'nothing of it is there')
  const being = batch.flushEvent(2)
  await new Promise(resolve => setImmediate(resolve))
  await batch.flushEvent(1)
  let flushed = false
  const again = batch.flushEvent(2).then(() => { flushed = true })
  await new Promise(resolve => setImmediate(resolve))
  t.equal(flushed, false, 'what is being stored is waited for too')
  gate.resolve()
  await Promise.all([being, again])
  t.strictSame(sizesOf(stored), [1])
  await batch.flushEvent(2)
  t.strictSame(sizesOf(stored), [1], 'once')
})

t.test('where what there is of one event could not be stored, it is tried once more before the event goes on', async t => {
  const { batch, stored, state } = setUp()
  const gate = signal()
  state.gate = gate.promise
  state.failing = true
  batch.add(2, Promise.resolve({ ...noteOf(1), eventId: 2 }))
  const being = batch.flush()
  await new Promise(resolve => setImmediate(resolve))
  const wanted = batch.flushEvent(2)
  gate.resolve()
  await being
  state.failing = false
  await wanted
  t.strictSame(sizesOf(stored), [1])
})

t.test('what was left belongs to whichever event is asked for: its own may be a part of that', async t => {
  const { batch, add, stored, state } = setUp()
  state.failing = true
  add(1)
  await batch.flush()
  state.failing = false
  await batch.flushEvent(7)
  t.strictSame(stored, [[noteOf(1)]])
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

t.test('where somebody waits for one it is stored at once, with those that are there', async t => {
  const { batch, add, stored } = setUp()
  add(1)
  await batch.addNow(1, Promise.resolve(noteOf(2)))
  t.strictSame(stored, [[noteOf(1), noteOf(2)]])
})

t.test('whoever waits is told that it could not be stored, and sends it again', async t => {
  const { batch, add, stored, state } = setUp()
  state.failing = true
  add(1)
  await t.rejects(batch.addNow(1, Promise.resolve(noteOf(2))), { message: 'the disk is full' })
  state.failing = false
  await batch.flush()
  t.strictSame(stored, [[noteOf(1)]], 'the others are tried again')
})

t.test('one that is refused does not take the others with it', async t => {
  const [taken, refused] = [noteOf(1), noteOf(2)]
  const batch = new NoteBatch(async () => new Map([[refused, new Error('the key came with another frame before')]]))
  const [first, second] = await Promise.allSettled([batch.addNow(1, Promise.resolve(taken)), batch.addNow(1, Promise.resolve(refused))])
  t.match(first, { status: 'fulfilled' })
  t.match(second, { status: 'rejected', reason: { message: 'the key came with another frame before' } })
})

t.test('a frame is let go of when it is stored, or given up', async t => {
  const { batch, state } = setUp()
  let held = 1001
  state.failing = true
  for (let nth = 0; nth < 1001; nth += 1) batch.add(1, Promise.resolve({ ...noteOf(nth), done: () => { held -= 1 } }))
  await batch.flush()
  t.equal(held, 1000)
  state.failing = false
  await batch.flush()
  t.equal(held, 0)
})
