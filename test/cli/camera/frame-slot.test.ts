import t from 'tap'
import { FrameSlot } from '../../../src/cli/camera/frame-slot.js'

const frame = (name: string) => ({ jpeg: Buffer.from(name), spillDetected: undefined })

t.test('the newest frame takes the place of the older one, whose source is told', async t => {
  const slot = new FrameSlot(new AbortController().signal)
  const done: string[] = []
  slot.put({ ...frame('1'), done: () => { done.push('1') } })
  t.strictSame(done, [])
  slot.put({ ...frame('2'), done: () => { done.push('2') } })
  t.strictSame(done, ['1'])
  t.match(await slot.take(), frame('2'))
  t.equal(slot.skippedCount, 1)
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
