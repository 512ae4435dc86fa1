import t, { type Test } from 'tap'
import { Outbox, type Outgoing } from '../../../src/cli/camera/outbox.js'
import { Spool } from '../../../src/cli/camera/spool.js'
import { shotOf } from './support.js'

async function setUp (t: Test, waiting: number[] = []) {
  const stop = new AbortController()
  const spool = await Spool.open({ folder: undefined, maxBytes: 1e9, log: t.fail })
  for (const sequence of waiting) await spool.add(shotOf(sequence, { spill: true }), sequence)
  const outbox = new Outbox(spool, stop.signal)
  const send = async () => {
    const next = await outbox.next()
    if (next !== undefined && 'entry' in next) await spool.delete(next.entry)
    return sequenceOf(next)
  }
  return { stop, spool, outbox, send }
}

const sequenceOf = (next: Outgoing | undefined) => next && ('entry' in next ? next.entry.sequence : next.shot.sequence)

t.test('of the frames without a spill only the newest is there', async t => {
  const { outbox, send } = await setUp(t)
  outbox.putClear(shotOf(1))
  outbox.putClear(shotOf(2))
  t.equal(await send(), 2)
  t.equal(outbox.skippedCount, 1)
})

t.test('while a backlog is sent, oldest first, the newest frame goes once a second', async t => {
  const { outbox, send } = await setUp(t, Array.from({ length: 100 }, (_, i) => i + 1))
  outbox.putClear(shotOf(200))
  t.equal(await send(), 200, 'the live picture first: it is due')
  outbox.putClear(shotOf(201))
  t.strictSame([await send(), await send(), await send()], [1, 2, 3])
  await new Promise(resolve => setTimeout(resolve, 1001))
  t.equal(await send(), 201)
  t.equal(await send(), 4)
})

t.test('the newest frame may be one with a spill itself', async t => {
  const { outbox, send } = await setUp(t, [1, 2, 3])
  outbox.putClear(shotOf(4))
  await outbox.putSpill(shotOf(5, { spill: true }), 5)
  t.equal(outbox.skippedCount, 1, 'it takes the place of an older one without')
  t.strictSame([await send(), await send(), await send(), await send()], [5, 1, 2, 3])
})

t.test('in good times all frames with a spill go in their order', async t => {
  const { outbox, send } = await setUp(t)
  for (let sequence = 1; sequence < 5; sequence++) {
    await outbox.putSpill(shotOf(sequence, { spill: true }), 1)
    t.equal(await send(), sequence)
  }
})

t.test('the frame that ended a run goes at once, as any other, and stays in the spool until it is there', async t => {
  const { outbox, spool, send } = await setUp(t)
  await outbox.putEnd(shotOf(2), 1)
  const next = await outbox.next()
  t.match(next, { shot: { sequence: 2 } })
  t.strictSame(spool.entries.map(entry => entry.sequence), [2])
  outbox.putClear(shotOf(3))
  t.strictSame([await send(), await send()], [2, 3], 'again, since it was not taken')
})

t.test('the end of the last run goes before a newest frame that jumps the queue, and those before it in their turn', async t => {
  const { outbox, spool, send } = await setUp(t)
  for (const sequence of [1, 4]) {
    await spool.add(shotOf(sequence, { spill: true }), sequence)
    await spool.add(shotOf(sequence + 1), sequence)
  }
  await outbox.putSpill(shotOf(7, { spill: true }), 7)
  await outbox.putSpill(shotOf(8, { spill: true }), 7)
  t.equal(sequenceOf(await outbox.next()), 5)
  t.equal(await send(), 5, 'until the server has it')
  t.strictSame([await send(), await send(), await send(), await send(), await send()], [8, 1, 2, 4, 7])
})

t.test('an end that has to wait does not hold up the newest frame', async t => {
  const { outbox, spool, send } = await setUp(t, [1])
  await spool.add(shotOf(2), 1)
  spool.entries[1]!.notBeforeMs = Infinity
  await outbox.putSpill(shotOf(3, { spill: true }), 3)
  t.strictSame([await send(), await send()], [3, 1])
})

t.test('one that has to wait lets the others by, and is sent when its time has come', async t => {
  const { outbox, spool, send } = await setUp(t, [1, 2])
  const startedMs = performance.now()
  spool.entries[0]!.notBeforeMs = startedMs + 50
  spool.entries[1]!.notBeforeMs = startedMs + 100
  outbox.putClear(shotOf(3))
  t.strictSame([await send(), await send(), await send()], [3, 1, 2])
  t.ok(performance.now() - startedMs >= 100)
})

t.test('taking waits for a frame, and the signal ends it', async t => {
  const { outbox, stop, send } = await setUp(t)
  const first = send()
  await outbox.putSpill(shotOf(1, { spill: true }), 1)
  t.equal(await first, 1)
  const second = send()
  stop.abort()
  t.equal(await second, undefined)
  outbox.putClear(shotOf(2))
  t.equal(await send(), undefined)
})
