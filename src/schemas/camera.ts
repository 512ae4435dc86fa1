import { Type, type Static } from '@sinclair/typebox'
import { Datetime, EpochSeconds } from './text.js'

/** As `CAMERA_ID_PATTERN` of core. */
const pattern = '^[a-z0-9][a-z0-9_-]{0,62}$'

/** Names a camera. */
export const CameraId = Type.String({ pattern, description: 'The camera\'s id: lower-case letters, digits, `-` and `_`', examples: ['rig-4-north'] })

/** Names a camera in a path. */
export const CameraParams = Type.Object({ camera_id: CameraId })

/** Names a camera in a query; `default` where it is left out. */
export const CameraQuery = Type.Object({ camera: Type.Optional(Type.String({ ...CameraId, description: 'A camera\'s id; `default` where it is left out', examples: ['default'] })) })

/** Asks for one camera in a query; for all where it is left out. */
export const CamerasQuery = Type.Object({ camera: Type.Optional(Type.String({ pattern, description: 'A camera\'s id, such as `rig-4-north`; all cameras where it is left out' })) })

/** Names one key of a camera. */
export const CameraKeyParams = Type.Object({ camera_id: CameraId, key_id: Type.String({ description: 'The key\'s id', examples: ['5f0c7e1a9b3d2c48'] }) })

const nullable = <T extends ReturnType<typeof Type.Number> | ReturnType<typeof Type.String>>(schema: T, description: string) =>
  Type.Union([schema, Type.Null()], { description })

/** What administrators may say of a camera. */
const settings = {
  name: Type.String({ maxLength: 200, description: 'For people', examples: ['Rig 4, north'] }),
  site: nullable(Type.String({ maxLength: 200, examples: ['Rig 4'] }), 'The rig, port or ship that it is on'),
  latitude: nullable(Type.Number({ minimum: -90, maximum: 90, examples: [58.37] }), 'Degrees north, WGS 84'),
  longitude: nullable(Type.Number({ minimum: -180, maximum: 180, examples: [1.91] }), 'Degrees east, WGS 84'),
  heading: nullable(Type.Number({ minimum: 0, maximum: 360, examples: [270] }), 'Degrees clockwise from true north into which it looks'),
  enabled: Type.Boolean({ description: 'Whether it may send, and be watched', examples: [true] })
}

const source = {
  source: nullable(Type.String({ maxLength: 2048, examples: ['rtsp://user:password@192.0.2.17/stream1'] }),
    'Where the server fetches its frames: an MJPEG or snapshot address, RTSP, or what else ffmpeg reads; null where the camera sends them itself'),
  source_fps: nullable(Type.Number({ minimum: 0.01, maximum: 60, examples: [1] }),
    'Pictures a second: how often a snapshot is fetched, or at most how many ffmpeg makes; null for one snapshot a second, and all of what else there is')
}

const SourceState = Type.Union([Type.Literal('connecting'), Type.Literal('receiving'), Type.Literal('waiting')])

/** A new camera. */
export const NewCamera = Type.Object({
  camera_id: CameraId,
  ...Type.Partial(Type.Object({ ...settings, ...source })).properties
}, { $id: 'NewCamera', additionalProperties: false })

/** What changes of a camera; what is left out stays. */
export const CameraChanges = Type.Partial(Type.Object({ ...settings, ...source }), { $id: 'CameraChanges', additionalProperties: false, minProperties: 1 })

/** What administrators may change of a camera. */
export type CameraChanges = Static<typeof CameraChanges>

/** A camera. */
export const Camera = Type.Object({
  camera_id: CameraId,
  ...settings,
  source: nullable(Type.String({ examples: ['rtsp://***@192.0.2.17/stream1'] }),
    'Where the server fetches its frames, with stars for passwords; null where the camera sends them itself'),
  source_fps: source.source_fps,
  source_state: Type.Union([SourceState, Type.Null()], { description: 'How the server gets on with fetching its frames' }),
  source_problem: nullable(Type.String({ examples: ['no picture for 15 s'] }), 'Why the last try failed')
}, { $id: 'Camera' })

/** A camera. */
export type Camera = Static<typeof Camera>

/** A camera's key, without the key itself. */
export const CameraKey = Type.Object({
  key_id: Type.String({ description: 'To revoke it by', examples: ['5f0c7e1a9b3d2c48'] }),
  created_at: Datetime('When it was made')
}, { $id: 'CameraKey' })

/** A camera's key, without the key itself. */
export type CameraKey = Static<typeof CameraKey>

/** A key that was just made. */
export const NewCameraKey = Type.Object({
  key_id: Type.String({ description: 'To revoke it by', examples: ['5f0c7e1a9b3d2c48'] }),
  key: Type.String({ description: 'For the header X-Camera-Auth. Shown only this once: only its hash is kept', examples: ['vsk_your_camera_key'] }),
  created_at: Datetime('When it was made')
}, { $id: 'NewCameraKey' })

/** Whether frames come from a camera. */
export const CameraState = Type.Union([Type.Literal('online'), Type.Literal('offline'), Type.Literal('never_seen'), Type.Literal('delayed'), Type.Literal('disabled')], {
  description: '`offline`: no frame for CAMERA_OFFLINE_AFTER_SECONDS, so what is there now is not known; `delayed`: frames come, but by their capture times they are as old as that, or the camera\'s clock is behind; `never_seen`: none ever came; `disabled`: switched off by hand'
})

/** A camera fell silent, or was heard again. */
export const CameraConnection = Type.Object({
  connection: Type.Union([Type.Literal('online'), Type.Literal('offline')]),
  at: Datetime('When that was noticed'),
  last_frame_at: Type.Union([Datetime('When its last frame was received'), Type.Null()], { description: 'null where it is not known; to a minute where that was before the server started' })
}, { $id: 'CameraConnection' })

/** How one camera is, in short. */
export const cameraOverview = {
  camera_id: CameraId,
  name: settings.name,
  site: settings.site,
  state: CameraState,
  stream_active: Type.Boolean({ description: 'Whether the live picture may be watched' }),
  last_frame_time: Type.Union([EpochSeconds('When the newest frame was received'), Type.Null()], { description: 'null before the first frame' }),
  frame_age_seconds: Type.Union([Type.Number({ minimum: 0 }), Type.Null()], { description: 'How old the newest frame is: since it was taken where the camera says when, else since it was received; null before the first' }),
  oil_spill_detected: Type.Boolean({ description: 'Whether the newest frame reports a spill, or an event is open' }),
  open_event_id: Type.Union([Type.Integer(), Type.Null()], { description: 'The event that is open' }),
  oil_spill_events: Type.Integer({ description: 'Events since ever' }),
  input_fps: Type.Number({ description: 'Frames a second over the last five seconds' }),
  viewers: Type.Integer({ description: 'Open live streams' }),
  source_state: Type.Union([SourceState, Type.Null()], { description: 'How the server gets on with fetching its frames; null where the camera sends them itself' })
}

/** All cameras, for a wall of screens. */
export const CamerasStatus = Type.Object({
  server_time: EpochSeconds('The server\'s clock'),
  cameras: Type.Array(Type.Object(cameraOverview))
}, { $id: 'CamerasStatus' })
