import { Type, type Static } from '@sinclair/typebox'
import { Datetime } from './text.js'

/** Names an event in a path. */
export const EventParams = Type.Object({ id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'The event\'s id' }) })

/** One unbroken run of detections. The first three keys are those of the original program. */
export const OilSpillEvent = Type.Object({
  timestamp: Type.String({ description: 'When it started, for file names (UTC)', pattern: '^\\d{8}_\\d{6}$', examples: ['20230623_143022'] }),
  datetime: Datetime('When it started'),
  frame_path: Type.String({ description: 'The opening frame, below the data folder', examples: ['oil_spill_frames/oil_spill_20230623_143022.jpg'] }),
  id: Type.Integer({ description: 'Never used twice', examples: [1] }),
  camera_id: Type.String({ description: 'The camera that reported it', examples: ['default'] }),
  ended_at: Type.Union([Datetime('When it ended'), Type.Null()], { description: 'null while it is open' }),
  merged_into: Type.Union([Type.Integer(), Type.Null()], { description: 'The event that it turned out to be a part of, since a detection that came late bridged them; null for all that are listed' }),
  sha256: Type.String({ description: 'Of the opening frame, as the camera sent it', examples: ['9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'] }),
  size_bytes: Type.Integer({ description: 'Of the opening frame', examples: [101248] }),
  width: Type.Integer({ description: 'Of the opening frame, in pixels', examples: [1280] }),
  height: Type.Integer({ description: 'Of the opening frame, in pixels', examples: [720] }),
  evidence_state: Type.Union([Type.Literal('kept'), Type.Literal('missing'), Type.Literal('deleted')], {
    description: '`missing`: there was no room for the opening frame; `deleted`: by retention. The event and its hashes stay', examples: ['kept']
  }),
  frame_url: Type.String({ description: 'Where to get the opening frame, on this server', examples: ['/api/oil_spill_events/1/frame'] }),
  peak_confidence: Type.Union([Type.Number({ minimum: 0, maximum: 1, examples: [0.93] }), Type.Null()], { description: 'Of the detection that was surest; null where none said' }),
  latitude: Type.Union([Type.Number({ examples: [58.37] }), Type.Null()], { description: 'Where it was seen from, as its opening frame says, else where the camera was then (WGS 84); null where neither is known' }),
  longitude: Type.Union([Type.Number({ examples: [1.91] }), Type.Null()], { description: 'As latitude' }),
  verdict: Type.Union([Type.Literal('confirmed'), Type.Literal('false_positive'), Type.Literal('unsure'), Type.Null()], { description: 'Of the newest review; null before the first' }),
  acknowledged_at: Type.Union([Datetime('When somebody first acknowledged it'), Type.Null()], { description: 'null while nobody has' }),
  held: Type.Boolean({ description: 'Whether its evidence is kept from being deleted by retention', examples: [false] }),
  clip_url: Type.String({ description: 'Where its clip is replayed, on this server', examples: ['/api/oil_spill_events/1/clip'] }),
  thumbnail_url: Type.String({ description: 'Where to get a small picture of the opening frame, on this server', examples: ['/api/oil_spill_events/1/thumbnail'] })
}, { $id: 'OilSpillEvent', description: 'One unbroken run of detections' })

/** One unbroken run of detections. */
export type OilSpillEvent = Static<typeof OilSpillEvent>
