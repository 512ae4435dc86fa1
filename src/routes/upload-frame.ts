import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Config } from '../config.js'
import { FrameMemory } from '../core/frame-memory.js'
import type { FrameReport } from '../core/frame.js'
import {
  CameraDisabled, CameraMismatch, CaptureTimeInFuture, CaptureTimeTooOld, FrameHeaderInvalid, FrameInvalid, FrameTooLarge, FrameTooManyPixels,
  IdempotencyKeyReused, PasswordMissing, PasswordWrong, RequestTimeout, SpillHeaderInvalid, StorageFull, StorageUnavailable, TooManyWrongPasswords,
  UploadBrokenOff, UploadRateExceeded
} from '../errors.js'
import { CameraParams } from '../schemas/camera.js'
import { FrameHeaders } from '../schemas/frame-headers.js'
import { Jpeg } from '../schemas/jpeg.js'
import { content, errorResponses } from './documented.js'
import { frameParser } from './frame-body.js'

/** A camera whose frames are refused for weeks must not go unseen. */
const FRAME_REFUSALS = new Set([
  'FRAME_INVALID', 'SPILL_HEADER_INVALID', 'FRAME_HEADER_INVALID', 'CAPTURE_TIME_IN_FUTURE', 'CAPTURE_TIME_TOO_OLD', 'IDEMPOTENCY_KEY_REUSED',
  'FRAME_TOO_LARGE', 'FRAME_TOO_MANY_PIXELS', 'UPLOAD_RATE_EXCEEDED'
])

/** How a camera sends its frames, one a request. */
export default (async (app, { config }) => {
  // The bytes decide what a body is: curl says it is a form, small cameras say nothing.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', frameParser(config.maxFrameBytes))

  /** What was read of the headers before the body came. */
  const reports = new WeakMap<FastifyRequest, FrameReport>()

  const shared = {
    config: { rateLimit: false, access: 'camera' },
    // What the schema says of the headers is checked below, before the body is read; the body is what `inspectJpeg` says.
    validatorCompiler: () => () => true,
    onRequest: (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
      // Fastify would refuse one that is not well-formed, such as an empty one.
      delete request.headers['content-type']
      app.limitUploads(app.authenticateCamera(request, reply), reply)
      // Known before it is read: a client that expects a 100-continue need not send it for nothing.
      if (Number(request.headers['content-length']) > config.maxFrameBytes) throw new FrameTooLarge(config.maxFrameBytes)
      reports.set(request, app.readFrameReport(request.headers))
      done()
    },
    errorHandler: (error: Error & { code: string }, request: FastifyRequest) => {
      if (FRAME_REFUSALS.has(error.code)) app.noteRefusal(request, 'frame', error.code)
      throw error
    }
  } as const

  const documented = {
    tags: ['camera'],
    summary: 'Upload a frame',
    description: 'The frame becomes the live picture at once, unless it was taken before the newest one: then it only takes its place in the ' +
      'history. Where it opens or ends an event, and for each detection with X-Frame-Sequence or Idempotency-Key, the answer comes when that is ' +
      'on disk; a 503 or 507 means that it is not, and that the frame should be sent again. The same frame sent twice is answered 200 and kept ' +
      'once. Any Content-Type is taken, and none.',
    headers: FrameHeaders,
    body: { content: { 'image/jpeg': { schema: Jpeg } } },
    response: {
      200: content('text/plain', Type.Literal('Frame received'), { description: 'The frame was taken' }),
      ...errorResponses(
        new FrameInvalid('it is empty'), new UploadBrokenOff(), new SpillHeaderInvalid(), new FrameHeaderInvalid('X-Frame-Sequence', 'a whole number'),
        new PasswordMissing(), new PasswordWrong(), new CameraMismatch(), new CameraDisabled('rig-4'), new RequestTimeout(), new IdempotencyKeyReused(),
        new FrameTooLarge(config.maxFrameBytes), new FrameTooManyPixels(10_000, 10_000, config.maxFramePixels),
        new CaptureTimeInFuture('2036-03-01T12:00:00.000Z', 60), new CaptureTimeTooOld('2016-03-01T12:00:00.000Z', config.lateFrameWindowSeconds),
        new TooManyWrongPasswords(), new UploadRateExceeded(), new StorageUnavailable('the database is locked by another program'), new StorageFull())
    }
  }

  async function take (request: FastifyRequest, reply: FastifyReply) {
    const report = reports.get(request)
    if (request.camera === undefined || report === undefined) throw new PasswordMissing()
    const memory = request.body instanceof FrameMemory ? request.body : new FrameMemory(0)
    const stored = app.takeFrame(request.camera, memory, report)
    if (stored !== undefined) await stored
    void reply.type('text/plain; charset=utf-8')
    return 'Frame received' as const
  }

  app.post('/api/upload_frame', { ...shared, schema: { operationId: 'uploadFrame', ...documented } }, take)
  app.post('/api/cameras/:camera_id/frames', {
    ...shared, schema: { operationId: 'uploadCameraFrame', params: CameraParams, ...documented }
  }, take)
}) satisfies FastifyPluginAsyncTypebox<{ config: Config }>
