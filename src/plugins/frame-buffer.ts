import fp from 'fastify-plugin'
import { FrameBuffer } from '../core/frame-buffer.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The camera's newest frame. */
    frameBuffer: FrameBuffer
  }
}

/** Holds the newest frame. */
export default fp(async app => {
  app.decorate('frameBuffer', new FrameBuffer())
}, { name: 'frame-buffer' })
