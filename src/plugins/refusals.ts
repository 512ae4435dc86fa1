import { normalizeIP } from '@fastify/rate-limit'
import fp from 'fastify-plugin'
import type { LiveCamera } from '../core/live-camera.js'
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
  interface FastifyRequest {
    /** The camera that sends this, once its key was checked. */
    camera: LiveCamera | undefined
  }
}

/** Lets nobody who is turned away go unseen, and nobody fill the log. */
export default fp(async app => {
  const logs = { password: new RefusalLog(app.clock), frame: new RefusalLog(app.clock) }

  app.decorateRequest('camera')
  app.decorate('noteRefusal', (request, refused, reason) => {
    if (refused === 'frame' && request.camera !== undefined) request.camera.counts.refused += 1
    // By the address as the limits count it: one IPv6 customer has 2^64 of them.
    const burst = logs[refused].note(`${normalizeIP(request.ip)} ${request.camera?.id} ${reason}`)
    if (burst === undefined) return
    request.log.warn({ address: request.ip, reason, cameraId: request.camera?.id, ...burst }, `a ${refused} was refused`)
  })
  app.decorate('refusalCount', refused => logs[refused].total)
}, { name: 'refusals', dependencies: ['clock'] })
