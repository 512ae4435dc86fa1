import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { CAMERA_KEY_PREFIX, passwordMatcher } from '../core/camera.js'
import type { LiveCamera } from '../core/live-camera.js'
import { TokenBuckets, type BucketLevel } from '../core/token-bucket.js'
import { CameraDisabled, CameraMismatch, PasswordMissing, PasswordWrong, TooManyWrongPasswords, UploadRateExceeded } from '../errors.js'
import { forgetPassword, generatedPassword } from '../store/data-folder.js'

declare module 'fastify' {
  interface FastifyInstance {
    /**
     * For the onRequest hook of what cameras send. Sets `request.camera`. Throws unless the key opens a camera that is
     * switched on, and the one that the address and X-Camera-Id name, where they name one.
     */
    authenticateCamera (request: FastifyRequest, reply: FastifyReply): LiveCamera
    /** For the onRequest hook of single uploads, after `authenticateCamera`. Throws where the camera is too fast. */
    limitUploads (camera: LiveCamera, reply: FastifyReply): void
    /** Takes the right to send one frame, if the camera has one left. */
    takeUploadToken (camera: LiveCamera): BucketLevel
    /**
     * Sets `request.camera` to the one that a key or the camera password opens: what the header X-Camera-Auth says, where
     * none is given. Throws where it opens none, where the address has tried too many passwords, and where the path,
     * X-Camera-Id or `named` name another camera.
     */
    requirePassword (request: FastifyRequest, reply: FastifyReply, given?: { readonly password?: string | undefined, readonly named?: string | undefined }): LiveCamera
    /** The password that was made on this start, to be shown once; undefined on every other. */
    newCameraPassword: string | undefined
  }
}

/** A camera may send this many seconds' worth of frames at once. */
const BURST_SECONDS = 2

/**
 * Lets only cameras upload, before the body is read, and only as fast as they may. All of it is done in one go, with
 * nothing to wait for: an upload comes 30 times a second, and what it costs here every picture is late by.
 */
export default fp<{ config: Config }>(async (app, { config }) => {
  const { password, madeNow } = config.cameraPassword === undefined
    ? generatedPassword(app.dataFolder.path)
    : { password: config.cameraPassword, madeNow: false }
  const matches = passwordMatcher(password)
  const buckets = { wrongPasswords: new TokenBuckets(app.clock), uploads: new TokenBuckets(app.clock) }
  const wrongPasswordRate = { burst: config.authFailureLimit, perSecond: config.authFailureLimit / 60 }
  const uploadRate = { burst: Math.max(1, Math.round(config.uploadRateLimit * BURST_SECONDS)), perSecond: config.uploadRateLimit }

  function refuseGuessers (request: FastifyRequest, reply: FastifyReply): void {
    if (buckets.wrongPasswords.isUntouched) return
    const level = buckets.wrongPasswords.peek(normalizeIP(request.ip), wrongPasswordRate)
    if (level.left > 0) return
    app.noteRefusal(request, 'password', 'too many wrong passwords')
    app.noteLock(request, 'cameras')
    retryAfter(reply, level)
    throw new TooManyWrongPasswords()
  }

  function checkPassword (request: FastifyRequest, reply: FastifyReply, candidate: string): LiveCamera {
    return candidate.startsWith(CAMERA_KEY_PREFIX) ? cameraOfKey(request, candidate) : cameraOfPassword(request, reply, candidate)
  }

  /** Nobody guesses 256 bits, so a camera with an old key must not keep out those behind the same address. */
  function cameraOfKey (request: FastifyRequest, key: string): LiveCamera {
    const camera = app.cameras.byKey(key)
    if (camera !== undefined) return camera
    app.noteRefusal(request, 'password', 'unknown key')
    throw new PasswordWrong()
  }

  /** Compares and counts in one go: of many guesses at once, no more are told from the right one than the limit. */
  function cameraOfPassword (request: FastifyRequest, reply: FastifyReply, candidate: string): LiveCamera {
    refuseGuessers(request, reply)
    if (matches(candidate)) return app.cameras.default
    buckets.wrongPasswords.take(normalizeIP(request.ip), wrongPasswordRate)
    app.noteRefusal(request, 'password', 'wrong password')
    throw new PasswordWrong()
  }

  /** A name in a path or a header never makes a key open more than its own camera. */
  function refuseOthers (request: FastifyRequest, camera: LiveCamera, named: string | undefined): void {
    const names = [named, namedInPath(request), request.headers['x-camera-id']]
    if (names.every(name => name === undefined || name === camera.id)) return
    app.noteRefusal(request, 'password', 'key of another camera')
    throw new CameraMismatch()
  }

  function requirePassword (
    request: FastifyRequest, reply: FastifyReply,
    { password = request.headers['x-camera-auth'], named }: { password?: string | string[] | undefined, named?: string | undefined } = {}
  ): LiveCamera {
    if (typeof password !== 'string') {
      app.noteRefusal(request, 'password', 'no password')
      throw new PasswordMissing()
    }
    const camera = checkPassword(request, reply, password)
    request.camera = camera
    refuseOthers(request, camera, named)
    return camera
  }

  function authenticateCamera (request: FastifyRequest, reply: FastifyReply): LiveCamera {
    const camera = requirePassword(request, reply)
    if (camera.isOn) return camera
    app.noteRefusal(request, 'password', 'camera is switched off')
    throw new CameraDisabled(camera.id)
  }

  function takeUploadToken (camera: LiveCamera): BucketLevel {
    return buckets.uploads.take(camera.id, uploadRate)
  }

  function limitUploads (camera: LiveCamera, reply: FastifyReply): void {
    const level = takeUploadToken(camera)
    if (level.left >= 0) return
    retryAfter(reply, level)
    throw new UploadRateExceeded()
  }

  app.decorate('authenticateCamera', authenticateCamera)
  app.decorate('limitUploads', limitUploads)
  app.decorate('takeUploadToken', takeUploadToken)
  app.decorate('requirePassword', requirePassword)
  app.decorate('newCameraPassword', madeNow ? password : undefined)

  // A start that fails has shown nobody the password that it made: the next one makes and shows its own.
  let hasListened = false
  app.addHook('onListen', async () => { hasListened = true })
  app.addHook('onClose', async () => { if (madeNow && !hasListened) forgetPassword(app.dataFolder.path) })
}, { name: 'camera-auth', dependencies: ['audit', 'clock', 'data-folder', 'refusals', 'cameras'] })

function namedInPath ({ params }: FastifyRequest): unknown {
  return typeof params === 'object' && params !== null && 'camera_id' in params ? params.camera_id : undefined
}

function retryAfter (reply: FastifyReply, { waitMs }: BucketLevel): void {
  void reply.header('retry-after', Math.ceil(waitMs / 1000))
}
