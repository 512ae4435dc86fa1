import { normalizeIP } from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import { DEFAULT_CAMERA_ID } from '../core/camera.js'
import { RefusalLog } from '../core/refusal-log.js'

/** What was refused: a password, or a frame that came with the right one. */
export type Refused = 'password' | 'frame'

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a refusal, and logs it with address and reason, once a burst. */
    noteRefusal (request: FastifyRequest, refused: Refused, reason: string): void
    /** How many there were since the start. */
    refusalCount (refused: Refused): number
  }
}

/** Lets nobody who is turned away go unseen, and nobody fill the log. */
export default fp(async app => {
  const logs = { password: new RefusalLog(app.clock), frame: new RefusalLog(app.clock) }

  app.decorate('noteRefusal', (request, refused, reason) => {
    // By the address as the limits count it: one IPv6 customer has 2^64 of them.
    const burst = logs[refused].note(`${normalizeIP(request.ip)} ${reason}`)
    if (burst === undefined) return
    request.log.warn({ address: request.ip, reason, cameraId: DEFAULT_CAMERA_ID, ...burst }, `a ${refused} was refused`)
  })
  app.decorate('refusalCount', refused => logs[refused].total)
}, { name: 'refusals', dependencies: ['clock'] })
