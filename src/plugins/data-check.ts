import fs from 'node:fs/promises'
import { join } from 'node:path'
import fp from 'fastify-plugin'
import type { EvidenceFiles } from '../store/evidence-store.js'
import { errorCode, toStartupError } from '../store/storage-errors.js'

/** How many of the newest files are looked for: what a crash can take with it is among them. */
const NEWEST = 500

/**
 * The quick form of `videostream check`, for the part of it that is not done where files, clips, deletions and the
 * database are opened: whether the newest evidence is there, and no event is open whose camera is gone. It takes the same
 * time however long the history.
 */
export default fp<{ files?: EvidenceFiles | undefined }>(async (app, { files = fs }) => {
  async function isThere (path: string): Promise<boolean> {
    try {
      await files.access(join(app.dataFolder.path, path))
      return true
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') throw error
      return false
    }
  }

  try {
    const { newest, orphans } = await app.sql.call('quickCheck', NEWEST)
    const present = await Promise.all(newest.map(isThere))
    const missing = newest.filter((_path, at) => present[at] === false)
    if (missing.length > 0) app.log.error({ files: missing.length, newest: missing[0] }, 'evidence is missing: videostream check names it; restore it from a backup')
    for (const eventId of orphans) {
      await app.sql.call('endOrphan', eventId, 'server')
      app.log.warn({ eventId }, 'an event was ended that was open though its camera is gone')
    }
  } catch (error) {
    throw toStartupError(error, app.dataFolder.path)
  }
}, { name: 'data-check', dependencies: ['data-folder', 'database', 'evidence-store'] })
