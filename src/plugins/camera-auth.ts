import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { DEFAULT_CAMERA_ID, passwordMatcher } from '../core/camera.js'
import { PasswordMissing, PasswordWrong, TooManyWrongPasswords, UploadRateExceeded } from '../errors.js'
import { forgetPassword, generatedPassword } from '../store/data-folder.js'
import { perSecond } from './rate-limits.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The onRequest hook of uploads: the address may try, the password is right, the camera is not too fast. */
    authenticateCamera (request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** The onRequest hook of what carries a password in its body: the address may try. */
    refuseGuessers (request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** Throws where a password is not the camera's, or the address has tried too often. */
    checkPassword (request: FastifyRequest, reply: FastifyReply, password: string): Promise<void>
    /** The password that was made on this start, to be shown once; undefined on every other. */
    newCameraPassword: string | undefined
  }
}

const MINUTE_MS = 60_000

/** Lets only the camera upload, before its body is read, and only as fast as it may. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const { password, madeNow } = config.cameraPassword === undefined
    ? generatedPassword(app.dataFolder.path)
    : { password: config.cameraPassword, madeNow: false }
  const matches = passwordMatcher(password)
  const wrongPasswords = app.createRateLimit({ max: config.authFailureLimit, timeWindow: MINUTE_MS })
  const uploads = app.createRateLimit({ ...perSecond(config.uploadRateLimit), keyGenerator: () => DEFAULT_CAMERA_ID })

  async function refuseGuessers (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const limit = await wrongPasswords(request, { increment: false })
    if (limit.isAllowed || limit.remaining > 0) return
    throw tooManyWrong(request, reply, limit.ttlInSeconds)
  }

  /** Compares and counts in one go: of many guesses at once, no more are told from the right one than the limit. */
  async function checkPassword (request: FastifyRequest, reply: FastifyReply, candidate: string): Promise<void> {
    const isRight = matches(candidate)
    const limit = await wrongPasswords(request, { increment: !isRight })
    if (!limit.isAllowed && (isRight ? limit.remaining === 0 : limit.isExceeded)) throw tooManyWrong(request, reply, limit.ttlInSeconds)
    if (isRight) return
    app.noteRefusal(request, 'password', 'wrong password')
    throw new PasswordWrong()
  }

  function tooManyWrong (request: FastifyRequest, reply: FastifyReply, retryAfterSeconds: number): Error {
    app.noteRefusal(request, 'password', 'too many wrong passwords')
    void reply.header('retry-after', retryAfterSeconds)
    return new TooManyWrongPasswords()
  }

  async function authenticateCamera (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const candidate = request.headers['x-camera-auth']
    if (typeof candidate !== 'string') {
      app.noteRefusal(request, 'password', 'no password')
      throw new PasswordMissing()
    }
    await checkPassword(request, reply, candidate)
    const limit = await uploads(request)
    if (limit.isAllowed || !limit.isExceeded) return
    void reply.header('retry-after', limit.ttlInSeconds)
    throw new UploadRateExceeded()
  }

  app.decorate('authenticateCamera', authenticateCamera)
  app.decorate('refuseGuessers', refuseGuessers)
  app.decorate('checkPassword', checkPassword)
  app.decorate('newCameraPassword', madeNow ? password : undefined)

  // A start that fails has shown nobody the password that it made: the next one makes and shows its own.
  let hasListened = false
  app.addHook('onListen', async () => { hasListened = true })
  app.addHook('onClose', async () => { if (madeNow && !hasListened) forgetPassword(app.dataFolder.path) })
}, { name: 'camera-auth', dependencies: ['data-folder', 'rate-limits', 'refusals'] })
