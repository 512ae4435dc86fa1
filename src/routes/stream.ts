import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.js'
import { CameraNotFound, NoActiveStream, ReadRateExceeded, RequestInvalid, TooManyViewers } from '../errors.js'
import { CameraParams, CameraQuery } from '../schemas/camera.js'
import { cameraNamed } from './camera-twins.js'
import { content, errorResponses } from './documented.js'

const fps = Type.Optional(Type.Number({ minimum: 0.1, maximum: 1000, description: 'Pictures a second at most; all where it is left out', examples: [5] }))
const StreamQuery = Type.Object({ fps })

/** When to try again where too many are watching. */
const FULL_RETRY_AFTER_SECONDS = 10

/** The live picture. */
export default (async (app, { config }) => {
  const shared = { exposeHeadRoute: false, config: { access: 'public' } } as const
  const documented = {
    tags: ['video'],
    summary: 'Watch the live picture as MJPEG',
    description: 'Endless. The newest frame comes at once; a viewer that cannot keep up skips to the newest. While no frame comes, the last ' +
      'is repeated every few seconds. Each part has Content-Type, Content-Length and X-Timestamp (when its frame was received, in seconds ' +
      'since 1970 with microseconds); Chromium gets parts without the last two, which makes it paint each picture at once. Ends with the ' +
      'closing boundary when the stream is stopped or the server closes.',
    response: {
      200: content('multipart/x-mixed-replace; boundary=frame', Type.Unsafe<Buffer>({ type: 'string', format: 'binary', description: 'One JPEG a part' }), {
        description: 'A part for each frame',
        headers: { 'Cache-Control': Type.String({ examples: ['no-store'] }), 'X-Accel-Buffering': Type.String({ examples: ['no'] }) }
      }),
      ...errorResponses(new RequestInvalid('querystring/fps Expected number'), new CameraNotFound('rig-4'), new ReadRateExceeded(), new NoActiveStream(),
        new TooManyViewers(config.maxViewers))
    }
  }

  async function watch (request: FastifyRequest, reply: FastifyReply, maxFps: number | undefined) {
    const { liveStream } = app.findCamera(cameraNamed(request))
    if (!liveStream.active) throw new NoActiveStream()
    if (!liveStream.admit()) {
      void reply.header('retry-after', FULL_RETRY_AFTER_SECONDS)
      throw new TooManyViewers(config.maxViewers)
    }
    reply.sendLiveStream(liveStream, maxFps)
    return await reply
  }

  app.get('/stream', {
    ...shared, schema: { operationId: 'watchStream', querystring: Type.Composite([CameraQuery, StreamQuery]), ...documented }
  }, async (request, reply) => await watch(request, reply, request.query.fps))
  app.get('/api/cameras/:camera_id/stream', {
    ...shared, schema: { operationId: 'watchCameraStream', params: CameraParams, querystring: StreamQuery, ...documented }
  }, async (request, reply) => await watch(request, reply, request.query.fps))
}) satisfies FastifyPluginAsyncTypebox<{ config: Config }>
