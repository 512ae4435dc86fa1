import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { PublishedFrame } from '../core/frame-buffer.js'
import { formatEpochSeconds } from '../core/time-format.js'
import { NoFrame, ReadRateExceeded } from '../errors.js'
import { ConditionalHeaders, frameHeaders, Jpeg } from '../schemas/jpeg.js'
import { isUnchanged } from './conditional.js'
import { content, errorResponses } from './documented.js'

/** The newest frame. */
export default (async app => {
  // Frames are numbered from each start, so a tag must tell the starts apart.
  const startId = randomBytes(4).toString('hex')

  /** Made once for each frame, since a wall of screens asks for the same one many times. */
  let described: { readonly frame: PublishedFrame, readonly headers: Record<string, string> } | undefined

  function headersOf (frame: PublishedFrame): Record<string, string> {
    return {
      etag: `"${startId}-${frame.sequence}"`,
      'last-modified': new Date(frame.receivedAtMs).toUTCString(),
      'x-timestamp': formatEpochSeconds(frame.receivedAtMs),
      'cache-control': 'no-cache'
    }
  }

  app.get('/api/frame', {
    schema: {
      operationId: 'getFrame',
      tags: ['video'],
      summary: 'Get the newest frame',
      description: 'Byte for byte as the camera sent it, also while the stream is stopped.',
      headers: ConditionalHeaders,
      response: {
        200: content('image/jpeg', Jpeg, { description: 'The newest frame', headers: frameHeaders }),
        304: { description: 'It is still the one that If-None-Match names', type: 'null', headers: frameHeaders },
        ...errorResponses(new ReadRateExceeded(), new NoFrame())
      }
    }
  }, async (request, reply) => {
    const frame = app.frameBuffer.newest
    if (frame === undefined) throw new NoFrame()
    if (described?.frame !== frame) described = { frame, headers: headersOf(frame) }
    reply.headers(described.headers)
    if (isUnchanged(request, reply)) return await reply.code(304).send()
    void reply.type('image/jpeg')
    return frame.memory.jpeg
  })
}) satisfies FastifyPluginAsyncTypebox
