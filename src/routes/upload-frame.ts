import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { Config } from '../config.js'
import { FrameMemory } from '../core/frame-memory.js'
import { parseSpillHeader } from '../core/frame.js'
import { inspectJpeg } from '../core/jpeg.js'
import {
  FrameInvalid, FrameTooLarge, FrameTooManyPixels, PasswordMissing, PasswordWrong, RequestTimeout,
  SpillHeaderInvalid, StorageFull, StorageUnavailable, TooManyWrongPasswords, UploadBrokenOff, UploadRateExceeded
} from '../errors.js'
import { Jpeg } from '../schemas/jpeg.js'
import { content, errorResponses } from './documented.js'
import { frameParser } from './frame-body.js'

const UploadHeaders = Type.Object({
  'x-oil-spill-detected': Type.Optional(Type.Unsafe<string>({
    type: 'string',
    enum: ['true', 'false', '1', '0'],
    default: 'false',
    description: 'Whether the camera\'s detector sees a spill in this frame, in any letter case; left out means false'
  }))
})

/** A camera whose frames are refused for weeks must not go unseen. */
const FRAME_REFUSALS = new Set(['FRAME_INVALID', 'SPILL_HEADER_INVALID', 'FRAME_TOO_LARGE', 'FRAME_TOO_MANY_PIXELS', 'UPLOAD_RATE_EXCEEDED'])

/** How a camera sends its frames. */
export default (async (app, { config }) => {
  // The bytes decide what a body is: curl says it is a form, small cameras say nothing.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', frameParser(config.maxFrameBytes))

  app.post('/api/upload_frame', {
    schema: {
      operationId: 'uploadFrame',
      tags: ['camera'],
      summary: 'Upload a frame',
      description: 'The frame becomes the live picture at once. Where it opens or ends an event, the answer comes when that is ' +
        'on disk; a 503 or 507 means that it is not, and that the frame should be sent again. Any Content-Type is taken, and none.',
      security: [{ CameraPassword: [] }],
      headers: UploadHeaders,
      body: { content: { 'image/jpeg': { schema: Jpeg } } },
      response: {
        200: content('text/plain', Type.Literal('Frame received'), { description: 'The frame was taken' }),
        ...errorResponses(
          new FrameInvalid('it is empty'), new UploadBrokenOff(), new SpillHeaderInvalid(), new PasswordMissing(), new PasswordWrong(), new RequestTimeout(),
          new FrameTooLarge(config.maxFrameBytes), new FrameTooManyPixels(10_000, 10_000, config.maxFramePixels),
          new TooManyWrongPasswords(), new UploadRateExceeded(), new StorageUnavailable('the database is locked by another program'), new StorageFull())
      }
    },
    config: { rateLimit: false },
    // What the schema says of the headers is checked below, before the body is read; the body is what `inspectJpeg` says.
    validatorCompiler: () => () => true,
    onRequest: (request, reply, done) => {
      // Fastify would refuse one that is not well-formed, such as an empty one.
      delete request.headers['content-type']
      app.authenticateCamera(request, reply)
      // Known before it is read: a client that expects a 100-continue need not send it for nothing.
      if (Number(request.headers['content-length']) > config.maxFrameBytes) throw new FrameTooLarge(config.maxFrameBytes)
      if (parseSpillHeader(request.headers['x-oil-spill-detected']) === undefined) throw new SpillHeaderInvalid()
      done()
    },
    errorHandler: (error, request) => {
      if (FRAME_REFUSALS.has(error.code)) app.noteRefusal(request, 'frame', error.code)
      throw error
    }
  }, async (request, reply) => {
    const memory = request.body instanceof FrameMemory ? request.body : new FrameMemory(0)
    const inspected = inspectJpeg(memory.jpeg)
    if ('problem' in inspected) throw new FrameInvalid(inspected.problem)
    const { width, height } = inspected
    if (width * height > config.maxFramePixels) throw new FrameTooManyPixels(width, height, config.maxFramePixels)

    const stored = app.ingest({
      memory,
      width,
      height,
      receivedAtMs: app.clock.nowMs(),
      receivedAtMonotonicMs: app.clock.monotonicMs(),
      spillReported: parseSpillHeader(request.headers['x-oil-spill-detected']) === true
    })
    if (stored !== undefined) await stored
    void reply.type('text/plain; charset=utf-8')
    return 'Frame received' as const
  })
}) satisfies FastifyPluginAsyncTypebox<{ config: Config }>
