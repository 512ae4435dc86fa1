import fp from 'fastify-plugin'
import { NoRoom } from '../store/disk-room.js'
import { EventArchive } from '../store/event-archive.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** Events with their evidence. */
    eventArchive: EventArchive
  }
}

/** Keeps events with their evidence, and stores what was gathered before the database closes. */
export default fp(async app => {
  const archive = new EventArchive(app.eventRepository, app.evidenceStore, app.diskRoom, app.clipArchive, (err, cameraId) => {
    app.log.error({ err, cameraId }, err instanceof NoRoom ? 'there is no room for the evidence of an event: it is written down without its picture; make room' : 'an event could not be stored')
  })
  app.decorate('eventArchive', archive)
  app.addHook('onClose', async () => { await archive.close() })
}, { name: 'event-archive', dependencies: ['event-repository', 'evidence-store', 'disk-room', 'clips'] })
