import t from 'tap'
import { FrameMemory } from '../../src/core/frame-memory.js'
import { jpeg } from '../helper.js'

t.test('holds so many bytes, to be written', async t => {
  const memory = new FrameMemory(5)
  t.equal(memory.jpeg.length, 5)
  memory.jpeg.write('bytes')
  t.equal(memory.jpeg.toString(), 'bytes')
  t.equal(new FrameMemory(0).jpeg.length, 0)
})

t.test('a copy is a copy', async t => {
  const bytes = jpeg()
  const memory = FrameMemory.copyOf(bytes)
  t.strictSame(memory.jpeg, bytes)
  bytes.fill(0)
  t.notSame(memory.jpeg, bytes)
})

t.test('text goes around the JPEG in the same memory, and leaves it as it was', async t => {
  const bytes = jpeg()
  const memory = FrameMemory.copyOf(bytes)
  const wrapped = memory.wrap('head\r\n', 'tail')
  t.strictSame(wrapped, Buffer.concat([Buffer.from('head\r\n'), bytes, Buffer.from('tail')]))
  t.equal(wrapped.buffer, memory.jpeg.buffer)
  t.strictSame(memory.jpeg, bytes)
  t.strictSame(memory.wrap('', ''), bytes)
})

t.test('text for which there is no room is refused, and touches nothing', async t => {
  const bytes = jpeg()
  const memory = FrameMemory.copyOf(bytes)
  t.equal(memory.wrap('h'.repeat(128), 't'.repeat(64)).length, 128 + bytes.length + 64)
  t.throws(() => memory.wrap('h'.repeat(129), ''), RangeError)
  t.throws(() => memory.wrap('', 't'.repeat(65)), RangeError)
  t.strictSame(memory.jpeg, bytes)
})
