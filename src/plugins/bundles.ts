import fp from 'fastify-plugin'
import { Bundles } from '../store/bundle.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Events, packed for third parties. */
    bundles: Bundles
  }
}

/** Packs events for third parties. */
export default fp(async app => {
  app.decorate('bundles', new Bundles(app.sql, app.dataFolder.path))
}, { name: 'bundles', dependencies: ['data-folder', 'database'] })
