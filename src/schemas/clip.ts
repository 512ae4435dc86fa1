import { Type, type Static } from '@sinclair/typebox'
import { Box } from './detection.js'
import { Datetime } from './text.js'

/** Names a frame of a clip in a path. */
export const ClipFrameParams = Type.Object({
  id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'The event\'s id' }),
  n: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'The frame\'s number in its clip' })
})

/** Which clip of an event is meant. */
export const ClipFrameQuery = Type.Object({
  clip: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'The clip_id; the event\'s first clip where it is left out' }))
})

/** How a clip is sent. */
export const ClipQuery = Type.Object({
  speed: Type.Optional(Type.Number({ minimum: 0.1, maximum: 100, description: 'How many times as fast as it happened it is replayed; 1 where it is left out', examples: [4] })),
  format: Type.Optional(Type.Union([Type.Literal('mjpeg'), Type.Literal('mp4')], { description: 'mjpeg where it is left out; mp4 is made by ffmpeg, where the server has it' })),
  download: Type.Optional(Type.Union([Type.Literal(''), Type.Literal('true'), Type.Literal('1')], { description: 'Sends the file, to be saved, instead of replaying it' }))
})

/** A frame of a clip. */
export const ClipFrame = Type.Object({
  clip_id: Type.Integer({ description: 'The clip that it is in; an event that was merged may have several', examples: [1] }),
  number: Type.Integer({ description: 'Its place in the file: 1, 2, 3', examples: [11] }),
  path: Type.String({ description: 'The clip\'s file, below the data folder', examples: ['oil_spill_frames/oil_spill_20230623_143022.mjpeg'] }),
  offset_bytes: Type.Integer({ description: 'Where it begins in the file', examples: [1048576] }),
  size_bytes: Type.Integer({ examples: [101248] }),
  sha256: Type.String({ description: 'Of the frame, as the camera sent it', examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] }),
  taken_at: Datetime('Its place in the order of frames: when it was captured, but never after it was received'),
  captured_at: Type.Union([Datetime('When it was captured, on the camera\'s clock'), Type.Null()], { description: 'null where the camera did not say' }),
  received_at: Datetime('When the server received it'),
  role: Type.Union([Type.Literal('pre'), Type.Literal('opening'), Type.Literal('during'), Type.Literal('peak'), Type.Literal('post')], {
    description: 'Before the event, the frame that opened it, within it, the one of those of which the detector was surest, or after it; settled when the clip is closed'
  }),
  width: Type.Integer({ description: 'In pixels', examples: [1280] }),
  height: Type.Integer({ description: 'In pixels', examples: [720] }),
  confidence: Type.Union([Type.Number({ minimum: 0, maximum: 1, examples: [0.93] }), Type.Null()], { description: 'How sure the detector was' }),
  boxes: Type.Union([Type.Array(Box), Type.Null()], { description: 'Where it saw oil' }),
  frame_url: Type.String({ description: 'Where to get it, on this server', examples: ['/api/oil_spill_events/1/frames/11?clip=1'] })
}, { $id: 'ClipFrame', description: 'A frame of the clip of an event' })

/** A frame of a clip. */
export type ClipFrame = Static<typeof ClipFrame>
