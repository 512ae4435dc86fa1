import { LogController, type FastifyServerOptions } from 'fastify'

/** Leaves out the lines for each request: with 30 frames a second from a camera they would be all there is. */
export class QuietLogController extends LogController {
  override incomingRequest (): void {}

  override requestCompleted (): void {}
}

/** JSON lines for programs; readable ones where a person looks at a terminal. Passwords, tokens and cookies never appear. */
export function loggerOptions (level: string, isTerminal: boolean): NonNullable<FastifyServerOptions['logger']> {
  const redact = ['req.headers["x-camera-auth"]', 'req.headers.authorization', 'req.headers.cookie', 'res.headers["set-cookie"]']
  if (!isTerminal) return { level, redact }
  return { level, redact, transport: { target: 'pino-pretty', options: { translateTime: 'HH:MM:ss', ignore: 'pid,hostname,reqId' } } }
}
