import fp from 'fastify-plugin'
import { EvidenceStore, type EvidenceFiles } from '../store/evidence-store.js'
import { toStartupError } from '../store/storage-errors.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The stored frames of events. */
    evidenceStore: EvidenceStore
  }
}

/** Opens the evidence and tidies up what a crash left. */
export default fp<{ files?: EvidenceFiles | undefined }>(async (app, { files }) => {
  try {
    const store = await EvidenceStore.open(app.dataFolder.path, files, async path => await app.eventRepository.isPathKnown(path))
    const moved = await store.sweep(async paths => await app.eventRepository.unclaimedPaths(paths))
    if (moved > 0) app.log.warn({ moved }, 'frames that no event claims were moved to unclaimed_frames')
    app.decorate('evidenceStore', store)
  } catch (error) {
    throw toStartupError(error, app.dataFolder.path)
  }
}, { name: 'evidence-store', dependencies: ['data-folder', 'event-repository'] })
