import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import { DEFAULT_CAMERA_ID, passwordMatcher } from '../core/camera.js'
import { RefusalLog } from '../core/refusal-log.js'
import { PasswordMissing, PasswordWrong, TooManyWrongPasswords, UploadRateExceeded } from '../errors.js'
import { generatedPassword } from '../store/data-folder.js'
import { perSecond } from './rate-limits.js'

declare module 'fastify' {
  interface FastifyInstance {
    /** The onRequest hook of uploads: the address may try, the password is right, the camera is not too fast. */
    authenticateCamera (request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** The onRequest hook of what carries a password in its body: the address may try. */
    refuseGuessers (request: FastifyRequest, reply: FastifyReply): Promise<void>
    /** Throws where a password is not the camera's. */
    checkPassword (request: FastifyRequest, password: string): Promise<void>
    /** How many uploads and stream controls were refused since the start for their password. */
    unauthorizedAttempts: () => number
    /** The password that was made on this start, to be shown once; undefined on every other. */
    newCameraPassword: string | undefined
  }
}

const MINUTE_MS = 60_000

/** Lets only the camera upload, before its body is read, and only as fast as it may. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const made = config.cameraPassword === undefined ? generatedPassword(app.dataFolder.path) : undefined
  const matches = passwordMatcher(config.cameraPassword ?? made?.password ?? '')
  const refusals = new RefusalLog(app.clock)
  const wrongPasswords = app.createRateLimit({ max: config.authFailureLimit, timeWindow: MINUTE_MS })
  const uploads = app.createRateLimit({ ...perSecond(config.uploadRateLimit), keyGenerator: () => DEFAULT_CAMERA_ID })

  function noteRefusal (request: FastifyRequest, reason: string): void {
    const burst = refusals.note(`${request.ip} ${reason}`)
    if (burst !== undefined) {
      request.log.warn({ address: request.ip, reason, cameraId: DEFAULT_CAMERA_ID, ...burst }, 'a password was refused')
    }
  }

  async function refuseGuessers (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const limit = await wrongPasswords(request, { increment: false })
    if (limit.isAllowed || limit.remaining > 0) return
    noteRefusal(request, 'too many wrong passwords')
    void reply.header('retry-after', limit.ttlInSeconds)
    throw new TooManyWrongPasswords()
  }

  async function checkPassword (request: FastifyRequest, password: string): Promise<void> {
    if (matches(password)) return
    noteRefusal(request, 'wrong password')
    await wrongPasswords(request)
    throw new PasswordWrong()
  }

  async function authenticateCamera (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const password = request.headers['x-camera-auth']
    if (typeof password !== 'string') {
      noteRefusal(request, 'no password')
      throw new PasswordMissing()
    }
    await refuseGuessers(request, reply)
    await checkPassword(request, password)
    const limit = await uploads(request)
    if (limit.isAllowed || !limit.isExceeded) return
    void reply.header('retry-after', limit.ttlInSeconds)
    throw new UploadRateExceeded()
  }

  app.decorate('authenticateCamera', authenticateCamera)
  app.decorate('refuseGuessers', refuseGuessers)
  app.decorate('checkPassword', checkPassword)
  app.decorate('unauthorizedAttempts', () => refusals.total)
  app.decorate('newCameraPassword', made?.madeNow === true ? made.password : undefined)
}, { name: 'camera-auth', dependencies: ['clock', 'data-folder', 'rate-limits'] })
