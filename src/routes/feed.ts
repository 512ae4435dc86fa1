import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import {
  CameraDisabled, CameraMismatch, FeedInvalid, FeedReplaced, FrameHeaderInvalid, PasswordMissing, PasswordWrong, SpillHeaderInvalid,
  StorageFull, StorageUnavailable, TooManyWrongPasswords, UploadBrokenOff
} from '../errors.js'
import { CameraParams } from '../schemas/camera.js'
import { FeedSummary } from '../schemas/feed.js'
import { FrameHeaders } from '../schemas/frame-headers.js'
import { content, errorResponses, ref } from './documented.js'

/** What a request may say for all of its parts. The rest is of one frame alone. */
const FOR_ALL_PARTS = ['x-oil-spill-detected', 'x-model-version', 'x-latitude', 'x-longitude', 'x-heading'] as const

const { 'x-oil-spill-detected': spill, 'x-model-version': model, 'x-latitude': latitude, 'x-longitude': longitude, 'x-heading': heading, 'x-camera-id': cameraId } = FrameHeaders.properties

const FeedHeaders = Type.Object({
  'x-oil-spill-detected': spill, 'x-camera-id': cameraId, 'x-model-version': model, 'x-latitude': latitude, 'x-longitude': longitude, 'x-heading': heading
})

/** How a camera sends its frames, all in one endless request. */
export default (async app => {
  // The bytes decide what a body is, and nobody reads it but the feed.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => { done(null) })

  const defaults = new WeakMap<FastifyRequest, Record<string, string>>()

  app.post('/api/cameras/:camera_id/feed', {
    schema: {
      operationId: 'feedCamera',
      tags: ['camera'],
      summary: 'Send frames without end',
      description: 'The body is `multipart/x-mixed-replace`, chunked or not, of JPEGs with or without Content-Length, as `ffmpeg -f mpjpeg -method POST` ' +
        'sends it; the first line that begins with `--` is the delimiter. Each part may have the headers of a single upload. ' +
        'It is published the moment its last byte is in. A part that is no frame is skipped and counted, and so is one that comes faster than the ' +
        'camera may send, unless it reports a spill: then the server reads on when it may be taken. Headers given here hold for each part that does not say otherwise. ' +
        'A camera has one feed at a time: a new one ends the one before. The answer comes when the body ends: a 503 or 507 means that a detection is not on disk yet.',
      params: CameraParams,
      headers: FeedHeaders,
      body: { content: { 'multipart/x-mixed-replace': { schema: Type.Unsafe<unknown>({ type: 'string', format: 'binary' }) } } },
      response: {
        200: content('application/json', ref(FeedSummary), { description: 'The body has ended' }),
        ...errorResponses(
          new FeedInvalid('No line of the first 65536 bytes begins with "--", as a delimiter does.'), new UploadBrokenOff(), new SpillHeaderInvalid(),
          new FrameHeaderInvalid('X-Heading', 'degrees from 0 to 360'), new PasswordMissing(), new PasswordWrong(), new CameraMismatch(), new CameraDisabled('rig-4'),
          new FeedReplaced(), new TooManyWrongPasswords(), new StorageUnavailable('the database is locked by another program'), new StorageFull())
      }
    },
    config: { rateLimit: false, access: 'camera' },
    // What the schema says of the headers is checked below, before the body is read; the body is what the feed says.
    validatorCompiler: () => () => true,
    onRequest: (request, reply, done) => {
      // Fastify would refuse one that is not well-formed, such as an empty one.
      delete request.headers['content-type']
      app.authenticateCamera(request, reply)
      const given = Object.fromEntries(FOR_ALL_PARTS.flatMap(name => {
        const value = request.headers[name]
        return typeof value === 'string' ? [[name, value]] : []
      }))
      app.readFrameReport(given)
      defaults.set(request, given)
      done()
    }
  }, async (request, reply) => {
    if (request.camera === undefined) throw new PasswordMissing()
    // The connection's next request would have no time limit either.
    void reply.header('connection', 'close')
    const { received, refused, late } = await app.feeds.run(request, request.camera, defaults.get(request) ?? {})
    return { frames_received: received, frames_refused: refused, frames_late: late }
  })
}) satisfies FastifyPluginAsyncTypebox
