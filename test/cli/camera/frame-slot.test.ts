import t from 'tap'
import { FrameSlot } from '../../../src/cli/camera/frame-slot.js'

const frame = (name: string, spillDetected = false) => ({ jpeg: Buffer.from(name), spillDetected })

t.test('the newest frame takes the place of the older one', async t => {
  const slot = new FrameSlot(new AbortController().signal)
  slot.put(frame('1'))
  slot.put(frame('2'))
  t.strictSame(await slot.take(), frame('2'))
  t.equal(slot.skippedCount, 1)
})

t.test('a frame with a spill gives way only to another one', async t => {
  const slot = new FrameSlot(new AbortController().signal)
  slot.put(frame('clean'))
  slot.put(frame('spill', true))
  slot.put(frame('clean again'))
  t.strictSame(await slot.take(), frame('spill', true))
  slot.put(frame('spill', true))
  slot.put(frame('newer spill', true))
  t.strictSame(await slot.take(), frame('newer spill', true))
  t.equal(slot.skippedCount, 3)
})

t.test('taking waits for a frame', async t => {
  const slot = new FrameSlot(new AbortController().signal)
  const taken = slot.take()
  slot.put(frame('late'))
  t.strictSame(await taken, frame('late'))
  t.equal(slot.skippedCount, 0)
})

t.test('the signal ends the waiting, and every later one', async t => {
  const stop = new AbortController()
  const slot = new FrameSlot(stop.signal)
  const taken = slot.take()
  stop.abort()
  t.equal(await taken, undefined)
  slot.put(frame('too late'))
  t.equal(await slot.take(), undefined)
})
