import jpeg from 'jpeg-js'
import t from 'tap'
import type { CameraFrame } from '../../../src/cli/camera/frame.js'
import { createSeaSource } from '../../../src/cli/camera/sea-source.js'

/** Takes so many frames and then stops the source. */
async function take (frameCount: number, fps: number): Promise<{ frames: CameraFrame[], seconds: number }> {
  const stop = new AbortController()
  const frames: CameraFrame[] = []
  let startedMs = 0
  await createSeaSource({ width: 320, height: 180, fps, seed: 7 })(frame => {
    startedMs ||= performance.now()
    if (frames.push(frame) === frameCount) stop.abort()
  }, stop.signal)
  return { frames, seconds: (performance.now() - startedMs) / 1000 }
}

t.test('it makes JPEGs of the size asked for, each another', async t => {
  const { frames } = await take(3, 50)
  for (const frame of frames) t.match(jpeg.decode(frame.jpeg), { width: 320, height: 180 })
  t.not(Buffer.compare(frames[0]!.jpeg, frames[1]!.jpeg), 0)
  t.equal(frames[0]!.spillDetected, false)
})

t.test('it goes no faster than asked for', async t => {
  const { seconds } = await take(5, 20)
  t.ok(seconds > 0.18, `${seconds} s for five frames of 50 ms`)
})

t.test('a caption is written on it', async t => {
  const { frames: [frame] } = await take(1, 10)
  const { data } = jpeg.decode(frame!.jpeg)
  // Sky as bright as the caption's dots, next to its dark strip, is nowhere else in the upper left corner.
  let [bright, dark] = [0, 0]
  for (let y = 8; y < 19; y++) {
    for (let x = 8; x < 250; x++) {
      const green = data[(y * 320 + x) * 4 + 1]!
      if (green > 200) bright++
      if (green < 110) dark++
    }
  }
  t.ok(bright > 200, `${bright} bright pixels`)
  t.ok(dark > 1000, `${dark} dark pixels`)
})

t.test('a stop before the first frame is a stop', async t => {
  await createSeaSource({ width: 64, height: 48, fps: 10, seed: 7 })(() => t.fail('a frame'), AbortSignal.abort())
})
