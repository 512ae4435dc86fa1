import { Type, type Static } from '@sinclair/typebox'
import { Datetime } from './text.js'

const orNull = <T extends ReturnType<typeof Type.Number> | ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

/** A part of the picture in which the detector sees oil. */
export const Box = Type.Object({
  x: Type.Number({ minimum: 0, maximum: 1 }),
  y: Type.Number({ minimum: 0, maximum: 1 }),
  width: Type.Number({ minimum: 0, maximum: 1 }),
  height: Type.Number({ minimum: 0, maximum: 1 }),
  label: Type.Optional(Type.String({ examples: ['oil'] })),
  confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 }))
}, { description: 'Relative to the picture, from 0 to 1; x and y are the upper left corner' })

/** A camera's report of a spill in one frame. */
export const Detection = Type.Object({
  taken_at: Datetime('Its place in the order of frames: when it was captured, but never after it was received'),
  captured_at: Type.Union([Datetime('When it was captured, on the camera\'s clock'), Type.Null()], { description: 'null where the camera did not say' }),
  received_at: Datetime('When the server received it'),
  clock_skew_seconds: orNull(Type.Number({ examples: [0.08] }), 'How far the camera\'s clock was behind the server\'s, the time on the way included; null where it was not known'),
  frame_sequence: orNull(Type.Integer({ examples: [4711] }), 'The camera\'s own number'),
  sha256: Type.String({ description: 'Of the frame', examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] }),
  size_bytes: Type.Integer({ examples: [101248] }),
  width: Type.Integer({ description: 'In pixels', examples: [1280] }),
  height: Type.Integer({ description: 'In pixels', examples: [720] }),
  frame_path: orNull(Type.String({ examples: ['oil_spill_frames/oil_spill_20230623_143022.jpg'] }), 'Where the frame is kept, below the data folder; null where only its hash is'),
  confidence: orNull(Type.Number({ minimum: 0, maximum: 1, examples: [0.93] }), 'How sure the detector was'),
  boxes: Type.Union([Type.Array(Box), Type.Null()], { description: 'Where it saw oil' }),
  model_version: orNull(Type.String({ examples: ['slick-net 2.1'] }), 'The detector'),
  latitude: orNull(Type.Number({ examples: [58.37] }), 'Where the camera was, in degrees north'),
  longitude: orNull(Type.Number({ examples: [1.91] }), 'Where the camera was, in degrees east'),
  heading: orNull(Type.Number({ examples: [270] }), 'Where it looked, in degrees clockwise from true north')
}, { $id: 'Detection', description: 'A camera\'s report of a spill in one frame' })

/** A camera's report of a spill in one frame. */
export type Detection = Static<typeof Detection>
