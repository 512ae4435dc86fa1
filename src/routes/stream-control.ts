import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { DEFAULT_CAMERA_ID } from '../core/camera.js'
import { BodyTooLarge, HistoryUnavailable, MediaTypeUnsupported, PasswordWrong, RequestInvalid, RequestTimeout, TooManyWrongPasswords } from '../errors.js'
import { StreamControl, StreamControlled } from '../schemas/stream-control.js'
import { content, errorResponses } from './documented.js'

const MAX_BODY_BYTES = 16 * 1024

/** How an operator lets people watch, or stops them. */
export default (async app => {
  app.removeContentTypeParser('text/plain')

  const errors = errorResponses(
    new RequestInvalid('body must have required property \'password\''), new PasswordWrong(), new RequestTimeout(), new BodyTooLarge(), new MediaTypeUnsupported(),
    new TooManyWrongPasswords(), new HistoryUnavailable('SQLITE_BUSY'))
  const shared = { bodyLimit: MAX_BODY_BYTES, config: { rateLimit: false } } as const

  app.post('/api/start_stream', {
    ...shared,
    schema: {
      operationId: 'startStream',
      tags: ['control'],
      summary: 'Let people watch the live picture',
      description: 'Needed only after a stop: the first frame starts the stream by itself.',
      body: StreamControl,
      response: { 200: content('application/json', StreamControlled('Stream started'), { description: 'The picture may be watched' }), ...errors }
    },
    onRequest: (request, reply, done) => {
      app.refuseGuessers(request, reply)
      done()
    }
  }, async (request, reply) => {
    app.checkPassword(request, reply, request.body.password)
    await keep(null)
    app.liveStream.start()
    request.log.info({ cameraId: DEFAULT_CAMERA_ID, address: request.ip }, 'the stream was started')
    return { status: 'Stream started' } as const
  })

  app.post('/api/stop_stream', {
    ...shared,
    schema: {
      operationId: 'stopStream',
      tags: ['control'],
      summary: 'End all viewers and keep new ones out',
      description: 'Holds until a start, also over a restart. Frames go on being taken and events recorded: stopping the picture never loses a spill.',
      body: StreamControl,
      response: { 200: content('application/json', StreamControlled('Stream stopped'), { description: 'Nobody is watching any more' }), ...errors }
    },
    onRequest: (request, reply, done) => {
      app.refuseGuessers(request, reply)
      done()
    }
  }, async (request, reply) => {
    app.checkPassword(request, reply, request.body.password)
    await keep(app.clock.nowMs())
    app.liveStream.stop()
    request.log.info({ cameraId: DEFAULT_CAMERA_ID, address: request.ip }, 'the stream was stopped')
    return { status: 'Stream stopped' } as const
  })

  /** First on disk, so that what was answered holds over a restart. */
  async function keep (stoppedAtMs: number | null): Promise<void> {
    await app.eventRepository.setStreamStopped(DEFAULT_CAMERA_ID, stoppedAtMs)
  }
}) satisfies FastifyPluginAsyncTypebox
