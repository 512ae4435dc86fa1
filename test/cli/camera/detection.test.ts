import t from 'tap'
import { parseDetection } from '../../../src/cli/camera/detection.js'

const box = { x: 0.1, y: 0.2, width: 0.3, height: 0.4 }
const parse = (value: unknown) => parseDetection(JSON.stringify(value))

t.test('all that a detector may say', async t => {
  t.strictSame(parse({ spill: false }), { spillDetected: false, details: {}, complaints: [] })
  t.strictSame(parse({ spill: true, confidence: 0.9, boxes: [{ ...box, label: 'oil', confidence: 1 }], model_version: 'v 7', other: 1 }), {
    spillDetected: true,
    details: { confidence: 0.9, boxes: [{ ...box, label: 'oil', confidence: 1 }], modelVersion: 'v 7' },
    complaints: []
  })
  t.strictSame(parse({ spill: true, confidence: null, boxes: null, model_version: null }), { spillDetected: true, details: {}, complaints: [] })
  t.strictSame(parseDetection('  {"spill":true}\n'), { spillDetected: true, details: {}, complaints: [] })
})

t.test('what does not say whether there is a spill is a failure', async t => {
  const failures: Array<[text: string, message: RegExp]> = [
    ['', /said nothing/],
    ['\n', /said nothing/],
    ['true', /did not say/],
    ['{"spill": tru', /did not say one JSON object, but \{"spill": tru$/],
    ['{"spill":"true"}', /did not say/],
    ['{"spill":1}', /did not say/],
    ['[{"spill":true}]', /did not say/],
    ['{}', /did not say/],
    ['Loading model...\n{"spill":true}', /did not say one/],
    [`{"spill":"${'x'.repeat(500)}"}`, /^.{1,200}$/]
  ]
  for (const [text, message] of failures) t.throws(() => parseDetection(text), { message }, text)
})

t.test('a detail that makes no sense is left out, and the spill is not', async t => {
  const bad: Array<[value: object, details: object]> = [
    [{ confidence: 1.1 }, {}],
    [{ confidence: '0.9' }, {}],
    [{ model_version: '' }, {}],
    [{ model_version: 7 }, {}],
    [{ model_version: ' v' }, {}],
    [{ model_version: 'v\n7' }, {}],
    [{ model_version: 'ü' }, {}],
    [{ model_version: 'v'.repeat(129) }, {}],
    [{ boxes: { x: 1 } }, {}],
    [{ boxes: [box, { ...box, x: 320 }] }, { boxes: [box] }],
    [{ boxes: [box, { ...box, width: -0.2 }] }, { boxes: [box] }],
    [{ boxes: [box, { x: 0, y: 0, width: 1 }] }, { boxes: [box] }],
    [{ boxes: [box, 7] }, { boxes: [box] }],
    [{ boxes: [box, { ...box, label: 'x'.repeat(65) }] }, { boxes: [box] }],
    [{ boxes: [box, { ...box, label: 7 }] }, { boxes: [box] }],
    [{ boxes: [box, { ...box, confidence: 90 }] }, { boxes: [box] }]
  ]
  for (const [value, details] of bad) {
    const detection = parse({ spill: true, ...value })
    t.strictSame({ ...detection, complaints: detection.complaints.length }, { spillDetected: true, details, complaints: 1 }, JSON.stringify(value))
  }
})

t.test('what rounding put outside of the picture is its edge, and four digits are enough', async t => {
  t.strictSame(parse({ spill: true, boxes: [{ x: -0.001, y: 0.333333333, width: 1.0000001, height: 1.009 }] }).details.boxes,
    [{ x: 0, y: 0.3333, width: 1, height: 1 }])
})

t.test('of more than a hundred boxes the surest stay', async t => {
  const { details, complaints } = parse({ spill: true, boxes: Array.from({ length: 150 }, (_, i) => ({ ...box, confidence: i / 150 })) })
  t.equal(details.boxes?.length, 100)
  t.ok(details.boxes?.every(({ confidence = 0 }) => confidence >= 50 / 150))
  t.match(complaints, [/at most 100/])
})
