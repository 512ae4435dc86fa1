import t from 'tap'
import { feed } from '../../../src/cli/camera/feed.js'
import { FrameSlot } from '../../../src/cli/camera/frame-slot.js'
import type { CameraFrame } from '../../../src/cli/camera/frame.js'
import { Report } from '../../../src/cli/camera/report.js'
import type { Answer } from '../../../src/cli/camera/upload.js'

const again = (retryAfterMs = 0): Answer => ({ kind: 'again', reason: '503 busy', retryAfterMs })
const taken: Answer = { kind: 'taken' }

/** Feeds one frame after another to a server with prepared answers, and stops when there is none left. */
async function run (frames: CameraFrame[], answers: Answer[]) {
  const stop = new AbortController()
  const slot = new FrameSlot(stop.signal)
  const sent: string[] = []
  const waitsMs: number[] = []
  const lines: string[] = []
  const putNext = () => {
    const frame = frames.shift()
    if (frame !== undefined) slot.put(frame)
  }
  putNext()
  await feed({
    slot,
    report: new Report(line => lines.push(line)),
    signal: stop.signal,
    uploader: {
      async send (frame) {
        const answer = answers.shift()
        if (answer === undefined) throw new Error(`no answer for ${frame.jpeg.toString()}`)
        if (answers.length === 0) setImmediate(() => stop.abort())
        sent.push(frame.jpeg.toString())
        putNext()
        return answer
      }
    },
    async wait (ms) { waitsMs.push(ms) }
  })
  return { sent, waitsMs, lines }
}

const frame = (name: string, spillDetected = false) => ({ jpeg: Buffer.from(name), spillDetected })

t.test('frames go to the server one after another', async t => {
  const { sent, waitsMs } = await run([frame('1'), frame('2'), frame('3')], [taken, taken, taken])
  t.strictSame(sent, ['1', '2', '3'])
  t.strictSame(waitsMs, [])
})

t.test('a frame with a spill is sent again until the server has it, waiting longer each time', async t => {
  const { sent, waitsMs, lines } = await run(
    [frame('spill', true), frame('skipped'), frame('newest')], [again(), again(), again(2000), again(), taken, again()])
  t.strictSame(sent, ['spill', 'spill', 'spill', 'spill', 'spill', 'newest'])
  t.strictSame(waitsMs, [250, 500, 2000, 2000, 250], 'Retry-After counts where it is longer, and a success starts anew')
  t.match(lines[0], /does not take frames \(503 busy\)/)
})

t.test('a frame without one is dropped for the newest', async t => {
  const { sent } = await run([frame('1'), frame('2')], [again(), taken])
  t.strictSame(sent, ['1', '2'])
})

t.test('a refused frame is left out, whatever it shows', async t => {
  const { sent, waitsMs, lines } = await run([frame('bad', true), frame('good')], [{ kind: 'refused', reason: '400' }, taken])
  t.strictSame(sent, ['bad', 'good'])
  t.strictSame(waitsMs, [])
  t.match(lines[0], /refused and left out \(400\)/)
})

t.test('a wrong password ends it', async t => {
  await t.rejects(run([frame('1')], [{ kind: 'unauthorized', reason: '401 Unauthorized: wrong password' }]),
    { name: 'CameraError', exitCode: 1, message: 'the server does not accept the password (401 Unauthorized: wrong password)' })
})

t.test('a stop while it waits ends it, spill or not', async t => {
  const stop = new AbortController()
  const slot = new FrameSlot(stop.signal)
  slot.put(frame('spill', true))
  let count = 0
  await feed({
    slot,
    report: new Report(() => {}),
    signal: stop.signal,
    uploader: {
      async send () {
        count++
        setImmediate(() => stop.abort())
        return again(1e6)
      }
    }
  })
  t.equal(count, 1)
})

t.test('a stop during an upload ends it without a word', async t => {
  const stop = new AbortController()
  const slot = new FrameSlot(stop.signal)
  slot.put(frame('spill', true))
  await feed({
    slot,
    report: new Report(t.fail),
    signal: stop.signal,
    uploader: {
      async send () {
        stop.abort()
        return again()
      }
    },
    wait: async () => { t.fail('it waited') }
  })
})
