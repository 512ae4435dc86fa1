import fp from 'fastify-plugin'
import type { Clock } from '../core/clock.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** What time it is. */
    clock: Clock
  }
}

/** Hands the clock to plugins and routes. */
export default fp<{ clock: Clock }>(async (app, { clock }) => {
  app.decorate('clock', clock)
}, { name: 'clock' })
