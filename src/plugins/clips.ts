import fs from 'node:fs/promises'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { ClipArchive } from '../store/clip-archive.js'
import { ClipFiles } from '../store/clip-files.js'
import { ClipRepository } from '../store/clip-repository.js'
import type { EvidenceFiles } from '../store/evidence-store.js'
import { errorCode, toStartupError } from '../store/storage-errors.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The clips that grow. */
    clipArchive: ClipArchive
    /** The index of clips. */
    clipRepository: ClipRepository
    /** The files of clips. */
    clipFiles: ClipFiles
  }
}

/** A clip whose event is over is closed this long after what may still come to it. */
const CLOSING_DELAY_MS = 1000

/** How often clips are looked after. */
const CHECK_EVERY_MS = 1000

/** Opens the clips, and takes up those that were growing. */
export default fp<{ config: Config, files?: EvidenceFiles | undefined }>(async (app, { config, files = fs }) => {
  const repository = new ClipRepository(app.sql)
  const clipFiles = new ClipFiles(app.dataFolder.path, files)
  const archive = new ClipArchive(repository, clipFiles, {
    clock: app.clock,
    maxBytes: config.eventClipMaxBytes,
    room: app.diskRoom,
    closeAfterMs: config.postEventSeconds * 1000 + CLOSING_DELAY_MS,
    onFailure: (err, cameraId) => {
      app.log.error({ err, cameraId, code: errorCode(err) }, 'frames of an event could not be kept in its clip')
      app.eventArchive.noteFailure(err)
    }
  })
  try {
    const bytes = await archive.takeUp()
    if (bytes > 0) app.log.warn({ bytes }, 'bytes of clips that no index knows were moved to unclaimed_frames')
  } catch (error) {
    throw toStartupError(error, app.dataFolder.path)
  }
  const timer = setInterval(() => { void archive.closeFinished() }, CHECK_EVERY_MS)
  timer.unref()
  app.decorate('clipRepository', repository)
  app.decorate('clipFiles', clipFiles)
  app.decorate('clipArchive', archive)
  app.addHook('onClose', async () => {
    clearInterval(timer)
    await archive.closeFinished()
  })
}, { name: 'clips', dependencies: ['clock', 'data-folder', 'database', 'evidence-store', 'disk-room'] })
