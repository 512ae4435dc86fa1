import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Config } from '../config.js'
import { PasswordMissing, PasswordWrong, TooManyWrongPasswords } from '../errors.js'
import { Viewers } from '../schemas/viewers.js'
import { content, errorResponses, ref } from './documented.js'

/** Who is watching. Protected, since addresses are people. */
export default (async (app, { config }) => {
  app.get('/api/viewers', {
    schema: {
      operationId: 'getViewers',
      tags: ['data'],
      summary: 'Get who is watching, and what they got',
      security: [{ CameraPassword: [] }],
      response: {
        200: content('application/json', ref(Viewers), { description: 'Every open live stream' }),
        ...errorResponses(new PasswordMissing(), new PasswordWrong(), new TooManyWrongPasswords())
      }
    },
    config: { rateLimit: false },
    onRequest: (request, reply, done) => {
      app.requirePassword(request, reply)
      done()
    }
  }, async (_request, reply) => {
    void reply.header('cache-control', 'no-store')
    return {
      viewers: app.liveStream.viewers.map(viewer => ({
        address: viewer.address,
        user_agent: viewer.userAgent ?? null,
        connected_since: viewer.connectedAtMs / 1000,
        max_fps: viewer.maxFps ?? null,
        frames_sent: viewer.framesSent,
        frames_skipped: viewer.framesSkipped,
        bytes_sent: viewer.bytesSent
      })),
      max_viewers: config.maxViewers
    }
  })
}) satisfies FastifyPluginAsyncTypebox<{ config: Config }>
