import t from 'tap'
import { inspectJpeg } from '../../src/core/jpeg.js'
import { monotonicNs, readStamp, STAMPED_HEAD_BYTES, stampedHead } from '../../bench/stamp.js'
import { jpeg } from '../helper.js'

t.test('a stamp can be read again, and leaves the JPEG whole', async t => {
  const stamped = Buffer.concat([stampedHead(12_345_678_901_234n, 42), jpeg().subarray(2)])
  t.strictSame(readStamp(stamped), { sentAtNs: 12_345_678_901_234, sequence: 42 })
  t.strictSame(inspectJpeg(stamped), { width: 16, height: 8 })
})

t.test('a stamp is as long as was said, whatever is in it', async t => {
  for (const [ns, sequence] of [[0n, 0], [9_007_199_254_740_991n, 9_999_999_999_999]] as const) {
    const head = stampedHead(ns, sequence)
    t.equal(head.length, STAMPED_HEAD_BYTES)
    t.strictSame(readStamp(head), { sentAtNs: Number(ns), sequence })
  }
})

t.test('no stamp is read where there is none', async t => {
  t.equal(readStamp(jpeg()), undefined)
  t.equal(readStamp(Buffer.alloc(0)), undefined)
  const head = stampedHead(1n, 1)
  t.equal(readStamp(head.subarray(0, 30)), undefined)
  head[20] = 0x41
  t.equal(readStamp(head), undefined)
})

t.test('the clock runs forward, in nanoseconds', async t => {
  const before = monotonicNs()
  await new Promise(resolve => setTimeout(resolve, 5))
  const passed = monotonicNs() - before
  t.ok(passed > 4e6 && passed < 5e9)
})
