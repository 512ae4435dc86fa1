import { Type } from '@sinclair/typebox'

/**
 * What a camera says of a frame, in the headers of an upload or of a part of a feed. Examples stand in the descriptions:
 * Swagger UI would send them along.
 */
export const FrameHeaders = Type.Object({
  'x-oil-spill-detected': Type.Optional(Type.Unsafe<string>({
    type: 'string',
    enum: ['true', 'false', '1', '0'],
    default: 'false',
    description: 'Whether the camera\'s detector sees a spill in this frame, in any letter case; left out means false'
  })),
  'x-camera-id': Type.Optional(Type.String({ description: 'The camera that the key must be of, such as `rig-4-north`' })),
  'x-capture-timestamp': Type.Optional(Type.String({
    description: 'When the frame was taken: RFC 3339, such as `2026-03-01T12:00:00.123Z`, or seconds since 1970, such as `1772366400.123`. A frame that is older than the newest one never becomes the live picture'
  })),
  'x-frame-sequence': Type.Optional(Type.String({ description: 'The camera\'s own number of the frame, growing, such as `4711`', pattern: '^\\d{1,16}$' })),
  'idempotency-key': Type.Optional(Type.String({
    minLength: 1, maxLength: 255, description: 'Names this frame, such as `rig-4-north-4711`: sent again with the same key it is kept once'
  })),
  'x-detection-confidence': Type.Optional(Type.String({ description: 'How sure the detector is, from 0 to 1, such as `0.93`' })),
  'x-detection-boxes': Type.Optional(Type.String({
    description: 'JSON: where the detector sees oil; at most 100 boxes, relative to the picture, from 0 to 1, x and y of the upper left corner. Such as `[{"x":0.1,"y":0.2,"width":0.3,"height":0.4,"label":"oil","confidence":0.9}]`'
  })),
  'x-model-version': Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'The detector, such as `slick-net 2.1`' })),
  'x-latitude': Type.Optional(Type.String({ description: 'Where the camera was, in degrees north, such as `58.37`' })),
  'x-longitude': Type.Optional(Type.String({ description: 'Where the camera was, in degrees east, such as `1.91`' })),
  'x-heading': Type.Optional(Type.String({ description: 'Where it looked, in degrees clockwise from true north, such as `270`' }))
})

/** Says whose key or password a request carries. */
export const CameraIdHeader = Type.Pick(FrameHeaders, ['x-camera-id'])
