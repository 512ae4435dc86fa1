import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { claimDataFolder, refuseLostHistory, type DataFolder } from '../store/data-folder.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The data folder, claimed for this server until it has closed. */
    dataFolder: DataFolder
  }
}

/** Claims the data folder before anything uses it, and lets go of it after everything has closed. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const folder = claimDataFolder(config.dataDir)
  app.decorate('dataFolder', folder)
  app.addHook('onClose', async () => { folder.release() })
  refuseLostHistory(folder.path)
}, { name: 'data-folder' })
