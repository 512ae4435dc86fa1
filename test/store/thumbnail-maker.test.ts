import { readdirSync, readFileSync } from 'node:fs'
import jpegJs from 'jpeg-js'
import t, { type Test } from 'tap'
import { ThumbnailMaker } from '../../src/store/thumbnail-maker.js'
import { jpeg, until } from '../helper.js'

/** A maker that does not rest and is closed after the test. */
function setUp (t: Test, options?: ConstructorParameters<typeof ThumbnailMaker>[0]): ThumbnailMaker {
  const maker = new ThumbnailMaker({ restTimes: 0, ...options })
  t.teardown(async () => { await maker.close() })
  return maker
}

t.test('a frame is made small, in its colours and proportions', async t => {
  const maker = setUp(t)
  const thumbnail = await maker.make(jpeg({ width: 1280, height: 721, color: [200, 100, 50] }))
  if (typeof thumbnail === 'string') return t.fail(thumbnail)
  const { width, height, data } = jpegJs.decode(thumbnail)
  t.strictSame([width, height], [320, 180])
  const middle = (90 * 320 + 160) * 4
  for (const [at, value] of [200, 100, 50].entries()) t.ok(Math.abs((data[middle + at] ?? 0) - value) < 6)
})

t.test('a small one keeps its size', async t => {
  const thumbnail = await setUp(t).make(jpeg({ width: 17, height: 9 }))
  if (typeof thumbnail === 'string') return t.fail(thumbnail)
  t.match(jpegJs.decode(thumbnail), { width: 17, height: 9 })
})

t.test('each pixel is the mean of those that it stands for', async t => {
  const data = Buffer.alloc(640 * 64 * 4, 255)
  for (let at = 0; at < data.length; at += 4) data.fill((at / 4) % 2 === 0 ? 0 : 200, at, at + 3)
  const thumbnail = await setUp(t).make(Buffer.from(jpegJs.encode({ data, width: 640, height: 64 }, 100).data))
  if (typeof thumbnail === 'string') return t.fail(thumbnail)
  const picture = jpegJs.decode(thumbnail)
  t.ok(Math.abs((picture.data[(16 * 320 + 160) * 4] ?? 0) - 100) < 10)
})

t.test('a frame that cannot be decoded has none, and the next one has', async t => {
  const maker = setUp(t)
  const picture = jpeg()
  t.equal(await maker.make(Buffer.from('no JPEG at all')), 'undecodable')
  t.equal(await maker.make(Buffer.concat([picture.subarray(0, 20), Buffer.from([0xFF, 0xC4, 0, 3, 0x55]), picture.subarray(20)])), 'undecodable')
  t.type(await maker.make(picture), Buffer)
})

t.test('one that claims to be huge takes no memory', async t => {
  const huge = jpeg()
  const frameHeader = huge.indexOf(Buffer.from([0xFF, 0xC0]))
  huge.writeUInt16BE(60_000, frameHeader + 5)
  huge.writeUInt16BE(60_000, frameHeader + 7)
  t.equal(await setUp(t).make(huge), 'undecodable')
})

t.test('one that takes too long has none, and the next one has', async t => {
  const maker = setUp(t, { timeoutMs: 1 })
  t.equal(await maker.make(jpeg({ width: 2000, height: 1500 })), 'undecodable')
  const patient = setUp(t)
  t.type(await patient.make(jpeg()), Buffer)
})

t.test('so many may wait, and they have their turn one after the other', async t => {
  const maker = setUp(t, { maxWaiting: 4 })
  const isBusy = async (): Promise<boolean[]> => (await Promise.all([1, 2, 3, 4, 5, 6].map(async () => await maker.make(jpeg())))).map(each => each === 'busy')
  t.strictSame(await isBusy(), [false, false, false, true, true, true], 'one is being made, and two wait')
  t.strictSame(await maker.hurry(isBusy), [false, false, false, false, false, true], 'more where somebody waits for them')
})

t.test('it rests after each one, unless somebody waits for the next', async t => {
  const maker = setUp(t, { restTimes: 1e4 })
  t.type(await maker.make(jpeg()), Buffer)
  let isMade = false
  const second = maker.make(jpeg()).then(made => { isMade = true; return made })
  await new Promise(resolve => setTimeout(resolve, 200))
  t.equal(isMade, false)
  t.type(await maker.hurry(async () => await second), Buffer)
  const third = maker.make(jpeg())
  t.equal(await Promise.race([third, new Promise(resolve => setTimeout(resolve, 200, 'it rests'))]), 'it rests', 'nobody waits any more')
  await maker.close()
  t.equal(await third, 'busy')
})

t.test('after its rest it goes on by itself', async t => {
  const maker = setUp(t, { restTimes: 0.1 })
  t.type(await maker.make(jpeg()), Buffer)
  const second = maker.make(jpeg())
  t.type(await Promise.all([second, new Promise(resolve => setTimeout(resolve, 1000))]).then(([made]) => made), Buffer)
})

t.test('in the end nobody is left waiting', async t => {
  const maker = setUp(t)
  const made = [1, 2, 3].map(async () => await maker.make(jpeg({ width: 1600, height: 1200 })))
  await maker.close()
  t.strictSame(await Promise.all(made), ['busy', 'busy', 'busy'])
  t.equal(await maker.make(jpeg()), 'busy')
})

t.test('on Linux its thread yields to all others', { skip: process.platform === 'linux' ? false : 'the priority is that of the whole program elsewhere' }, async t => {
  /** Nice values of the threads of this process. Source: proc(5), field 19 of stat. */
  const niceOf = (): number[] => readdirSync('/proc/self/task').map(task => {
    try {
      return Number(readFileSync(`/proc/self/task/${task}/stat`, 'utf8').split(') ')[1]?.split(' ')[16])
    } catch {
      return NaN // it has ended meanwhile
    }
  })
  const before = niceOf().filter(nice => nice > 0).length
  const maker = setUp(t)
  await maker.make(jpeg())
  await until(() => niceOf().filter(nice => nice > 0).length > before, 'a thread that yields')
  const mainStat = readFileSync('/proc/self/stat', 'utf8')
  t.equal(Number(mainStat.split(') ')[1]?.split(' ')[16]), 0, 'the main thread does not')
})
