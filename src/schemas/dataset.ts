import { Type } from '@sinclair/typebox'
import { CameraId } from './camera.js'
import { VerdictName } from './review.js'

const moment = (description: string, example: string) => Type.String({
  maxLength: 40, description: `${description}: RFC 3339, a time without a zone, which is UTC, or a day`, examples: [example]
})

/** Which reviewed frames are exported, and how. */
export const DatasetQuery = Type.Object({
  format: Type.Optional(Type.Union([Type.Literal('ndjson'), Type.Literal('coco'), Type.Literal('zip')], {
    default: 'ndjson',
    description: '`ndjson`: a line of JSON for each frame; `coco`: one JSON file in COCO\'s format; `zip`: that file with the images',
    examples: ['ndjson']
  })),
  verdict: Type.Optional(Type.Array(VerdictName, { minItems: 1, maxItems: 3, description: 'Frames of events with these verdicts, separated by commas; `confirmed,false_positive` where it is left out', examples: [['confirmed', 'false_positive']] })),
  camera: Type.Optional(CameraId),
  from: Type.Optional(moment('Events that were going on at this time or later', '2026-03-01')),
  to: Type.Optional(moment('Events that had begun by this time; a day counts to its end', '2026-03-31T12:00:00Z'))
}, { additionalProperties: false })
