import t from 'tap'
import { essentialHeaders, makeHeaders } from '../../../src/cli/camera/frame-headers.js'
import { parseFrameHeaders } from '../../../src/core/frame-headers.js'

const facts = { spillDetected: true, capturedAtMs: Date.UTC(2026, 2, 1, 12, 0, 0, 123), sequence: 42, idempotencyKey: 'k-1', details: {} }

/** As the server reads them. */
const read = (headers: Record<string, string>) => parseFrameHeaders(Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])))

t.test('a frame without a spill has its time and its number', async t => {
  t.strictSame(makeHeaders({ ...facts, spillDetected: false, idempotencyKey: undefined }), {
    'X-Oil-Spill-Detected': 'false', 'X-Capture-Timestamp': '2026-03-01T12:00:00.123Z', 'X-Frame-Sequence': '42'
  })
})

t.test('one of which nobody knows says nothing of a spill', async t => {
  t.notOk('X-Oil-Spill-Detected' in makeHeaders({ ...facts, spillDetected: undefined }))
})

t.test('the server reads all that a detector found', async t => {
  const details = {
    confidence: 8.5e-5,
    modelVersion: 'sea 7',
    latitude: -59.5,
    longitude: 0,
    heading: 360,
    boxes: [{ x: 0.1, y: 0, width: 1, height: 0.5, label: 'Öl 油 🛢', confidence: 0.5 }, { x: 0, y: 0, width: 0, height: 0 }]
  }
  const headers = makeHeaders({ ...facts, details })
  for (const value of Object.values(headers)) t.match(value, /^[\x20-\x7e]+$/)
  t.strictSame(read(headers), { spillReported: true, capturedAtMs: facts.capturedAtMs, frameSequence: 42, idempotencyKey: 'k-1', details })
  t.strictSame(Object.keys(essentialHeaders(headers)), ['X-Oil-Spill-Detected', 'X-Capture-Timestamp', 'X-Frame-Sequence', 'Idempotency-Key'])
})

t.test('boxes that are too long for a header give way, the surest last', async t => {
  const boxes = Array.from({ length: 100 }, (_, i) => ({ x: 0.1234, y: 0.1234, width: 0.1234, height: 0.1234, label: '油'.repeat(64), confidence: i / 100 }))
  const header = makeHeaders({ ...facts, details: { boxes } })['X-Detection-Boxes']!
  t.ok(header.length <= 7000)
  const kept = JSON.parse(header) as typeof boxes
  t.ok(kept.length >= 10)
  t.strictSame(kept, boxes.toReversed().slice(0, kept.length))
})
