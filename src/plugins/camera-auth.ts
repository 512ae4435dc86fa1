import { normalizeIP } from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { DEFAULT_CAMERA_ID, passwordMatcher } from '../core/camera.js'
import { TokenBuckets, type BucketLevel } from '../core/token-bucket.js'
import { PasswordMissing, PasswordWrong, TooManyWrongPasswords, UploadRateExceeded } from '../errors.js'
import { forgetPassword, generatedPassword } from '../store/data-folder.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** For the onRequest hook of uploads. Throws unless the password is right and the camera is not too fast. */
    authenticateCamera (request: FastifyRequest, reply: FastifyReply): void
    /** For the onRequest hook of what only those may read who know the password. Throws unless it is right. */
    requirePassword (request: FastifyRequest, reply: FastifyReply): void
    /** For the onRequest hook of what carries a password in its body. Throws where the address has tried too often. */
    refuseGuessers (request: FastifyRequest, reply: FastifyReply): void
    /** Throws where a password is not the camera's, or the address has tried too often. */
    checkPassword (request: FastifyRequest, reply: FastifyReply, password: string): void
    /** The password that was made on this start, to be shown once; undefined on every other. */
    newCameraPassword: string | undefined
  }
}

/** A camera may send this many seconds' worth of frames at once. */
const BURST_SECONDS = 2

/**
 * Lets only the camera upload, before its body is read, and only as fast as it may. All of it is done in one go, with
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
    if (level.left === 0) throw tooManyWrong(request, reply, level)
  }

  /** Compares and counts in one go: of many guesses at once, no more are told from the right one than the limit. */
  function checkPassword (request: FastifyRequest, reply: FastifyReply, candidate: string): void {
    refuseGuessers(request, reply)
    if (matches(candidate)) return
    buckets.wrongPasswords.take(normalizeIP(request.ip), wrongPasswordRate)
    app.noteRefusal(request, 'password', 'wrong password')
    throw new PasswordWrong()
  }

  function tooManyWrong (request: FastifyRequest, reply: FastifyReply, { waitMs }: BucketLevel): Error {
    app.noteRefusal(request, 'password', 'too many wrong passwords')
    void reply.header('retry-after', Math.ceil(waitMs / 1000))
    return new TooManyWrongPasswords()
  }

  function requirePassword (request: FastifyRequest, reply: FastifyReply): void {
    const candidate = request.headers['x-camera-auth']
    if (typeof candidate !== 'string') {
      app.noteRefusal(request, 'password', 'no password')
      throw new PasswordMissing()
    }
    checkPassword(request, reply, candidate)
  }

  function authenticateCamera (request: FastifyRequest, reply: FastifyReply): void {
    requirePassword(request, reply)
    const level = buckets.uploads.take(DEFAULT_CAMERA_ID, uploadRate)
    if (level.left >= 0) return
    void reply.header('retry-after', Math.ceil(level.waitMs / 1000))
    throw new UploadRateExceeded()
  }

  app.decorate('authenticateCamera', authenticateCamera)
  app.decorate('requirePassword', requirePassword)
  app.decorate('refuseGuessers', refuseGuessers)
  app.decorate('checkPassword', checkPassword)
  app.decorate('newCameraPassword', madeNow ? password : undefined)

  // A start that fails has shown nobody the password that it made: the next one makes and shows its own.
  let hasListened = false
  app.addHook('onListen', async () => { hasListened = true })
  app.addHook('onClose', async () => { if (madeNow && !hasListened) forgetPassword(app.dataFolder.path) })
}, { name: 'camera-auth', dependencies: ['clock', 'data-folder', 'refusals'] })
