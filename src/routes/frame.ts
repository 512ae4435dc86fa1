import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { PublishedFrame } from '../core/frame-buffer.js'
import { formatEpochSeconds } from '../core/time-format.js'
import { CameraNotFound, NoFrame, ReadRateExceeded, RequestInvalid } from '../errors.js'
import { ConditionalHeaders, frameHeaders, Jpeg } from '../schemas/jpeg.js'
import { cameraNamed, twins } from './camera-twins.js'
import { isUnchanged } from './conditional.js'
import { content, errorResponses } from './documented.js'

/** The newest frame. */
export default (async app => {
  // Frames are numbered from each start, so a tag must tell the starts apart.
  const startId = randomBytes(4).toString('hex')

  /** Made once for each frame, since a wall of screens asks for the same one many times. */
  const described = new WeakMap<PublishedFrame, Record<string, string>>()

  function headersOf (frame: PublishedFrame): Record<string, string> {
    const known = described.get(frame)
    if (known !== undefined) return known
    const headers = {
      etag: `"${startId}-${frame.sequence}"`,
      'last-modified': new Date(frame.receivedAtMs).toUTCString(),
      'x-timestamp': formatEpochSeconds(frame.receivedAtMs),
      'cache-control': 'no-cache'
    }
    described.set(frame, headers)
    return headers
  }

  for (const { url, operationId, schema } of twins({ url: '/api/frame', operationId: 'getFrame' }, { path: '/frame', operationId: 'getCameraFrame' })) {
    app.get(url, {
      config: { access: 'public' },
      schema: {
        operationId,
        tags: ['video'],
        summary: 'Get the newest frame',
        description: 'Byte for byte as the camera sent it, also while the stream is stopped. X-Timestamp tells how old it is.',
        ...schema,
        headers: ConditionalHeaders,
        response: {
          200: content('image/jpeg', Jpeg, { description: 'The newest frame', headers: frameHeaders }),
          304: { description: 'It is still the one that If-None-Match names', type: 'null', headers: frameHeaders },
          ...errorResponses(new RequestInvalid('querystring/camera Expected string'), new CameraNotFound('rig-4'), new ReadRateExceeded(), new NoFrame())
        }
      }
    }, async (request, reply) => {
      const frame = app.findCamera(cameraNamed(request)).frames.newest
      if (frame === undefined) throw new NoFrame()
      reply.headers(headersOf(frame))
      if (isUnchanged(request, reply)) return await reply.code(304).send()
      void reply.type('image/jpeg')
      return frame.memory.jpeg
    })
  }
}) satisfies FastifyPluginAsyncTypebox
