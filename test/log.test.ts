import { PassThrough } from 'node:stream'
import Fastify from 'fastify'
import t from 'tap'
import { loggerOptions, QuietLogController } from '../src/log.js'

/** A server that logs into memory. */
function setUp (level: string) {
  const stream = new PassThrough({ encoding: 'utf8' })
  const app = Fastify({ logger: { ...Object(loggerOptions(level, false)), stream }, logController: new QuietLogController() })
  app.get('/', async request => {
    request.log.info('a line of ours')
    return 'ok'
  })
  return { app, log: (): string => String(stream.read() ?? '') }
}

t.test('programs get JSON lines', async t => {
  const { app, log } = setUp('info')
  app.log.info({ cameraId: 'default' }, 'something happened')
  t.match(JSON.parse(log()), { level: 30, msg: 'something happened', cameraId: 'default' })
})

t.test('a person at a terminal gets readable ones', async t => {
  t.match(loggerOptions('info', true), { level: 'info', transport: { target: 'pino-pretty' } })
  t.notMatch(loggerOptions('info', false), { transport: Object })
})

t.test('the level is the one that was set', async t => {
  const { app, log } = setUp('error')
  app.log.warn('not so bad')
  t.equal(log(), '')
  app.log.error('bad')
  t.match(log(), /"msg":"bad"/)
})

t.test('requests leave no lines of their own', async t => {
  const { app, log } = setUp('trace')
  const { statusCode } = await app.inject({ url: '/' })
  t.equal(statusCode, 200)
  const lines = log().trimEnd().split('\n').map(line => String(JSON.parse(line).msg))
  t.strictSame(lines, ['a line of ours'])
})

t.test('passwords never appear', async t => {
  for (const isTerminal of [true, false]) {
    t.strictSame(Object(loggerOptions('info', isTerminal)).redact,
      ['req.headers["x-camera-auth"]', 'req.headers.authorization', 'req.headers.cookie', 'res.headers["set-cookie"]'])
  }
  const { app, log } = setUp('info')
  app.log.info({ req: { headers: { 'x-camera-auth': 'a-password-for-tests', authorization: 'Bearer a-password-for-tests', cookie: 'videostream_session=a-password-for-tests', host: 'camera.example' } } }, 'a request with its headers')
  const line = log()
  t.match(line, /a request with its headers/)
  t.notMatch(line, /a-password-for-tests/)
})
