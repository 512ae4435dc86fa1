import t from 'tap'
import { Feed } from '../../src/core/feed.js'
import type { FrameMemory } from '../../src/core/frame-memory.js'
import type { Frame } from '../../src/core/frame.js'
import type { LiveCamera } from '../../src/core/live-camera.js'
import type { PartHeaders } from '../../src/core/part-headers.js'
import { HopelessStream } from '../../src/core/multipart-parser.js'
import { UnstoredDetections } from '../../src/core/unstored-detections.js'
import { FrameHeaderInvalid, IdempotencyKeyReused, StorageFull } from '../../src/errors.js'
import { FakeClock, frame, jpeg } from '../helper.js'

const part = (headers = ''): Buffer => Buffer.concat([Buffer.from(`--x\r\n${headers}\r\n`), jpeg(), Buffer.from('\r\n')])
const SPILL = 'X-Oil-Spill-Detected: true\r\n'

/** A feed into a camera that takes everything, of which `tokens` may be sent at once. */
function setUp (options: { tokens?: number, defaults?: PartHeaders } = {}) {
  const clock = new FakeClock()
  const taken: Frame[] = []
  const refused: string[] = []
  const counts = { late: 0 }
  const setting = {
    clock,
    taken,
    refused,
    counts,
    headers: new Array<PartHeaders>(),
    tokens: options.tokens ?? Infinity,
    take: (_frame: Frame): Promise<void> | undefined => undefined,
    toFrame: (memory: FrameMemory, headers: PartHeaders): Frame => frame(clock, { jpeg: memory.jpeg, spill: headers['x-oil-spill-detected'] === 'true' })
  }
  const camera = {
    id: 'default',
    counts,
    frames: { newest: undefined },
    take: (each: Frame) => {
      taken.push(each)
      return setting.take(each)
    },
    takeAgain: async (each: Frame) => { await setting.take(each) }
  } as unknown as LiveCamera
  const unstored = new UnstoredDetections({ clock, maxBytes: 1e6, maxPerCamera: 100, maxAgeMs: 1000, onLost: () => {} })
  const feed = new Feed({
    camera,
    unstored,
    maxFrameBytes: 100_000,
    defaults: options.defaults ?? {},
    toFrame: (memory, headers) => {
      setting.headers.push(headers)
      return setting.toFrame(memory, headers)
    },
    takeToken: () => setting.tokens-- > 0 ? { left: 0, waitMs: 50 } : { left: -1, waitMs: 50 },
    onRefused: code => { refused.push(code) }
  })
  return Object.assign(setting, { feed, unstored, camera })
}

t.test('frames are taken as they come', async t => {
  const { feed, taken } = setUp()
  feed.push(part())
  t.equal(taken.length, 1)
  feed.push(Buffer.concat([part(SPILL), part()]))
  feed.end()
  t.strictSame(taken.map(({ spillReported }) => spillReported), [false, true, false])
  t.strictSame(feed.counts, { received: 3, refused: 0, late: 0 })
  t.equal(await feed.stored(), undefined)
})

t.test('headers of the request hold for parts that do not say otherwise', async t => {
  const { feed, headers } = setUp({ defaults: { 'x-heading': '90' } })
  feed.push(Buffer.concat([part(), part('X-Heading: 180\r\n')]))
  t.strictSame(headers.map(each => each['x-heading']), ['90', '180'])
})

t.test('what comes too fast is skipped, but a frame with a spill waits and nothing more should be read', async t => {
  const setting = setUp({ tokens: 2 })
  const { feed, taken, refused } = setting
  feed.push(Buffer.concat([part(), part(), part()]))
  t.strictSame([taken.length, refused, feed.waitMs], [2, ['UPLOAD_RATE_EXCEEDED'], 0])
  feed.push(Buffer.concat([part(SPILL), part(), part(SPILL)]))
  t.strictSame([taken.length, refused.length, feed.waitMs], [2, 2, 50])
  feed.resume()
  t.strictSame([taken.length, feed.waitMs], [2, 50], 'too early')
  setting.tokens = 1
  feed.resume()
  t.strictSame([taken.length, feed.waitMs], [3, 50])
  setting.tokens = 1
  feed.resume()
  t.strictSame([taken.length, feed.waitMs], [4, 0])
  t.strictSame(feed.counts, { received: 4, refused: 2, late: 0 })
})

t.test('what waits is taken when the feed is stopped', async t => {
  const { feed, taken } = setUp({ tokens: 0 })
  feed.push(Buffer.concat([part(SPILL), part(SPILL)]))
  t.equal(taken.length, 0)
  feed.stop()
  t.strictSame([taken.length, feed.waitMs], [2, 0])
})

t.test('late frames are counted', async t => {
  const setting = setUp()
  setting.take = () => {
    setting.counts.late += 1
    return undefined
  }
  setting.feed.push(part())
  t.strictSame(setting.feed.counts, { received: 1, refused: 0, late: 1 })
})

t.test('a part that is no frame is refused, and too many of them in a row are the end', async t => {
  const setting = setUp()
  const { feed, refused } = setting
  feed.push(Buffer.from('--x\r\nContent-Length: 5\r\n\r\nhello\r\n'))
  t.strictSame(refused, ['FRAME_INVALID'])
  setting.toFrame = () => { throw new FrameHeaderInvalid('X-Heading', 'degrees from 0 to 360') }
  t.throws(() => { for (let i = 0; i < 50; i++) feed.push(part()) }, new HopelessStream('50 parts in a row were bad; of the last one: X-Heading must be degrees from 0 to 360. The frame was not taken.'))
  t.strictSame(feed.counts, { received: 0, refused: 50, late: 0 })
  t.equal(refused.at(-1), 'FRAME_HEADER_INVALID')
})

t.test('a detection that cannot be stored is held and tried again, and the parts behind it do not wait', async t => {
  const setting = setUp()
  const { feed, unstored, taken } = setting
  setting.take = async () => { throw new StorageFull() }
  feed.push(Buffer.concat([part(SPILL), part(), part(SPILL)]))
  t.equal(taken.length, 3)
  t.match(await feed.stored(), { code: 'STORAGE_FULL' })
  t.equal(unstored.count, 2, 'not the one without a spill: the next frame ends the event')
  setting.take = () => undefined
  await unstored.retry()
  t.equal(await feed.stored(), undefined)
  t.strictSame(feed.counts, { received: 3, refused: 0, late: 0 })
})

t.test('a frame that is refused only after a look at what was sent before does not count as received', async t => {
  const setting = setUp()
  setting.take = async () => { throw new IdempotencyKeyReused() }
  setting.feed.push(part(SPILL))
  t.equal(await setting.feed.stored(), undefined)
  t.strictSame(setting.feed.counts, { received: 0, refused: 1, late: 0 })
  t.strictSame(setting.refused, ['IDEMPOTENCY_KEY_REUSED'])
})

t.test('errors of the program itself come to light, and a detection is held all the same', async t => {
  const setting = setUp()
  setting.take = () => { throw new Error('it does not work') }
  t.throws(() => { setting.feed.push(part()) }, { message: 'it does not work' })
  const other = setUp()
  other.take = async () => { throw new Error('it does not work') }
  other.feed.push(part(SPILL))
  t.match(await other.feed.stored(), { message: 'it does not work' })
  t.equal(other.unstored.count, 1)
})
