import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { CameraMismatch, PasswordWrong, TooManyWrongPasswords } from '../errors.js'
import { CameraIdHeader } from '../schemas/frame-headers.js'
import { Viewers } from '../schemas/viewers.js'
import { content, errorResponses, ref } from './documented.js'

/** Who is watching. Protected, since addresses are people. */
export default (async app => {
  app.get('/api/viewers', {
    config: { rateLimit: false, access: 'operator-or-camera' },
    schema: {
      operationId: 'getViewers',
      tags: ['data'],
      summary: 'Get who is watching, and what they got',
      description: 'For operators: those of all cameras. With a camera\'s key or the camera password: those who watch that camera.',
      headers: CameraIdHeader,
      response: {
        200: content('application/json', ref(Viewers), { description: 'Every open live stream' }),
        ...errorResponses(new PasswordWrong(), new CameraMismatch(), new TooManyWrongPasswords())
      }
    },
    onRequest: async (request, reply) => {
      if (request.headers['x-camera-auth'] === undefined) await app.requireRole(request, reply, 'operator')
      else app.requirePassword(request, reply)
    }
  }, async (request, reply) => {
    void reply.header('cache-control', 'no-store')
    const cameras = request.camera === undefined ? [...app.cameras.all()] : [request.camera]
    return {
      viewers: cameras.flatMap(camera => camera.liveStream.viewers.map(viewer => ({
        camera_id: camera.id,
        address: viewer.address,
        user_agent: viewer.userAgent ?? null,
        connected_since: viewer.connectedAtMs / 1000,
        max_fps: viewer.maxFps ?? null,
        frames_sent: viewer.framesSent,
        frames_skipped: viewer.framesSkipped,
        bytes_sent: viewer.bytesSent
      }))),
      max_viewers: app.audience.maxViewers
    }
  })
}) satisfies FastifyPluginAsyncTypebox
