import fp from 'fastify-plugin'
import { EventThumbnails } from '../store/event-thumbnails.js'
import { ThumbnailMaker } from '../store/thumbnail-maker.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The thumbnails of events' opening frames. */
    eventThumbnails: EventThumbnails
  }
}

/** Has a thumbnail made of each opening frame, in the background. */
export default fp(async app => {
  const maker = new ThumbnailMaker()
  const thumbnails = new EventThumbnails(app.dataFolder.path, maker, app.evidenceStore, app.clipRepository, err => {
    app.log.warn({ err }, 'a thumbnail could not be kept; it is made again when it is asked for')
  })
  app.eventArchive.onOpening(({ eventId, framePath, jpeg }) => { void thumbnails.make({ eventId, framePath }, jpeg) })
  app.decorate('eventThumbnails', thumbnails)
  app.addHook('onClose', async () => { await maker.close() })
}, { name: 'thumbnails', dependencies: ['data-folder', 'evidence-store', 'event-archive', 'clips'] })
