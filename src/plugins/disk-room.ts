import fs from 'node:fs/promises'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { DiskRoom } from '../store/disk-room.js'
import type { EvidenceFiles } from '../store/evidence-store.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The room for evidence. */
    diskRoom: DiskRoom
  }
}

/** Knows how much room there is for evidence. */
export default fp<{ config: Config, files?: EvidenceFiles | undefined }>(async (app, { config, files = fs }) => {
  app.decorate('diskRoom', new DiskRoom({ dataFolder: app.dataFolder.path, files, clock: app.clock, minFreeBytes: config.minFreeBytes }))
}, { name: 'disk-room', dependencies: ['clock', 'data-folder'] })
