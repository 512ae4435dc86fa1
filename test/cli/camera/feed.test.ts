import t from 'tap'
import { feed } from '../../../src/cli/camera/feed.js'
import { Outbox } from '../../../src/cli/camera/outbox.js'
import { Report } from '../../../src/cli/camera/report.js'
import { Spool } from '../../../src/cli/camera/spool.js'
import type { Answer } from '../../../src/cli/camera/upload.js'
import { shotOf } from './support.js'

const again = (retryAfterMs = 0): Answer => ({ kind: 'again', reason: '503 busy', retryAfterMs, isFromServer: true })
const taken: Answer = { kind: 'taken' }
const refused: Answer = { kind: 'refused', reason: '400 Bad Request', isFinal: false }
const unauthorized: Answer = { kind: 'unauthorized', reason: '401 Unauthorized: wrong', retryAfterMs: 0 }

interface Play {
  /** Sequence numbers of frames with a spill that wait from before. */
  waiting?: number[]
  /** Frames that come, each when the one before has been sent: negative without a spill, with a half where they end a run. */
  coming?: number[]
  answers: Answer[]
  /** How much longer than the least each wait is: from 0 to 1. */
  random?: number
}

/** Feeds a server with prepared answers, and stops when there is none left. */
async function play ({ waiting = [], coming = [], answers, random = 1 }: Play) {
  const stop = new AbortController()
  const lines: string[] = []
  const log = (line: string) => { lines.push(line) }
  const spool = await Spool.open({ folder: undefined, maxBytes: 1e9, log })
  for (const sequence of waiting) await spool.add(shotOf(sequence, { spill: true }), sequence)
  const outbox = new Outbox(spool, stop.signal)
  const sent: number[] = []
  const headerCounts: number[] = []
  const waitsMs: number[] = []
  const putNext = async () => {
    const next = coming.shift()
    if (next === undefined) return
    if (!Number.isInteger(next)) await outbox.putEnd(shotOf(Math.ceil(-next)), 1)
    else if (next < 0) outbox.putClear(shotOf(-next))
    else await outbox.putSpill(shotOf(next, { spill: true }), next)
  }
  const run = feed({
    outbox,
    spool,
    report: new Report(log),
    signal: stop.signal,
    uploader: {
      async send (shot) {
        const answer = answers.shift()
        if (answer === undefined) throw new Error(`no answer for ${shot.sequence}`)
        if (answers.length === 0) setImmediate(() => stop.abort())
        sent.push(shot.spillDetected === true ? shot.sequence : -shot.sequence)
        headerCounts.push(Object.keys(shot.headers).length)
        await putNext()
        return answer
      }
    },
    async wait (ms) { waitsMs.push(ms) },
    random: () => random
  })
  if (waiting.length === 0) await putNext()
  return { sent, waitsMs, lines, spool, headerCounts, ended: await run.then(() => undefined, (error: unknown) => error) }
}

const left = (spool: Spool) => spool.entries.map(entry => entry.sequence)

t.test('frames go to the server one after another', async t => {
  const { sent, waitsMs, spool } = await play({ coming: [-1, -2, 3, 4], answers: [taken, taken, taken, taken] })
  t.strictSame(sent, [-1, -2, 3, 4])
  t.strictSame(waitsMs, [])
  t.strictSame(left(spool), [])
})

t.test('a frame with a spill is sent again until the server has it, waiting longer each time', async t => {
  const { sent, waitsMs, lines } = await play({ coming: [1], answers: [again(), again(), again(2000), again(), taken] })
  t.strictSame(sent, [1, 1, 1, 1, 1])
  t.strictSame(waitsMs, [250, 500, 2000, 2000], 'Retry-After counts where it is longer')
  t.match(lines[0], /does not take frames \(503 busy\)/)
})

t.test('waits are told by chance, so that not all cameras come back at once', async t => {
  const { waitsMs } = await play({ coming: [1], answers: [again(), again(), again(2000), taken], random: 0 })
  t.strictSame(waitsMs, [125, 250, 2000], 'never shorter than Retry-After')
})

t.test('a frame without one is dropped for the newest', async t => {
  const { sent } = await play({ coming: [-1, -2], answers: [again(), taken] })
  t.strictSame(sent, [-1, -2])
})

t.test('one that the server cannot take, again and again, does not hold up the others', async t => {
  const { sent, spool } = await play({ waiting: [1, 2, 3], answers: [taken, again(), again(), again(), again(), again(), taken] })
  t.strictSame(sent, [3, 1, 1, 1, 1, 1, 2], 'the newest first, as it is the live picture')
  t.strictSame(left(spool), [1])
})

t.test('an outage of the network is no fault of the frame', async t => {
  const unreachable: Answer = { kind: 'again', reason: 'ECONNREFUSED', retryAfterMs: 0, isFromServer: false }
  const { sent } = await play({ waiting: [1, 2], answers: [taken, ...Array<Answer>(12).fill(unreachable), taken] })
  t.strictSame(sent, [2, ...Array<number>(13).fill(1)])
})

t.test('the frame that ended a run is sent until the server has it, once where it has', async t => {
  const later = await play({ coming: [-1.5, -3], answers: [again(), taken, taken] })
  t.strictSame(later.sent, [-2, -2, -3], 'though a newer one has come')
  t.strictSame(left(later.spool), [])
  const atOnce = await play({ coming: [-1.5, -3], answers: [taken, taken] })
  t.strictSame(atOnce.sent, [-2, -3])
  t.strictSame(left(atOnce.spool), [])
})

t.test('where the server refuses the end of a run it is left out without a word of a spill', async t => {
  const final: Answer = { kind: 'refused', reason: '422', isFinal: true }
  const { sent, lines, spool } = await play({ coming: [-1.5, -3], answers: [again(), final, taken] })
  t.strictSame(sent, [-2, -2, -3])
  t.strictSame(left(spool), [])
  t.notMatch(lines.join('\n'), 'A SPILL')
})

t.test('a refused frame without a spill is left out', async t => {
  const { sent, waitsMs, lines } = await play({ coming: [-1, -2], answers: [refused, taken] })
  t.strictSame(sent, [-1, -2])
  t.strictSame(waitsMs, [])
  t.match(lines[0], /refused and left out \(400/)
})

t.test('a refused spill has three tries, the last without what the detector found', async t => {
  const { sent, lines, spool, headerCounts } = await play({ coming: [1, -2], answers: [refused, refused, refused, taken] })
  t.strictSame(sent, [1, 1, 1, -2])
  t.match(lines[0], /WITH A SPILL .* 400 Bad Request/)
  t.strictSame(left(spool), [])
  t.strictSame(headerCounts, [4, 4, 3, 3])
})

t.test('where another try makes no sense there is none', async t => {
  const { sent } = await play({ coming: [1, 2], answers: [{ kind: 'refused', reason: '422', isFinal: true }, taken] })
  t.strictSame(sent, [1, 2])
})

t.test('one from the server\'s future waits, and the others go on', async t => {
  const early: Answer = { kind: 'early', reason: '422' }
  const { sent, spool, lines } = await play({ coming: [1, 2, -3, -4], answers: [early, taken, early, taken] })
  t.strictSame(sent, [1, 2, -3, -4])
  t.strictSame(left(spool), [1])
  t.ok(spool.entries[0]!.notBeforeMs > performance.now() + 20_000)
  t.match(lines[0], /clock is ahead/)
})

t.test('a wrong key at first contact ends it, and what was seen until then is kept', async t => {
  t.match((await play({ coming: [-1], answers: [unauthorized] })).ended,
    { name: 'CameraError', exitCode: 1, message: 'the server does not accept the password (401 Unauthorized: wrong)' })
  t.match((await play({ coming: [1], answers: [unauthorized] })).ended,
    { message: /\(401 Unauthorized: wrong\)\. What was seen of a spill \(1\) is kept/ })
})

t.test('a key that is wrong later, or while frames wait from before, ends nothing', async t => {
  const later = await play({ coming: [-1, 2], answers: [taken, unauthorized, unauthorized, unauthorized, unauthorized, unauthorized, taken] })
  t.equal(later.ended, undefined)
  t.strictSame(later.sent, [-1, 2, 2, 2, 2, 2, 2])
  t.strictSame(later.waitsMs, [5000, 10_000, 20_000, 40_000, 60_000])
  t.match(later.lines[1], /401 Unauthorized: wrong; frames with a spill are kept, 1 until now/)
  const before = await play({ waiting: [1], answers: [unauthorized, taken] })
  t.equal(before.ended, undefined)
  t.strictSame(before.sent, [1, 1])
})

t.test('a stop while it waits ends it, and the frame stays', async t => {
  const stop = new AbortController()
  const spool = await Spool.open({ folder: undefined, maxBytes: 1e9, log: t.fail })
  await spool.add(shotOf(1, { spill: true }), 1)
  let count = 0
  await feed({
    outbox: new Outbox(spool, stop.signal),
    spool,
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
  t.strictSame(left(spool), [1])
})

t.test('a stop during an upload ends it without a word', async t => {
  const stop = new AbortController()
  const spool = await Spool.open({ folder: undefined, maxBytes: 1e9, log: t.fail })
  await spool.add(shotOf(1, { spill: true }), 1)
  await feed({
    outbox: new Outbox(spool, stop.signal),
    spool,
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
  t.strictSame(left(spool), [1])
})
