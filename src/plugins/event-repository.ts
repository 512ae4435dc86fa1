import { join } from 'node:path'
import fp from 'fastify-plugin'
import { EventRepository } from '../store/event-repository.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The history of oil-spill events in SQLite. */
    eventRepository: EventRepository
  }
}

/** Opens the event history, and closes it after the last upload. */
export default fp(async app => {
  const repository = await EventRepository.open(join(app.dataFolder.path, 'videostream.db'))
  app.decorate('eventRepository', repository)
  app.addHook('onClose', async () => { await repository.close() })
}, { name: 'event-repository', dependencies: ['data-folder'] })
