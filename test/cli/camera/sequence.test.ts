import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SequenceNumbers } from '../../../src/cli/camera/sequence.js'

const open = async (folder: string | undefined, nowMs: number, highestUsed = 0, log: (line: string) => void = t.fail) =>
  await SequenceNumbers.open({ folder, highestUsed, log, nowMs: () => nowMs })

t.test('numbers start at the time in milliseconds and grow', async t => {
  const numbers = await open(undefined, 5_000_000)
  t.strictSame([numbers.next(), numbers.next(), numbers.next()], [5_000_000, 5_000_001, 5_000_002])
})

t.test('after a kill with the clock set back they go on above all that were given', async t => {
  const folder = t.testdir({})
  let highest = 0
  for (const nowMs of [5_000_000, 4_000_000, 0, 5_000_001]) {
    const numbers = await open(folder, nowMs)
    // More than a block: it is on disk before it is used, though nobody waits for it. Then as a kill leaves it.
    for (let i = 0; i < 25_000; i++) {
      const next = numbers.next()
      if (next <= highest) throw new Error(`${next} came after ${highest}`)
      highest = next
      if (i % 1000 === 0) {
        await numbers.idle()
        t.ok(Number(readFileSync(join(folder, 'sequence'), 'utf8')) > highest)
      }
    }
  }
})

t.test('they are above those of the frames that wait', async t => {
  t.equal((await open(t.testdir({}), 1000, 7_000_000)).next(), 7_000_001)
})

t.test('a folder that is gone, or a file that makes no sense, leaves the clock', async t => {
  const folder = t.testdir({})
  for (const text of ['', 'x\n', '12', '9999999999999999\n', '-5\n']) {
    writeFileSync(join(folder, 'sequence'), text)
    t.equal((await open(folder, 5_000_000)).next(), 5_000_000, text)
  }
  rmSync(join(folder, 'sequence'))
  t.equal((await open(folder, 5_000_000)).next(), 5_000_000)
})

t.test('a disk that takes nothing is told of, and numbers go on', async t => {
  const folder = t.testdir({})
  mkdirSync(join(folder, 'sequence.tmp'))
  const lines: string[] = []
  const numbers = await open(folder, 5_000_000, 0, line => { lines.push(line) })
  t.equal(numbers.next(), 5_000_000)
  t.match(lines, [/cannot be kept .*EISDIR/])
})
