import { Type, type Static } from '@sinclair/typebox'
import { CameraId } from './camera.js'

const moment = (description: string, example: string) => Type.String({
  maxLength: 40,
  description: `${description}: RFC 3339, a time without a zone, which is UTC, or a day`,
  examples: [example]
})

/** Which events are listed, in which order and form. All is optional, and each thing that is said narrows the list. */
export const EventQuery = Type.Object({
  camera: Type.Optional(Type.Array(CameraId, { minItems: 1, maxItems: 100, description: 'Of these cameras: several separated by commas, or each for itself', examples: [['default']] })),
  from: Type.Optional(moment('Events that were going on at this time or later', '2026-03-01')),
  to: Type.Optional(moment('Events that had begun by this time; a day counts to its end', '2026-03-31T12:00:00Z')),
  state: Type.Optional(Type.Union([Type.Literal('open'), Type.Literal('ended')], { description: 'Only those that go on, or only those that are over', examples: ['open'] })),
  verdict: Type.Optional(Type.Union([Type.Literal('confirmed'), Type.Literal('false_positive'), Type.Literal('unsure'), Type.Literal('unreviewed')], {
    description: 'By the newest review', examples: ['confirmed']
  })),
  min_confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1, description: 'How sure the detector was at least of one of its frames', examples: [0.8] })),
  bbox: Type.Optional(Type.Array(Type.Number({ minimum: -180, maximum: 180 }), {
    minItems: 4,
    maxItems: 4,
    description: 'Seen from within this box: west, south, east, north in degrees, separated by commas, as in RFC 7946; with west greater than east across the antimeridian',
    examples: [[-5, 50, 12.5, 62]]
  })),
  q: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'With all of these words in the notes of their reviews, in whatever case. Only for people who log in, as the reviews are: 401 `LOGIN_MISSING` for others', examples: ['sheen'] })),
  sort: Type.Optional(Type.Union([Type.Literal('started_at'), Type.Literal('-started_at')], { description: 'Oldest first, or with `-` newest first', examples: ['-started_at'], default: 'started_at' })),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'So many at most; a header `Link` with `rel="next"` says where the next are', examples: [100] })),
  cursor: Type.Optional(Type.String({ maxLength: 200, description: 'Where to go on: from the `Link` of the page before, with the same filters and order' })),
  format: Type.Optional(Type.Union([Type.Literal('json'), Type.Literal('ndjson'), Type.Literal('csv'), Type.Literal('geojson')], {
    description: 'The form of the answer; the header Accept where it is left out', examples: ['json']
  }))
}, { additionalProperties: false })

/** Which events are listed, in which order and form. */
export type EventQuery = Static<typeof EventQuery>
