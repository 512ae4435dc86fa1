import t from 'tap'
import { isNamed, parseSpillHeader, takenAtMs } from '../../src/core/frame.js'

t.test('true and 1 report a spill, in any letter case', async t => {
  for (const value of ['true', 'True', 'TRUE', 'tRuE', '1', ' true ', '\t1']) t.equal(parseSpillHeader(value), true, value)
})

t.test('false, 0 and no header report none', async t => {
  for (const value of ['false', 'False', 'FALSE', '0', ' 0 ', undefined]) t.equal(parseSpillHeader(value), false, String(value))
})

t.test('nothing else is guessed at', async t => {
  for (const value of ['', 'yes', 'no', 'on', 'Treu', '2', '-1', '01', '1.0', 'true, false', 'true true', 'null', ['true'], ['true', 'false'], []]) {
    t.equal(parseSpillHeader(value), undefined, JSON.stringify(value))
  }
})

t.test('a frame was taken when it was captured, and never after it was received', async t => {
  t.equal(takenAtMs({ capturedAtMs: undefined, receivedAtMs: 1000 }), 1000)
  t.equal(takenAtMs({ capturedAtMs: 400, receivedAtMs: 1000 }), 400)
  t.equal(takenAtMs({ capturedAtMs: 1000, receivedAtMs: 1000 }), 1000)
  t.equal(takenAtMs({ capturedAtMs: 31_000, receivedAtMs: 1000 }), 1000, 'the clock of the camera is ahead')
  t.equal(takenAtMs({ capturedAtMs: 0, receivedAtMs: 1000 }), 0, 'the clock of the camera was never set')
})

t.test('a frame is named by a key or a number, also by 0', async t => {
  t.equal(isNamed({ frameSequence: undefined, idempotencyKey: undefined }), false)
  t.equal(isNamed({ frameSequence: 0, idempotencyKey: undefined }), true)
  t.equal(isNamed({ frameSequence: undefined, idempotencyKey: 'a' }), true)
})
