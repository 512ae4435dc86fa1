import { mkdirSync, readdirSync, rmdirSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { Spool } from '../../../src/cli/camera/spool.js'
import { shotOf } from './support.js'

const spill = (sequence: number, bytes = 0) => shotOf(sequence, { spill: true, bytes })
const sequences = (spool: Spool) => spool.entries.map(entry => entry.sequence)
const framesIn = (folder: string) => readdirSync(folder).filter(name => name.endsWith('.frame')).sort()

async function setUp (t: Test, { folder = t.testdir({}), inMemory = false, maxBytes = 1e6, maxMemoryBytes = 1e6 } = {}) {
  const lines: string[] = []
  const log = (line: string) => { lines.push(line) }
  return { folder, lines, spool: await Spool.open({ folder: inMemory ? undefined : folder, maxBytes, maxMemoryBytes, log }) }
}

t.test('what was added is there after a kill, with all that is sent of it, oldest first', async t => {
  const { folder, spool } = await setUp(t)
  await Promise.all([spool.add(spill(5), 5), spool.add(spill(6), 5), spool.add(spill(9), 9)])
  const { spool: next, lines } = await setUp(t, { folder }) // the other one was not closed
  t.strictSame(sequences(next), [5, 6, 9])
  t.strictSame(next.entries.map(entry => entry.runId), [5, 5, 9])
  t.strictSame(await next.load(next.entries[0]!), spill(5))
  t.equal(next.highestSequence, 9)
  await next.delete(next.entries[0]!)
  t.equal(framesIn(folder).length, 2)
  t.strictSame(lines, [])
})

t.test('nothing can be sent before it is on disk', async t => {
  const { folder, spool } = await setUp(t)
  const added = spool.add(spill(1), 1)
  while (framesIn(folder).length === 0) {
    t.strictSame(sequences(spool), [])
    await new Promise(setImmediate)
  }
  await added
  t.strictSame(sequences(spool), [1])
})

t.test('what is damaged or gone is out of the way', async t => {
  const { folder, lines, spool } = await setUp(t)
  for (const sequence of [1, 2, 3]) await spool.add(spill(sequence, 50), 1)
  const [first, second, third] = framesIn(folder).map(name => join(folder, name))
  truncateSync(first!, 60)
  unlinkSync(second!)
  t.equal(await spool.load(spool.entries[0]!), undefined)
  t.equal(await spool.load(spool.entries[0]!), undefined)
  t.match(lines, [/NOT TAKEN and is in .*refused: it is damaged/, /cannot be read \(ENOENT/])
  unlinkSync(third!)
  mkdirSync(third!)
  t.equal(await spool.load(spool.entries[0]!), undefined)
  t.ok(spool.entries[0]!.notBeforeMs > performance.now(), 'a disk that cannot be read now may be read later')
  t.strictSame(framesIn(join(folder, 'refused')).length, 1)
})

t.test('what is set aside stays for a person to see, but is never sent again', async t => {
  const { folder, lines, spool } = await setUp(t)
  await spool.add(spill(1), 1)
  await spool.setAside(spool.entries[0]!, '422 too old')
  t.strictSame(sequences(spool), [])
  t.match(lines, [/NOT TAKEN and is in .*refused: 422 too old/])
  const again = await setUp(t, { folder })
  t.strictSame(sequences(again.spool), [])
  t.equal(again.spool.highestSequence, 1, 'its number is not given again')
})

t.test('what cannot be set aside is not sent before the next start', async t => {
  const { folder, lines, spool } = await setUp(t)
  await spool.add(spill(1), 1)
  writeFileSync(join(folder, 'refused'), '')
  await spool.setAside(spool.entries[0]!, '400')
  t.match(lines, [/stays in .* until the next start: 400/])
  t.strictSame(sequences(spool), [])
  t.strictSame(sequences((await setUp(t, { folder })).spool), [1])
})

t.test('a full spool thins its longest run and says so', async t => {
  const { folder, lines, spool } = await setUp(t, { maxBytes: 11_000 })
  for (const sequence of [1, 2]) await spool.add(spill(sequence, 700), 1)
  for (let sequence = 10; sequence < 200; sequence++) await spool.add(spill(sequence, 700), 10)
  const kept = sequences(spool)
  t.strictSame(kept.slice(0, 3), [1, 2, 10])
  t.equal(kept.at(-1), 199)
  t.ok(kept.length >= 6 && kept.length <= 11, kept.join())
  t.equal(framesIn(folder).length, kept.length)
  t.equal(spool.givenUpCount, 192 - kept.length)
  t.match(lines, [/NO MORE ROOM .* given up/])
  t.strictSame(sequences((await setUp(t, { folder })).spool), kept)
})

t.test('the frame that ended a run is kept over a kill, and does not count as one with a spill', async t => {
  const { folder, spool } = await setUp(t)
  await spool.add(spill(1), 1)
  await spool.add(shotOf(2), 1)
  t.equal(spool.spillCount, 1)
  const { spool: next, lines } = await setUp(t, { folder })
  t.match(next.entries, [{ sequence: 1, runId: 1, isClear: false }, { sequence: 2, runId: 1, isClear: true }])
  t.strictSame(await next.load(next.entries[1]!), shotOf(2))
  t.equal(next.highestSequence, 2)
  await next.setAside(next.entries[1]!, '400')
  t.strictSame(sequences((await setUp(t, { folder })).spool), [1], 'nobody wants to see it')
  t.strictSame(lines, [])
})

t.test('the frames that ended runs give way first, and are no loss to tell of', async t => {
  const { spool, lines } = await setUp(t, { maxBytes: 5000 })
  for (const sequence of [1, 11, 21]) {
    await spool.add(spill(sequence, 700), sequence)
    await spool.add(shotOf(sequence + 1, { bytes: 700 }), sequence)
  }
  t.strictSame(sequences(spool).filter(sequence => sequence % 10 === 1), [1, 11, 21])
  t.ok(spool.entries.length < 6)
  t.strictSame([spool.givenUpCount, lines.length], [0, 0])
})

t.test('what was set aside gives way before anything that waits', async t => {
  const { folder, spool, lines } = await setUp(t, { maxBytes: 3500 })
  for (const sequence of [1, 2, 3]) await spool.add(spill(sequence, 700), 1)
  await spool.setAside(spool.entries[0]!, '400')
  await spool.add(spill(4, 700), 4)
  t.strictSame(sequences(spool), [2, 3, 4])
  t.strictSame(framesIn(join(folder, 'refused')), [])
  t.equal(spool.givenUpCount, 1)
  t.match(lines[1], /NO MORE ROOM/)
})

t.test('one that is being sent is not given up', async t => {
  const { spool } = await setUp(t, { maxBytes: 3000 })
  await spool.add(spill(1, 700), 1)
  spool.entries[0]!.busy = true
  for (const sequence of [2, 3, 4, 5]) await spool.add(spill(sequence, 700), sequence)
  t.equal(sequences(spool)[0], 1)
})

t.test('while the disk takes nothing frames are held in memory, and put on disk when it does', async t => {
  const { folder, lines, spool } = await setUp(t)
  const inTheWay = join(folder, '0000000000000001-0000000000000001.frame.tmp')
  mkdirSync(inTheWay)
  await spool.add(spill(1), 1)
  t.match(lines, [/CANNOT BE PUT ON DISK/])
  t.strictSame(await spool.load(spool.entries[0]!), spill(1))
  t.strictSame(framesIn(folder), [])
  await spool.add(spill(2), 1)
  t.equal(framesIn(folder).length, 1, 'the second could be')
  rmdirSync(inTheWay)
  await spool.add(spill(3), 1)
  t.equal(framesIn(folder).length, 3)
  t.match(lines, [/CANNOT BE PUT ON DISK/, /can be put on disk again/])
  t.strictSame(sequences(spool), [1, 2, 3])
})

t.test('one that was sent from memory does not stay on disk', async t => {
  const { folder, spool } = await setUp(t)
  const inTheWay = join(folder, '0000000000000001-0000000000000001.frame.tmp')
  mkdirSync(inTheWay)
  await spool.add(spill(1), 1)
  rmdirSync(inTheWay)
  const added = spool.add(spill(2), 1)
  await spool.delete(spool.entries[0]!)
  await added
  t.strictSame(sequences(spool), [2])
  t.equal(framesIn(folder).length, 1)
})

t.test('without a folder all is in memory, bounded', async t => {
  const { lines, spool } = await setUp(t, { inMemory: true, maxMemoryBytes: 5000 })
  for (let sequence = 1; sequence <= 20; sequence++) await spool.add(spill(sequence, 700), 1)
  const kept = sequences(spool)
  t.strictSame([kept[0], kept.at(-1)], [1, 20])
  t.ok(kept.length <= 6)
  t.match(lines, [/NO MORE ROOM/])
  await spool.setAside(spool.entries[0]!, '400')
  t.match(lines[1], /IS LOST: 400/)
  await spool.close()
})

t.test('frames that come faster than the disk takes them are bounded too, and keep their ends', async t => {
  const { spool } = await setUp(t, { maxMemoryBytes: 5000 })
  await Promise.all(Array.from({ length: 50 }, (_, i) => spool.add(spill(i + 1, 700), 1)))
  const kept = sequences(spool)
  t.strictSame([kept[0], kept.at(-1)], [1, 50])
  t.equal(spool.givenUpCount, 50 - kept.length)
})
