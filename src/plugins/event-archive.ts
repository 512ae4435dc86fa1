import fp from 'fastify-plugin'
import { EventArchive } from '../store/event-archive.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Events with their evidence. */
    eventArchive: EventArchive
  }
}

/** Keeps events with their evidence, and stores what was gathered before the database closes. */
export default fp(async app => {
  const archive = new EventArchive(app.eventRepository, app.evidenceStore, (err, cameraId) => {
    app.log.error({ err, cameraId }, 'an event could not be stored')
  })
  app.decorate('eventArchive', archive)
  app.addHook('onClose', async () => { await archive.close() })
}, { name: 'event-archive', dependencies: ['event-repository', 'evidence-store'] })
