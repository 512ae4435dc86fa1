import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { Audience } from '../core/audience.js'
import { ByteBudget } from '../core/byte-budget.js'
import { DEFAULT_CAMERA_ID, type CameraSettings } from '../core/camera.js'
import { CameraRegistry } from '../core/camera-registry.js'
import { Connectivity } from '../core/connectivity.js'
import { FrameRing } from '../core/frame-ring.js'
import { EventRecorder } from '../core/event-recorder.js'
import type { OilSpillEvent } from '../core/event.js'
import { LiveCamera } from '../core/live-camera.js'
import { LiveStream } from '../core/live-stream.js'
import { CameraDisabled, CameraNotFound, IdempotencyKeyReused, StorageFull, StorageUnavailable } from '../errors.js'
import type { StoredCamera } from '../store/camera-queries.js'
import { CameraRepository } from '../store/camera-repository.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The cameras of this server and their keys. */
    cameras: CameraRegistry
    /** What is stored of cameras. */
    cameraRepository: CameraRepository
    /** The viewers of all cameras together. */
    audience: Audience
    /** The camera of this id, or the default one. Throws CameraNotFound. */
    findCamera (cameraId: string | undefined): LiveCamera
  }
}

/** Frames that wait for a slow disk are held in memory up to this many bytes, those of all cameras together. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

/** What is remembered of the time before events: of one camera, and of all together. */
const MAX_RING_BYTES_PER_CAMERA = 16 * 1024 * 1024
const MAX_RING_BYTES = 128 * 1024 * 1024

/** Takes up every camera where it was when the server stopped, and lets what is being stored finish before the database closes. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const { clock, frameBuffers, eventArchive } = app
  const repository = new CameraRepository(app.sql)
  const audience = new Audience(config.maxViewers)
  const waiting = new ByteBudget(MAX_WAITING_BYTES)
  const rings = new ByteBudget(MAX_RING_BYTES)
  const offlineAfterMs = config.cameraOfflineAfterSeconds * 1000
  const started = { nowMs: clock.nowMs(), monotonicMs: clock.monotonicMs() }
  const clip = { maxFps: config.eventClipFps, postMs: config.postEventSeconds * 1000 }
  const reach = { gapMs: config.eventGapSeconds * 1000, silenceMs: offlineAfterMs }

  function takeUp ({ settings, isStreamStopped, newestTakenAtMs, clockSkewMs, connection }: StoredCamera, resumed: OilSpillEvent | undefined): LiveCamera {
    const { cameraId } = settings
    const frames = frameBuffers.of(cameraId)
    return new LiveCamera({
      settings,
      frames,
      liveStream: new LiveStream({ clock, defer: setImmediate, frames, stopped: isStreamStopped, audience, maxFps: config.streamMaxFps }),
      recorder: new EventRecorder({
        cameraId,
        store: eventArchive,
        clock,
        reach,
        ring: new FrameRing({ windowMs: config.preEventSeconds * 1000, maxFps: config.eventClipFps, maxBytes: MAX_RING_BYTES_PER_CAMERA, shared: rings }),
        clip,
        resumed,
        waiting,
        overloaded: () => new StorageUnavailable('too many frames wait for the disk'),
        noRoom: () => new StorageFull()
      }),
      connectivity: new Connectivity(offlineAfterMs, {
        connection: connection?.connection ?? 'never_seen', lastFrameAtMs: newestTakenAtMs ?? connection?.atMs
      }, started),
      // What was noted is up to a minute old. A frame from long before the start is no live picture, by the camera's clock as it was.
      newestTakenAtMs: connection === null && newestTakenAtMs === null ? undefined : Math.max(newestTakenAtMs ?? 0, started.nowMs - offlineAfterMs - Math.max(0, clockSkewMs ?? 0)),
      onRelayError: err => { app.log.error({ err, cameraId }, 'a frame could not be relayed') },
      keyReused: () => new IdempotencyKeyReused(),
      switchedOff: () => new CameraDisabled(cameraId)
    })
  }

  const [{ cameras, keys }, openEvents] = await Promise.all([repository.load(), app.eventRepository.openEvents()])
  const openOf = new Map(openEvents.map(event => [event.cameraId, event]))
  const known = { cameras: cameras.map(each => takeUp(each, openOf.get(each.settings.cameraId))), keys }
  const registry = new CameraRegistry(repository, clock, known, {
    camera: (settings: CameraSettings) => takeUp({ settings, isStreamStopped: false, newestTakenAtMs: null, clockSkewMs: null, connection: null }, undefined),
    gone: cameraId => new CameraNotFound(cameraId)
  })

  registry.onChange(cameraId => { if (registry.get(cameraId) === undefined) frameBuffers.drop(cameraId) })

  app.decorate('cameras', registry)
  app.decorate('cameraRepository', repository)
  app.decorate('audience', audience)
  app.decorate('findCamera', (cameraId: string | undefined) => {
    const camera = registry.get(cameraId ?? DEFAULT_CAMERA_ID)
    if (camera === undefined) throw new CameraNotFound(String(cameraId))
    return camera
  })
  app.addHook('onClose', async () => { for (const camera of registry.all()) await camera.close() })
}, { name: 'cameras', dependencies: ['clock', 'database', 'event-repository', 'event-archive', 'frame-buffer'] })
