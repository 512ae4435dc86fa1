import fp from 'fastify-plugin'
import { DatasetExport } from '../store/dataset-export.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The frames of reviewed events with their labels. */
    dataset: DatasetExport
  }
}

/** Exports what people have reviewed, for training. */
export default fp(async app => {
  app.decorate('dataset', new DatasetExport(app.sql, app.dataFolder.path, app.clipFiles, ({ path, clipNumber, event }, err) => {
    app.log.warn({ err, path, clipNumber, eventId: event.eventId }, 'an image was left out of an export')
  }))
}, { name: 'dataset', dependencies: ['data-folder', 'database', 'clips'] })
