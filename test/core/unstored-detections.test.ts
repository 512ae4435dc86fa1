import t from 'tap'
import type { Frame } from '../../src/core/frame.js'
import type { LiveCamera } from '../../src/core/live-camera.js'
import { UnstoredDetections, type LostDetections } from '../../src/core/unstored-detections.js'
import { CameraDisabled, StorageFull } from '../../src/errors.js'
import { FakeClock, frame } from '../helper.js'

interface Setting {
  readonly clock: FakeClock
  readonly unstored: UnstoredDetections
  readonly lost: LostDetections[]
  /** A camera whose frames are tried in the order of `tried`, and fail with what `fails` gives back. */
  readonly camera: (id?: string) => { camera: LiveCamera, tried: Frame[], shown: { newest: Frame | undefined } }
  fails: (frame: Frame) => Error | undefined
}

function setUp (options: { maxBytes?: number, maxPerCamera?: number } = {}): Setting {
  const clock = new FakeClock()
  const lost: LostDetections[] = []
  const setting: Setting = {
    clock,
    lost,
    unstored: new UnstoredDetections({ clock, maxBytes: 1_000_000, maxPerCamera: 100, maxAgeMs: 60_000, onLost: each => { lost.push(each) }, ...options }),
    camera: (id = 'default') => {
      const tried: Frame[] = []
      const shown: { newest: Frame | undefined } = { newest: undefined }
      const takeAgain = async (each: Frame): Promise<void> => {
        tried.push(each)
        const error = setting.fails(each)
        if (error !== undefined) throw error
      }
      return { camera: { id, frames: shown, takeAgain } as unknown as LiveCamera, tried, shown }
    },
    fails: () => undefined
  }
  return setting
}

t.test('what is held is taken again in its order, the newest first while it is the live picture', async t => {
  const { clock, unstored, lost, camera: make } = setUp()
  const { camera, tried, shown } = make()
  const frames = [frame(clock), frame(clock), frame(clock)] as const
  for (const each of frames) unstored.add(camera, each, new StorageFull())
  t.equal(unstored.count, 3)
  t.ok(unstored.has(camera, frames[2]))
  shown.newest = frames[2]
  await unstored.retry()
  t.strictSame(tried.map(each => frames.indexOf(each)), [2, 0, 1])
  t.equal(unstored.count, 0)
  t.notOk(unstored.has(camera, frames[2]))
  t.strictSame(lost, [])
})

t.test('while the disk takes nothing, one of each camera is tried a round', async t => {
  const setting = setUp()
  setting.fails = () => new StorageFull()
  const one = setting.camera('one')
  const two = setting.camera('two')
  for (const { camera } of [one, one, two]) setting.unstored.add(camera, frame(setting.clock), new StorageFull())
  await setting.unstored.retry()
  await setting.unstored.retry()
  t.strictSame([one.tried.length, two.tried.length, setting.unstored.count], [2, 2, 3])
})

t.test('two rounds never run at once', async t => {
  const { clock, unstored, camera: make } = setUp()
  const { camera, tried } = make()
  unstored.add(camera, frame(clock), new StorageFull())
  await Promise.all([unstored.retry(), unstored.retry()])
  t.equal(tried.length, 1)
})

t.test('what cannot be stored for long, or is refused, is given up and told', async t => {
  const setting = setUp()
  const { unstored, clock, lost } = setting
  const { camera } = setting.camera()
  setting.fails = () => new StorageFull()
  unstored.add(camera, frame(clock), new StorageFull())
  clock.advance(60_000)
  await unstored.retry()
  t.equal(unstored.count, 1)
  clock.advance(1)
  unstored.add(camera, frame(clock), new StorageFull())
  await unstored.retry()
  t.equal(unstored.count, 1, 'only the one that is old')
  t.match(lost, [{ cameraId: 'default', detections: 1, error: { code: 'STORAGE_FULL' } }])
  setting.fails = () => new CameraDisabled('default')
  await unstored.retry()
  t.match(lost[1], { detections: 1, error: { code: 'CAMERA_DISABLED' } })
  t.strictSame([unstored.count, unstored.lostCount], [0, 2])
})

t.test('what there is no room for is given up, and told once a round', async t => {
  for (const options of [{ maxBytes: 2 * frame(new FakeClock()).memory.jpeg.length }, { maxPerCamera: 2 }]) {
    const { unstored, clock, lost, camera: make } = setUp(options)
    const { camera } = make()
    for (let i = 0; i < 5; i++) unstored.add(camera, frame(clock), new StorageFull())
    t.strictSame([unstored.count, unstored.lostCount, lost.length], [2, 3, 0])
    await unstored.retry()
    t.match(lost, [{ detections: 3 }])
    for (let i = 0; i < 3; i++) unstored.add(camera, frame(clock), new StorageFull())
    t.equal(unstored.count, 2, 'what was stored has made room')
  }
})

t.test('at the end what is still held is given up and told', async t => {
  const { unstored, clock, lost, camera: make } = setUp()
  const { camera } = make()
  for (let i = 0; i < 3; i++) unstored.add(camera, frame(clock), new StorageFull())
  unstored.close()
  t.match(lost, [{ cameraId: 'default', detections: 3, error: { message: 'the server was stopped' } }])
  t.equal(unstored.count, 0)
})
