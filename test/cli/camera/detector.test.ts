import t from 'tap'
import { inspectFrames, type Detector } from '../../../src/cli/camera/detector.js'
import { FrameSlot } from '../../../src/cli/camera/frame-slot.js'
import type { CameraFrame } from '../../../src/cli/camera/frame.js'
import { Report } from '../../../src/cli/camera/report.js'

function setUp (detector: Detector) {
  const stop = new AbortController()
  const slot = new FrameSlot(stop.signal)
  const frames: CameraFrame[] = []
  const lines: string[] = []
  let wake = () => {}
  const put = (frame: CameraFrame) => {
    frames.push(frame)
    wake()
  }
  const ended = inspectFrames({ slot, detector, put, report: new Report(line => lines.push(line)), signal: stop.signal })
  /** Inspects one frame. */
  const inspect = async (name: string) => {
    const inspected = new Promise<void>(resolve => { wake = resolve })
    slot.put({ jpeg: Buffer.from(name), spillDetected: undefined, capturedAtMs: 7 })
    await inspected
    return frames.at(-1)!
  }
  return { stop, slot, frames, lines, ended, inspect }
}

t.test('each frame goes on with what the detector says of it', async t => {
  const { stop, inspect, lines, ended } = setUp(async jpeg => `{"spill":${jpeg.toString()},"confidence":0.5,"boxes":7}`)
  t.strictSame(await inspect('true'), { jpeg: Buffer.from('true'), spillDetected: true, details: { confidence: 0.5 }, capturedAtMs: 7 })
  t.match(await inspect('false'), { spillDetected: false })
  t.match(lines, [/left out in part: boxes/])
  stop.abort()
  await ended
})

t.test('one on which it fails goes on as one of which nobody knows', async t => {
  const { stop, inspect, lines, ended } = setUp(async jpeg => {
    if (jpeg.toString() === 'error') throw new Error('exit code 1: no model')
    return jpeg.toString()
  })
  t.match(await inspect('error'), { spillDetected: undefined, jpeg: Buffer.from('error') })
  t.match(await inspect('nonsense'), { spillDetected: undefined })
  t.match(await inspect('{"spill":true}'), { spillDetected: true })
  t.match(lines, [/THE DETECTOR FAILS \(exit code 1: no model\)/, /works again/])
  stop.abort()
  await ended
})

t.test('while it is busy the newest frame wins', async t => {
  const answers: Array<(text: string) => void> = []
  const asked: string[] = []
  const { stop, slot, frames, ended } = setUp(async jpeg => {
    asked.push(jpeg.toString())
    return await new Promise(resolve => { answers.push(resolve) })
  })
  for (const name of ['1', '2', '3']) {
    slot.put({ jpeg: Buffer.from(name), spillDetected: undefined })
    await new Promise(setImmediate)
  }
  t.strictSame(asked, ['1'], 'one at a time')
  answers[0]!('{"spill":false}')
  await new Promise(setImmediate)
  t.strictSame(asked, ['1', '3'])
  stop.abort()
  answers[1]!('nonsense')
  await ended
  t.equal(frames.length, 1, 'after a stop nothing is said of a detector that was stopped')
})
