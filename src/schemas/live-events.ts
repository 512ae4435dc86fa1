import { Type } from '@sinclair/typebox'

/** Where a client was when it was told last. */
export const LiveQuery = Type.Object({
  last_event_id: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: Number.MAX_SAFE_INTEGER,
    description: 'Begin behind the event with this id; now where it is left out. The header Last-Event-ID, which browsers send when they connect again, counts more',
    examples: [1042]
  }))
}, { additionalProperties: false })
