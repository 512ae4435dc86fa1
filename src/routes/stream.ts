import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Config } from '../config.js'
import { NoActiveStream, ReadRateExceeded, RequestInvalid, TooManyViewers } from '../errors.js'
import { content, errorResponses } from './documented.js'

const StreamQuery = Type.Object({
  fps: Type.Optional(Type.Number({ minimum: 0.1, maximum: 1000, description: 'Pictures a second at most; all where it is left out', examples: [5] }))
})

/** When to try again where too many are watching. */
const FULL_RETRY_AFTER_SECONDS = 10

/** The live picture. */
export default (async (app, { config }) => {
  app.get('/stream', {
    exposeHeadRoute: false,
    schema: {
      operationId: 'watchStream',
      tags: ['video'],
      summary: 'Watch the live picture as MJPEG',
      description: 'Endless. The newest frame comes at once; a viewer that cannot keep up skips to the newest. While no frame comes, the last ' +
        'is repeated every few seconds. Each part has Content-Type, Content-Length and X-Timestamp (when its frame was received, in seconds ' +
        'since 1970 with microseconds); Chromium gets parts without the last two, which makes it paint each picture at once. Ends with the ' +
        'closing boundary when the stream is stopped or the server closes.',
      querystring: StreamQuery,
      response: {
        200: content('multipart/x-mixed-replace; boundary=frame', Type.Unsafe<Buffer>({ type: 'string', format: 'binary', description: 'One JPEG a part' }), {
          description: 'A part for each frame',
          headers: { 'Cache-Control': Type.String({ examples: ['no-store'] }), 'X-Accel-Buffering': Type.String({ examples: ['no'] }) }
        }),
        ...errorResponses(new RequestInvalid('querystring/fps Expected number'), new ReadRateExceeded(), new NoActiveStream(), new TooManyViewers(config.maxViewers))
      }
    }
  }, async (request, reply) => {
    if (!app.liveStream.active) throw new NoActiveStream()
    if (!app.liveStream.admit()) {
      void reply.header('retry-after', FULL_RETRY_AFTER_SECONDS)
      throw new TooManyViewers(config.maxViewers)
    }
    reply.sendLiveStream(request.query.fps)
    return await reply
  })
}) satisfies FastifyPluginAsyncTypebox<{ config: Config }>
