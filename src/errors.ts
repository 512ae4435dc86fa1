import createError from '@fastify/error'

/**
 * The catalogue of errors: every code that a client can meet, with its message and HTTP status. The message says what
 * to do next. On the wire each is `{ statusCode, code, error, message }`. Codes are stable, messages may get better.
 */

/** A request that does not fit the route's schema. */
export const RequestInvalid = createError<'REQUEST_INVALID', 400, [string]>('REQUEST_INVALID', 'The request is not as documented: %s. See /documentation.', 400)
export const HttpMalformed = createError('HTTP_MALFORMED', 'This is not a well-formed HTTP/1.1 request. Check the client or what stands between it and the server.', 400)
export const FrameInvalid = createError<'FRAME_INVALID', 400, [string]>('FRAME_INVALID', 'The body is not a whole JPEG: %s. Send the raw bytes of one JPEG file.', 400)
export const UploadBrokenOff = createError('UPLOAD_BROKEN_OFF', 'The connection ended before the frame was whole. Send it again.', 400)
export const SpillHeaderInvalid = createError('SPILL_HEADER_INVALID', 'X-Oil-Spill-Detected must be true, false, 1 or 0, or be left out for false. The frame was not taken.', 400)
export const FrameHeaderInvalid = createError<'FRAME_HEADER_INVALID', 400, [string, string]>('FRAME_HEADER_INVALID', '%s must be %s. The frame was not taken.', 400)
export const FeedInvalid = createError<'FEED_INVALID', 400, [string]>('FEED_INVALID', 'The feed was ended. %s Send multipart/x-mixed-replace, one JPEG a part.', 400)
export const SourceInvalid = createError<'SOURCE_INVALID', 400, [string]>('SOURCE_INVALID', 'The source cannot be read: %s.', 400)
export const PasswordMissing = createError('PASSWORD_MISSING', 'Send the key of the camera, or the camera password, in the header X-Camera-Auth.', 401)
export const PasswordWrong = createError('PASSWORD_WRONG', 'This is neither the camera password nor the key of a camera. Compare it with CAMERA_PASSWORD, or with the file camera_password in the data folder, or make a new key.', 401)
export const CameraMismatch = createError('CAMERA_MISMATCH', 'This key opens another camera than the one that the request names. Use that one\'s own key.', 403)
export const CameraDisabled = createError<'CAMERA_DISABLED', 403, [string]>('CAMERA_DISABLED', 'Camera %s is switched off. An administrator can switch it on.', 403)
export const RouteNotFound = createError<'ROUTE_NOT_FOUND', 404, [string]>('ROUTE_NOT_FOUND', 'There is nothing at %s. /documentation lists what there is.', 404)
export const EventNotFound = createError<'EVENT_NOT_FOUND', 404, [number]>('EVENT_NOT_FOUND', 'There is no event %d. /api/oil_spill_events lists all.', 404)
export const CameraNotFound = createError<'CAMERA_NOT_FOUND', 404, [string]>('CAMERA_NOT_FOUND', 'There is no camera %s. /api/cameras lists all.', 404)
export const CameraKeyNotFound = createError<'CAMERA_KEY_NOT_FOUND', 404, [string]>('CAMERA_KEY_NOT_FOUND', 'The camera has no key %s.', 404)
export const MethodNotAllowed = createError<'METHOD_NOT_ALLOWED', 405, [string, string]>('METHOD_NOT_ALLOWED', '%s is not possible here. Use %s.', 405)
export const RequestTimeout = createError('REQUEST_TIMEOUT', 'The request did not arrive in time. Send smaller frames, or fewer.', 408)
export const CameraExists = createError<'CAMERA_EXISTS', 409, [string]>('CAMERA_EXISTS', 'There is a camera %s, or there was one whose history is kept. Choose another camera_id.', 409)
export const TooManyCameras = createError<'TOO_MANY_CAMERAS', 409, [number]>('TOO_MANY_CAMERAS', 'There are %d cameras, as many as may be. Remove one, or raise MAX_CAMERAS.', 409)
export const DefaultCameraStays = createError('DEFAULT_CAMERA_STAYS', 'The default camera cannot be removed, since the paths without a camera id mean it. Switch it off with {"enabled": false}.', 409)
export const FeedReplaced = createError('FEED_REPLACED', 'Another feed of this camera took its place: a camera has one at a time.', 409)
export const IdempotencyKeyReused = createError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key came with another frame before. Give each frame a key of its own.', 409)
export const BodyTooLarge = createError('BODY_TOO_LARGE', 'The request body is larger than this route takes.', 413)
export const FrameTooLarge = createError<'FRAME_TOO_LARGE', 413, [number]>('FRAME_TOO_LARGE', 'The frame has more than %d bytes. Send a smaller or more compressed one, or raise MAX_FRAME_BYTES.', 413)
export const FrameTooManyPixels = createError<'FRAME_TOO_MANY_PIXELS', 413, [number, number, number]>('FRAME_TOO_MANY_PIXELS', 'The frame is %dx%d, more than %d pixels. Send a smaller one, or raise MAX_FRAME_PIXELS.', 413)
export const MediaTypeUnsupported = createError('MEDIA_TYPE_UNSUPPORTED', 'Send the body as JSON, with Content-Type: application/json.', 415)
export const CaptureTimeInFuture = createError<'CAPTURE_TIME_IN_FUTURE', 422, [string, number]>('CAPTURE_TIME_IN_FUTURE', 'X-Capture-Timestamp is %s, more than %d seconds ahead of the server. Set the clock of the camera or of the server; then send the frame again.', 422)
export const CaptureTimeTooOld = createError<'CAPTURE_TIME_TOO_OLD', 422, [string, number]>('CAPTURE_TIME_TOO_OLD', 'X-Capture-Timestamp is %s, more than %d seconds ago. Set the clock of the camera, or raise LATE_FRAME_WINDOW.', 422)
export const TooManyWrongPasswords = createError('TOO_MANY_WRONG_PASSWORDS', 'Too many wrong passwords came from this address. Wait as long as Retry-After says, and correct the password.', 429)
export const UploadRateExceeded = createError('UPLOAD_RATE_EXCEEDED', 'This camera sends frames faster than it may. Wait as long as Retry-After says, send fewer, or raise UPLOAD_RATE_LIMIT.', 429)
export const ReadRateExceeded = createError('READ_RATE_EXCEEDED', 'This address reads faster than it may. Wait as long as Retry-After says, or raise READ_RATE_LIMIT.', 429)
export const HeadersTooLarge = createError('HEADERS_TOO_LARGE', 'The request headers are larger than this server takes.', 431)
export const Internal = createError('INTERNAL', 'Something went wrong on the server. Its log says what, under this request id.', 500)
export const EvidenceMissing = createError<'EVIDENCE_MISSING', 500, [string]>('EVIDENCE_MISSING', 'The evidence file %s cannot be read. Restore it from a backup.', 500)
export const EvidenceAltered = createError<'EVIDENCE_ALTERED', 500, [string]>('EVIDENCE_ALTERED', 'The evidence file %s is not what the camera sent: its SHA-256 differs from the one recorded. It is not shown.', 500)
export const NoActiveStream = createError('NO_ACTIVE_STREAM', 'There is no active stream. It starts with the first frame; after a stop, with POST /api/start_stream.', 503)
export const NoFrame = createError('NO_FRAME', 'No frame has come yet. Check that the camera is sending.', 503)
export const StorageUnavailable = createError<'STORAGE_UNAVAILABLE', 503, [string]>('STORAGE_UNAVAILABLE', 'The event could not be stored (%s). Send this frame again.', 503)
export const HistoryUnavailable = createError<'HISTORY_UNAVAILABLE', 503, [string]>('HISTORY_UNAVAILABLE', 'The event history cannot be read or written now (%s). Try again.', 503)
export const ReadsBusy = createError('READS_BUSY', 'Too much evidence is being sent to clients that take it slowly. Wait as long as Retry-After says.', 503)
export const TooManyViewers = createError<'TOO_MANY_VIEWERS', 503, [number]>('TOO_MANY_VIEWERS', '%d people are watching already, as many as may. Wait as long as Retry-After says, or raise MAX_VIEWERS.', 503)
export const ShuttingDown = createError('SHUTTING_DOWN', 'The server is shutting down. Send this again when it is back.', 503)
export const StorageFull = createError('STORAGE_FULL', 'The event could not be stored: the disk is full. Make room, then send this frame again.', 507)

/** Says in one line why the server cannot start. Never reaches a client. */
export class StartupError extends Error {
  override name = 'StartupError'
}
