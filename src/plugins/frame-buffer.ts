import fp from 'fastify-plugin'
import { FrameBuffers } from '../core/frame-buffer.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The newest frame of each camera. */
    frameBuffers: FrameBuffers
  }
}

/** Holds the newest frames. */
export default fp(async app => {
  app.decorate('frameBuffers', new FrameBuffers())
}, { name: 'frame-buffer' })
