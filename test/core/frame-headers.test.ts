import t from 'tap'
import { MAX_BOXES, parseFrameHeaders } from '../../src/core/frame-headers.js'

const NOTHING = { spillReported: false, capturedAtMs: undefined, frameSequence: undefined, idempotencyKey: undefined, details: {} }

const BOX = { x: 0.1, y: 0.2, width: 0.3, height: 0.4 }

/** What these boxes are in a header. */
const boxes = (...values: unknown[]): string => JSON.stringify(values)

interface Row {
  readonly header: string
  readonly good: Array<[value: string, report: Record<string, unknown>]>
  readonly bad: unknown[]
}

const details = (values: Record<string, unknown>) => ({ details: values })

/** Values that are none of any of these headers. An array is what a repeated header may come as. */
const NEVER = ['', ' ', ['1', '1'], [], 1, null, {}, true]

const TABLE: Row[] = [
  {
    header: 'X-Oil-Spill-Detected',
    good: [['true', { spillReported: true }], ['TRUE', { spillReported: true }], ['1', { spillReported: true }], ['False', {}], ['0', {}], [' 1 ', { spillReported: true }]],
    bad: ['yes', '2', 'true, true', 'null']
  },
  {
    header: 'X-Capture-Timestamp',
    good: [
      ['2026-03-01T12:00:00.123Z', { capturedAtMs: Date.UTC(2026, 2, 1, 12, 0, 0, 123) }],
      ['1772366400.123', { capturedAtMs: 1_772_366_400_123 }],
      ['0', { capturedAtMs: 0 }],
      [' 2026-03-01T12:00:00Z\t', { capturedAtMs: Date.UTC(2026, 2, 1, 12) }]
    ],
    bad: ['2026-02-30T12:00:00Z', '1772366400123', 'yesterday', '2026-03-01T12:00:00']
  },
  {
    header: 'X-Frame-Sequence',
    good: [
      ['0', { frameSequence: 0 }], ['4711', { frameSequence: 4711 }], ['0007', { frameSequence: 7 }],
      [String(Number.MAX_SAFE_INTEGER), { frameSequence: Number.MAX_SAFE_INTEGER }]
    ],
    bad: ['-1', '+1', '1.0', '1e3', '0x10', String(2 ** 53), '9'.repeat(16), '0'.repeat(17), '1 2', '1, 1', '٧', 'seven', 'NaN', 'Infinity']
  },
  {
    header: 'Idempotency-Key',
    good: [
      ['a', { idempotencyKey: 'a' }], ['rig-4 4711~!"', { idempotencyKey: 'rig-4 4711~!"' }], ['x'.repeat(255), { idempotencyKey: 'x'.repeat(255) }],
      [' padded ', { idempotencyKey: 'padded' }], ['undefined', { idempotencyKey: 'undefined' }], ['__proto__', { idempotencyKey: '__proto__' }]
    ],
    bad: ['x'.repeat(256), 'ö', 'a\u0000b', 'a\tb', 'a\u007f', 'a\nb', '\u00e9t\u00e9']
  },
  {
    header: 'X-Detection-Confidence',
    good: [
      ['0', details({ confidence: 0 })], ['1', details({ confidence: 1 })], ['0.93', details({ confidence: 0.93 })], ['1.000', details({ confidence: 1 })],
      ['8.5e-05', details({ confidence: 8.5e-5 })], ['1E-3', details({ confidence: 0.001 })], ['9.3e-1', details({ confidence: 0.93 })]
    ],
    bad: ['1.0001', '-0.1', '2', '93', '50%', '0,5', '.5', '1.', 'NaN', 'Infinity', 'high', '1e1', '1e', 'e-1', '0x1', '1e9999', '0.5, 0.6']
  },
  {
    header: 'X-Detection-Boxes',
    good: [
      ['[]', details({ boxes: [] })],
      [boxes(BOX), details({ boxes: [BOX] })],
      [` ${boxes(BOX, BOX)} `, details({ boxes: [BOX, BOX] })],
      [boxes({ x: 0, y: 0, width: 1, height: 1 }), details({ boxes: [{ x: 0, y: 0, width: 1, height: 1 }] })],
      [boxes({ ...BOX, label: 'oil', confidence: 0.9 }), details({ boxes: [{ ...BOX, label: 'oil', confidence: 0.9 }] })],
      [boxes({ ...BOX, label: '' }), details({ boxes: [{ ...BOX, label: '' }] })],
      [boxes({ ...BOX, label: 'l'.repeat(64), confidence: 0 }), details({ boxes: [{ ...BOX, label: 'l'.repeat(64), confidence: 0 }] })],
      [boxes({ ...BOX, label: '\u00d6l' }), details({ boxes: [{ ...BOX, label: '\u00d6l' }] })],
      [boxes({ ...BOX, track: 7, area: 'large' }), details({ boxes: [BOX] })],
      [boxes(...Array(MAX_BOXES).fill(BOX)), details({ boxes: Array(MAX_BOXES).fill(BOX) })]
    ],
    bad: [
      boxes(...Array(MAX_BOXES + 1).fill(BOX)), '{', '[', '{}', 'null', '1', '"[]"', boxes(null), boxes(1), boxes([0.1, 0.2, 0.3, 0.4]), boxes('box'),
      boxes({}), boxes({ ...BOX, x: undefined }), boxes({ ...BOX, y: null }), boxes({ ...BOX, x: '0.1' }), boxes({ ...BOX, x: -0.01 }),
      boxes({ ...BOX, y: 1.01 }), boxes({ ...BOX, width: 640 }), boxes({ ...BOX, height: -1 }), boxes({ ...BOX, label: 7 }), boxes({ ...BOX, label: null }),
      boxes({ ...BOX, label: 'l'.repeat(65) }), boxes({ ...BOX, confidence: 1.1 }), boxes({ ...BOX, confidence: '0.9' }), boxes({ ...BOX, confidence: null }),
      '[{"x":1e999,"y":0,"width":1,"height":1}]', '[{"x":NaN,"y":0,"width":1,"height":1}]', `[{"__proto__":${JSON.stringify(BOX)}}]`, boxes(BOX, {}),
      `${boxes(BOX)}, ${boxes(BOX)}`, '[[[[[]]]]]'
    ]
  },
  {
    header: 'X-Model-Version',
    good: [['slick-net 2.1', details({ modelVersion: 'slick-net 2.1' })], ['v'.repeat(128), details({ modelVersion: 'v'.repeat(128) })]],
    bad: ['v'.repeat(129), 'slick\u2013net', 'a\u0007b']
  },
  {
    header: 'X-Latitude',
    good: [
      ['58.37', details({ latitude: 58.37 })], ['-90', details({ latitude: -90 })], ['90', details({ latitude: 90 })], ['0', details({ latitude: 0 })],
      ['1.5e-7', details({ latitude: 1.5e-7 })]
    ],
    bad: ['90.0001', '-91', '58.37N', '58\u00b022\u2032', '58,37', 'NaN', '58.37, 1.91']
  },
  {
    header: 'X-Longitude',
    good: [['-180', details({ longitude: -180 })], ['180', details({ longitude: 180 })], ['1.91', details({ longitude: 1.91 })]],
    bad: ['180.0001', '-181', '1.91E', 'east']
  },
  {
    header: 'X-Heading',
    good: [['0', details({ heading: 0 })], ['360', details({ heading: 360 })], ['270.5', details({ heading: 270.5 })]],
    bad: ['-0.1', '361', 'NW', '270deg']
  }
]

t.test('without any header a frame reports no spill and says nothing more', async t => {
  t.strictSame(parseFrameHeaders({}), NOTHING)
  t.strictSame(parseFrameHeaders({ 'content-type': 'image/jpeg', 'x-other': 'x' }), NOTHING)
  t.strictSame(parseFrameHeaders({ 'x-capture-timestamp': undefined }), NOTHING)
})

for (const { header, good, bad } of TABLE) {
  t.test(header, async t => {
    for (const [value, report] of good) t.strictSame(parseFrameHeaders({ [header.toLowerCase()]: value }), { ...NOTHING, ...report }, JSON.stringify(value).slice(0, 60))
    for (const value of [...bad, ...NEVER]) {
      const problem = parseFrameHeaders({ [header.toLowerCase()]: value })
      t.match(problem, { header, expected: /^\S.*[^.]$/ }, JSON.stringify(value)?.slice(0, 60))
      t.strictSame(Object.keys(problem).sort(), ['expected', 'header'], 'and nothing of it is taken')
    }
  })
}

t.test('all at once', async t => {
  const values = Object.fromEntries(TABLE.map(({ header, good }) => [header.toLowerCase(), good[0]?.[0] ?? '']))
  const reports = TABLE.map(({ good }) => good[0]?.[1] ?? {})
  const all = reports.flatMap(({ details }) => details === undefined ? [] : [details])
  t.strictSame(parseFrameHeaders(values), { ...NOTHING, ...Object.assign({}, ...reports), details: Object.assign({}, ...all) })
})

t.test('one that cannot be read is a problem, however good the others are', async t => {
  t.match(parseFrameHeaders({ 'x-oil-spill-detected': 'true', 'x-frame-sequence': '7', 'x-heading': 'north' }), { header: 'X-Heading' })
})
