import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { actorOf } from '../core/user.js'
import { BodyTooLarge, CameraMismatch, CameraNotFound, HistoryUnavailable, MediaTypeUnsupported, PasswordWrong, RequestInvalid, RequestTimeout, TooManyWrongPasswords } from '../errors.js'
import { CameraIdHeader } from '../schemas/frame-headers.js'
import { StreamControl, StreamControlled } from '../schemas/stream-control.js'
import { cameraNamed, twins } from './camera-twins.js'
import { content, errorResponses } from './documented.js'

const MAX_BODY_BYTES = 16 * 1024

/** How an operator lets people watch, or stops them. */
export default (async app => {
  app.removeContentTypeParser('text/plain')

  const shared = {
    bodyLimit: MAX_BODY_BYTES,
    config: { rateLimit: false, access: 'operator-or-camera' },
    // Operators need not say anything.
    preValidation: (request: FastifyRequest, _reply: FastifyReply, done: () => void) => {
      request.body ??= {}
      done()
    }
  } as const
  const documented = { tags: ['control'], headers: CameraIdHeader, body: StreamControl }
  const errors = errorResponses(
    new RequestInvalid('body must have required property \'password\''), new PasswordWrong(), new CameraMismatch(), new CameraNotFound('rig-4'),
    new RequestTimeout(), new BodyTooLarge(), new MediaTypeUnsupported(), new TooManyWrongPasswords(), new HistoryUnavailable('SQLITE_BUSY'))

  /** The camera that is meant: by an operator any, else the one whose password it is. Without a name, the password tells which. */
  async function controlled (request: FastifyRequest, reply: FastifyReply, password: string | undefined) {
    const named = cameraNamed(request)
    if (password === undefined && request.headers['x-camera-auth'] === undefined) {
      await app.requireRole(request, reply, 'operator')
      return app.findCamera(named)
    }
    return app.requirePassword(request, reply, { password, named })
  }

  for (const { url, operationId, schema } of twins({ url: '/api/start_stream', operationId: 'startStream' }, { path: '/start_stream', operationId: 'startCameraStream' })) {
    app.post(url, {
      ...shared,
      schema: {
        operationId,
        ...documented,
        summary: 'Let people watch the live picture',
        description: 'Needed only after a stop: the first frame starts the stream by itself.',
        ...schema,
        response: { 200: content('application/json', StreamControlled('Stream started'), { description: 'The picture may be watched' }), ...errors }
      }
    }, async (request, reply) => {
      const camera = await controlled(request, reply, request.body.password)
      await app.cameraRepository.setStreamStopped(camera.id, null, actorOf(request)) // first on disk, so that what was answered holds over a restart
      camera.liveStream.start()
      request.log.info({ cameraId: camera.id, address: request.ip, username: request.person?.username }, 'the stream was started')
      return { status: 'Stream started' } as const
    })
  }

  for (const { url, operationId, schema } of twins({ url: '/api/stop_stream', operationId: 'stopStream' }, { path: '/stop_stream', operationId: 'stopCameraStream' })) {
    app.post(url, {
      ...shared,
      schema: {
        operationId,
        ...documented,
        summary: 'End all viewers and keep new ones out',
        description: 'Holds until a start, also over a restart. Frames go on being taken and events recorded: stopping the picture never loses a spill.',
        ...schema,
        response: { 200: content('application/json', StreamControlled('Stream stopped'), { description: 'Nobody is watching any more' }), ...errors }
      }
    }, async (request, reply) => {
      const camera = await controlled(request, reply, request.body.password)
      await app.cameraRepository.setStreamStopped(camera.id, app.clock.nowMs(), actorOf(request))
      camera.liveStream.stop()
      request.log.info({ cameraId: camera.id, address: request.ip, username: request.person?.username }, 'the stream was stopped')
      return { status: 'Stream stopped' } as const
    })
  }
}) satisfies FastifyPluginAsyncTypebox
