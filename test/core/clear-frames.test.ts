import t from 'tap'
import { ClearFrames } from '../../src/core/clear-frames.js'

t.test('nothing is remembered before the first', async t => {
  t.strictSame(new ClearFrames().timesMs, [])
})

t.test('the newest are remembered, and the oldest forgotten', async t => {
  const frames = new ClearFrames()
  for (let i = 1; i <= 3; i += 1) frames.note(i)
  t.strictSame(frames.timesMs, [1, 2, 3])
  for (let i = 4; i <= 256; i += 1) frames.note(i)
  t.equal(frames.timesMs.length, 256)
  for (let i = 257; i <= 1000; i += 1) frames.note(i)
  t.strictSame(frames.timesMs.toSorted((a, b) => a - b), Array.from({ length: 256 }, (_, i) => 745 + i))
})

t.test('a time is kept to the millisecond', async t => {
  const frames = new ClearFrames()
  frames.note(1_772_366_400_123)
  t.strictSame(frames.timesMs, [1_772_366_400_123])
})
