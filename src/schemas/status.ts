import { Type } from '@sinclair/typebox'
import { cameraOverview } from './camera.js'
import { EpochSeconds } from './text.js'
import { RelayTotals } from './viewers.js'

/** How server, stream and one camera are. */
export const Status = Type.Object({
  ...cameraOverview,
  server_time: EpochSeconds('The server\'s clock'),
  relay: RelayTotals,
  frames_received: Type.Integer({ description: 'Frames taken since the start, without those that came late' }),
  resolution: Type.Union([
    Type.Object({ width: Type.Integer(), height: Type.Integer() }),
    Type.Null()
  ], { description: 'Size of the newest frame in pixels; null before the first', examples: [{ width: 1280, height: 720 }] }),
  last_capture_time: Type.Union([EpochSeconds('When the newest frame was taken, on the camera\'s clock'), Type.Null()], { description: 'null where the camera does not say' }),
  clock_skew_seconds: Type.Union([Type.Number(), Type.Null()], { description: 'How far the camera\'s clock is behind the server\'s, the time on the way included; null where it is not known', examples: [0.08] }),
  late_frames: Type.Integer({ description: 'Frames since the start that came after a newer one: they only take their place in the history' }),
  duplicate_frames: Type.Integer({ description: 'Frames since the start that were sent again and taken once' }),
  uptime_seconds: Type.Number({ description: 'Since the server started' }),
  version: Type.String({ examples: ['0.1.0'] }),
  unauthorized_attempts: Type.Integer({ description: 'Requests that were refused since the start for who sent them: a wrong password, key or token, none, or one with too few rights' }),
  refused_frames: Type.Integer({ description: 'Frames of this camera that were refused since the start: not a whole JPEG, too large, too many, or with a header that cannot be read' }),
  storage: Type.Object({
    ok: Type.Boolean({ description: 'False from a failure until the next event is stored, and while there is no room for evidence' }),
    failures: Type.Integer({ description: 'Times since the start that an event could not be stored' }),
    last_error: Type.Union([Type.String({ examples: ['ENOSPC'] }), Type.Null()], { description: 'Code of the last failure' }),
    unstored_detections: Type.Integer({ description: 'Detections of feeds and sources that are held in memory until they can be stored', examples: [0] }),
    lost_detections: Type.Integer({ description: 'Detections of feeds and sources that were given up since the start: there was no room to hold them until they could be stored, or it took too long', examples: [0] }),
    evidence_bytes: Type.Union([Type.Integer({ examples: [52428800] }), Type.Null()], { description: 'All evidence that is kept, known to half a minute; null just after the start' }),
    free_bytes: Type.Union([Type.Integer({ examples: [53687091200] }), Type.Null()], { description: 'Of the disk, known to half a minute; null where that is not known' }),
    limit_exceeded: Type.Union([Type.Literal('total_bytes'), Type.Literal('free_disk'), Type.Null()], { description: 'The limit beyond which there is evidence of which none may be deleted: `RETAIN_MAX_BYTES` or `MIN_FREE_BYTES`; null for none' })
  }, { description: 'Whether events and their evidence can be stored' }),
  cameras: Type.Object({
    total: Type.Integer({ examples: [12] }),
    online: Type.Integer({ examples: [11] }),
    delayed: Type.Integer({ description: 'Those whose frames come long after they were taken', examples: [0] }),
    offline: Type.Integer({ description: 'Those that fell silent', examples: [1] }),
    reporting_spill: Type.Integer({ examples: [0] })
  }, { description: 'All cameras of this server' })
}, { $id: 'Status' })

/** The history in short. */
export const DetectionSummary = Type.Object({
  current_status: Type.String({ description: 'One line for people', examples: ['Normal: No oil spill detected', 'Alert: Oil spill detected', 'Unknown: No frames from rig-4'] }),
  total_events: Type.Integer({ description: 'Events since ever', examples: [3] }),
  last_detection: Type.Union([Type.String({ examples: ['2023-06-23T14:30:22.123000'] }), Type.Null()], {
    description: 'When the newest event started (UTC); null where there is none'
  })
}, { $id: 'DetectionSummary' })
