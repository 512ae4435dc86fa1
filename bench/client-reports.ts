import { Type, type Static } from '@sinclair/typebox'

/** What each client is told, as its one argument, and what it reports. */

export const ViewersSettings = Type.Object({
  port: Type.Integer(),
  /** With `{camera}` in it, that stands for the number of the viewer, modulo that of the cameras. */
  path: Type.String(),
  cameras: Type.Integer({ minimum: 1 }),
  viewers: Type.Integer({ minimum: 1 }),
  /** Of these, how many read slowly, and how many bytes a second each reads then. */
  slowViewers: Type.Integer(),
  slowBytesPerSecond: Type.Number(),
  /** Of these, how many stop reading behind the head of the response. */
  stoppedViewers: Type.Integer()
})
export type ViewersSettings = Static<typeof ViewersSettings>

/** Of the viewers that read all they get, but for `slowFramesPerSecond`. Times in milliseconds; rates a second. */
export const ViewersReport = Type.Object({
  seconds: Type.Number(),
  bytes: Type.Number({ description: 'over all viewers, slow ones included, heads included' }),
  framesPerSecond: Type.Array(Type.Number(), { description: 'of each viewer' }),
  slowFramesPerSecond: Type.Array(Type.Number()),
  latencyP50Ms: Type.Optional(Type.Number()),
  latencyP99Ms: Type.Optional(Type.Number()),
  skipped: Type.Integer(),
  repeated: Type.Integer(),
  outOfOrder: Type.Integer(),
  bad: Type.Integer(),
  lost: Type.Integer({ description: 'viewers whose connection was refused or ended' }),
  cpuSeconds: Type.Number()
})
export type ViewersReport = Static<typeof ViewersReport>

export const UploaderSettings = Type.Object({
  port: Type.Integer(),
  path: Type.String(),
  headers: Type.Record(Type.String(), Type.String()),
  framesFolder: Type.String(),
  connections: Type.Integer({ minimum: 1 }),
  /** Over all connections; null for as many as are acknowledged. */
  framesPerSecond: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Null()])
})
export type UploaderSettings = Static<typeof UploaderSettings>

export const FleetSettings = Type.Object({
  port: Type.Integer(),
  method: Type.String(),
  cameras: Type.Array(Type.Object({ path: Type.String(), headers: Type.Record(Type.String(), Type.String()) }), { minItems: 1 }),
  framesFolder: Type.String(),
  /** Of each camera. */
  framesPerSecond: Type.Number({ exclusiveMinimum: 0 }),
  /** Whether each camera sends all its frames in one endless request. */
  asFeed: Type.Boolean(),
  /** How many frames each camera sends before it falls silent; null for no end. */
  framesEach: Type.Union([Type.Integer({ minimum: 1 }), Type.Null()]),
  /** Of so many frames of each camera one reports a spill, which opens an event that the next one ends; null for none. */
  framesPerEvent: Type.Union([Type.Integer({ minimum: 2 }), Type.Null()])
})
export type FleetSettings = Static<typeof FleetSettings>

/** Of a feed, which is not answered while it goes on, a frame counts as acknowledged once the kernel has taken it, and `ack…` is missing. */
export const UploaderReport = Type.Object({
  seconds: Type.Number(),
  acknowledged: Type.Integer(),
  ackP50Ms: Type.Optional(Type.Number()),
  ackP99Ms: Type.Optional(Type.Number()),
  refused: Type.Integer({ description: 'answers other than 2xx; of a feed, any answer' }),
  missed: Type.Integer({ description: 'frames whose turn passed while every connection that could send them waited for its answer' }),
  reconnects: Type.Integer(),
  cpuSeconds: Type.Number()
})
export type UploaderReport = Static<typeof UploaderReport>

export const SnapshotsSettings = Type.Object({
  port: Type.Integer(),
  path: Type.String(),
  connections: Type.Integer({ minimum: 1 }),
  headers: Type.Record(Type.String(), Type.String())
})
export type SnapshotsSettings = Static<typeof SnapshotsSettings>

export const SnapshotsReport = Type.Object({
  seconds: Type.Number(),
  answers: Type.Integer(),
  bytes: Type.Number(),
  latencyP50Ms: Type.Optional(Type.Number()),
  latencyP99Ms: Type.Optional(Type.Number()),
  refused: Type.Integer({ description: 'answers other than 2xx and 304' }),
  cpuSeconds: Type.Number()
})
export type SnapshotsReport = Static<typeof SnapshotsReport>

export const ChurnSettings = Type.Object({
  port: Type.Integer(),
  path: Type.String(),
  viewersPerSecond: Type.Number({ exclusiveMinimum: 0 })
})
export type ChurnSettings = Static<typeof ChurnSettings>

export const ChurnReport = Type.Object({
  seconds: Type.Number(),
  opened: Type.Integer(),
  served: Type.Integer({ description: 'viewers that got a whole frame before they left' }),
  failed: Type.Integer(),
  stayerFramesPerSecond: Type.Number(),
  cpuSeconds: Type.Number()
})
export type ChurnReport = Static<typeof ChurnReport>
