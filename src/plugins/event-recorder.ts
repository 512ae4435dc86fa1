import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { DEFAULT_CAMERA_ID } from '../core/camera.js'
import { EventRecorder } from '../core/event-recorder.js'
import { StorageUnavailable } from '../errors.js'
import { EventArchive, type StorageHealth } from '../store/event-archive.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Turns the camera's frames into events. */
    eventRecorder: EventRecorder
    /** How storing went. */
    storageHealth: () => StorageHealth
  }
}

/** How often the gap of an event is looked at while no frames come. */
const SILENCE_CHECK_MS = 1000

/** Takes up the event that was open, and lets what is being stored finish before the database closes. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const archive = new EventArchive(app.eventRepository, app.evidenceStore, {
    onFailure: err => { app.log.error({ err, cameraId: DEFAULT_CAMERA_ID }, 'an event could not be stored') },
    onNoteLost: err => { app.log.warn({ err, cameraId: DEFAULT_CAMERA_ID }, 'the last detection of the open event could not be noted') }
  })
  const recorder = new EventRecorder({
    cameraId: DEFAULT_CAMERA_ID,
    store: archive,
    clock: app.clock,
    gapMs: config.eventGapSeconds * 1000,
    resumed: await app.eventRepository.openEventOf(DEFAULT_CAMERA_ID),
    overloaded: () => new StorageUnavailable('too many frames wait for the disk')
  })
  // The archive logs and counts its failures; the next check tries again.
  const checkSilence = (): void => { recorder.checkSilence().catch(() => {}) }
  checkSilence()
  const timer = config.eventGapSeconds > 0 ? setInterval(checkSilence, SILENCE_CHECK_MS) : undefined
  timer?.unref()
  app.decorate('eventRecorder', recorder)
  app.decorate('storageHealth', () => archive.health)
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await recorder.close()
  })
}, { name: 'event-recorder', dependencies: ['clock', 'event-repository', 'evidence-store'] })
