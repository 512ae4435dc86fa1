import { Type } from '@sinclair/typebox'
import { EpochSeconds } from './text.js'
import { RelayTotals } from './viewers.js'

/** How server, stream and camera are. The first six keys are those of the original program. */
export const Status = Type.Object({
  stream_active: Type.Boolean({ description: 'Whether the live picture may be watched' }),
  last_frame_time: Type.Union([EpochSeconds('When the newest frame was received'), Type.Null()], { description: 'null before the first frame' }),
  frame_age_seconds: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], { description: 'How old the newest frame is; null before the first', examples: [2.5] }),
  server_time: EpochSeconds('The server\'s clock'),
  oil_spill_detected: Type.Boolean({ description: 'Whether the newest frame reports a spill, or an event is open' }),
  oil_spill_events: Type.Integer({ description: 'Events since ever', examples: [3] }),
  viewers: Type.Integer({ description: 'Open live streams' }),
  relay: RelayTotals,
  frames_received: Type.Integer({ description: 'Frames taken since the start' }),
  input_fps: Type.Number({ description: 'Frames a second over the last five seconds', examples: [9.9] }),
  resolution: Type.Union([
    Type.Object({ width: Type.Integer(), height: Type.Integer() }),
    Type.Null()
  ], { description: 'Size of the newest frame in pixels; null before the first', examples: [{ width: 1280, height: 720 }] }),
  uptime_seconds: Type.Number({ description: 'Since the server started' }),
  version: Type.String({ examples: ['0.1.0'] }),
  unauthorized_attempts: Type.Integer({ description: 'Requests that were refused for their password since the start: uploads, stream controls, looks at the viewers' }),
  refused_frames: Type.Integer({ description: 'Frames with the right password that were refused since the start: not a whole JPEG, too large, too many, or with a header that cannot be read' }),
  storage: Type.Object({
    ok: Type.Boolean({ description: 'False from a failure until the next event is stored' }),
    failures: Type.Integer({ description: 'Times since the start that an event could not be stored' }),
    last_error: Type.Union([Type.String({ examples: ['ENOSPC'] }), Type.Null()], { description: 'Code of the last failure' })
  }, { description: 'Whether events and their evidence can be stored' })
}, { $id: 'Status' })

/** The history in short. */
export const DetectionSummary = Type.Object({
  current_status: Type.String({ description: 'One line for people', examples: ['Normal: No oil spill detected', 'Alert: Oil spill detected'] }),
  total_events: Type.Integer({ description: 'Events since ever', examples: [3] }),
  last_detection: Type.Union([Type.String({ examples: ['2023-06-23T14:30:22.123000'] }), Type.Null()], {
    description: 'When the newest event started (UTC); null where there is none'
  })
}, { $id: 'DetectionSummary' })
