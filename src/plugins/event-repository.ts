import fp from 'fastify-plugin'
import { EventRepository } from '../store/event-repository.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The history of oil-spill events in SQLite. */
    eventRepository: EventRepository
  }
}

/** The event history. */
export default fp(async app => {
  app.decorate('eventRepository', await EventRepository.open(app.sql))
}, { name: 'event-repository', dependencies: ['database'] })
