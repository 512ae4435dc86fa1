import t from 'tap'
import { RetentionChoice, type Deletable, type EvidenceUsage, type RetentionPolicy } from '../../src/core/retention.js'

const OFF: RetentionPolicy = { retainMs: undefined, maxBytes: undefined, minFreeBytes: 0, unreviewed: 'keep' }

/** Events of 100 bytes, one a second, each half a second long. */
const EVENTS: Deletable[] = [1, 2, 3, 4].map(eventId => ({ eventId, cameraId: 'default', startedAtMs: eventId * 1000, endedAtMs: eventId * 1000 + 500, files: 1, sizeBytes: 100 }))

/** The reasons for which each of the events goes, and what limit is exceeded then. */
function chosen (policy: Partial<RetentionPolicy>, usage: Partial<EvidenceUsage> = {}) {
  const choice = new RetentionChoice({ ...OFF, ...policy }, { totalBytes: 400, freeBytes: 1000, ...usage }, 10_000)
  return [...EVENTS.map(each => choice.reasonFor(each)), choice.limitExceeded]
}

t.test('nothing goes unless it is said so', async t => {
  t.strictSame(chosen({}), [undefined, undefined, undefined, undefined, undefined])
  t.equal(new RetentionChoice(OFF, { totalBytes: 1e15, freeBytes: 0 }, 1e15).isThroughAt(0), true)
})

t.test('what is old goes, counted from the end of its event', async t => {
  t.strictSame(chosen({ retainMs: 7500 }), ['age', 'age', undefined, undefined, undefined], 'the second has ended just that long ago')
  t.strictSame(chosen({ retainMs: 7501 }), ['age', undefined, undefined, undefined, undefined])
})

t.test('what is too much goes, oldest first, and no more than that', async t => {
  t.strictSame(chosen({ maxBytes: 400 }), [undefined, undefined, undefined, undefined, undefined])
  t.strictSame(chosen({ maxBytes: 399 }), ['total_bytes', undefined, undefined, undefined, undefined])
  t.strictSame(chosen({ maxBytes: 150 }), ['total_bytes', 'total_bytes', 'total_bytes', undefined, undefined])
  t.strictSame(chosen({ maxBytes: 150 }, { totalBytes: 900 }), ['total_bytes', 'total_bytes', 'total_bytes', 'total_bytes', 'total_bytes'], 'and what is left is told')
})

t.test('what the disk has no room for goes', async t => {
  t.strictSame(chosen({ minFreeBytes: 1000 }), [undefined, undefined, undefined, undefined, undefined])
  t.strictSame(chosen({ minFreeBytes: 1101 }), ['free_disk', 'free_disk', undefined, undefined, undefined])
  t.strictSame(chosen({ minFreeBytes: 2000 }), ['free_disk', 'free_disk', 'free_disk', 'free_disk', 'free_disk'])
  t.strictSame(chosen({ minFreeBytes: 2000 }, { freeBytes: undefined }).slice(0, 2), [undefined, undefined], 'but not where nobody knows')
})

t.test('what is old counts for the other limits', async t => {
  t.strictSame(chosen({ retainMs: 8000, maxBytes: 300 }), ['age', undefined, undefined, undefined, undefined])
  t.strictSame(chosen({ retainMs: 8000, maxBytes: 200, minFreeBytes: 1300 }), ['age', 'total_bytes', 'free_disk', undefined, undefined])
})

t.test('it is known when nothing more can go', async t => {
  const choice = new RetentionChoice({ ...OFF, retainMs: 7000, maxBytes: 300 }, { totalBytes: 400, freeBytes: 1000 }, 10_000)
  t.equal(choice.isThroughAt(9000), false, 'too much')
  choice.reasonFor(EVENTS[0]!)
  t.equal(choice.isThroughAt(3000), false, 'a later event may have ended earlier')
  t.equal(choice.isThroughAt(3001), true)
})
