import fp from 'fastify-plugin'
import type { Frame } from '../core/frame.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * Takes a frame: it becomes the live picture at once, and what it means for the history is stored. Undefined where
     * nothing has to be stored; otherwise settles when that is on disk, and rejects with a storage error where it cannot be.
     */
    ingest (frame: Frame): Promise<void> | undefined
  }
}

/** The way of a frame after its upload. Publishing comes before any disk work, so that a full disk never stops the picture. */
export default fp(async app => {
  app.decorate('ingest', (frame: Frame) => {
    app.frameBuffer.publish(frame)
    try {
      app.liveStream.frameArrived()
    } catch (err) {
      // Whatever goes wrong with the picture, a spill is recorded.
      app.log.error({ err }, 'a frame could not be relayed')
    }
    return app.eventRecorder.record(frame)
  })
}, { name: 'ingest', dependencies: ['frame-buffer', 'live-stream', 'event-recorder'] })
