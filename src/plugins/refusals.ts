import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { LiveCamera } from '../core/live-camera.js'
import { RefusalLog } from '../core/refusal-log.js'

/** What was refused: a camera's password or key, a frame that came with the right one, or a person. */
export type Refused = 'password' | 'frame' | 'login'

/** Who sent what is refused: a request, or a source, which has no address here. */
export type Sender = Pick<FastifyRequest, 'ip' | 'camera' | 'log'>

declare module 'fastify' {
  interface FastifyInstance {
    /** Counts a refusal, and logs it with address and reason, once a burst; and with a user's name, never with what might be a password. */
    noteRefusal (sender: Sender, refused: Refused, reason: string, username?: string): void
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
  const logs = { password: new RefusalLog(app.clock), frame: new RefusalLog(app.clock), login: new RefusalLog(app.clock) }

  app.decorateRequest('camera')
  app.decorate('noteRefusal', ({ ip, camera, log }, refused, reason, username) => {
    if (refused === 'frame' && camera !== undefined) camera.counts.refused += 1
    // By the address as the limits count it: one IPv6 customer has 2^64 of them. It is unknown once the connection has gone.
    const burst = logs[refused].note(`${normalizeIP(String(ip))} ${camera?.id} ${reason}`)
    if (burst === undefined) return
    log.warn({ address: ip, reason, cameraId: camera?.id, username, ...burst }, `a ${refused} was refused`)
  })
  app.decorate('refusalCount', refused => logs[refused].total)
}, { name: 'refusals', dependencies: ['clock'] })
