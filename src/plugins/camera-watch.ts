import fp from 'fastify-plugin'
import type { LiveCamera } from '../core/live-camera.js'
import type { ConnectionNote } from '../store/camera-queries.js'

/** How often cameras are looked at while no frames come. */
const CHECK_EVERY_MS = 1000

/** How often it is noted how far each camera's frames have come: once a minute, since each time is a commit. */
const NOTE_NEWEST_EVERY = 60

/** Notes of connections that are kept while they cannot be stored. */
const MAX_KEPT_NOTES = 10_000

/**
 * Looks after cameras that send nothing: says and notes that they fell silent and that they are back, and ends events
 * whose gap has passed.
 */
export default fp(async app => {
  const { clock, cameras, cameraRepository, log } = app
  const notedTakenAtMs = new Map<string, number>()
  let notes: ConnectionNote[] = []
  let storing: Promise<void> | undefined
  let checks = 0

  function check (): void {
    for (const camera of cameras.all()) {
      // The archive logs and counts its failures; the next check tries again.
      camera.recorder.checkSilence().catch(() => {})
      checkConnection(camera)
    }
    void storeConnections()
    checks += 1
    if (checks % NOTE_NEWEST_EVERY === 0) void storeNewest()
  }

  function checkConnection (camera: LiveCamera): void {
    const change = camera.pollConnection(clock.monotonicMs())
    if (change === undefined) return
    const { connection, lastFrameAtMs = null } = change
    const fields = { cameraId: camera.id, lastFrameAt: lastFrameAtMs === null ? null : new Date(lastFrameAtMs).toISOString() }
    if (connection === 'offline') log.warn(fields, 'a camera is offline: what it would see is not known')
    else log.info(fields, 'a camera is online')
    notes.push({ cameraId: camera.id, connection, atMs: clock.nowMs(), lastFrameAtMs })
  }

  /** One after the other: what is noted last of a camera is how it is. */
  async function storeConnections (): Promise<void> {
    storing ??= storeNotes().finally(() => { storing = undefined })
    await storing
  }

  async function storeNotes (): Promise<void> {
    if (notes.length === 0) return
    const stored = notes
    notes = []
    try {
      await cameraRepository.noteConnections(stored)
    } catch (err) {
      log.error({ err }, 'connections of cameras could not be noted')
      notes = [...stored, ...notes].slice(-MAX_KEPT_NOTES)
    }
  }

  async function storeNewest (): Promise<void> {
    const newest = [...cameras.all()].flatMap(({ id: cameraId, newestTakenAtMs: takenAtMs, clockSkewMs }) =>
      takenAtMs === undefined || notedTakenAtMs.get(cameraId) === takenAtMs ? [] : [{ cameraId, takenAtMs, clockSkewMs }])
    if (newest.length === 0) return
    try {
      await cameraRepository.noteNewestFrames(newest)
      for (const { cameraId, takenAtMs } of newest) notedTakenAtMs.set(cameraId, takenAtMs)
    } catch (err) {
      log.error({ err }, 'the times of the newest frames could not be noted')
    }
  }

  check()
  cameras.onChange(cameraId => { if (cameras.get(cameraId) === undefined) notedTakenAtMs.delete(cameraId) })
  const timer = setInterval(check, CHECK_EVERY_MS)
  timer.unref()
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await storing
    await storeConnections()
    await storeNewest()
  })
}, { name: 'camera-watch', dependencies: ['clock', 'cameras'] })
