import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import { ConfigSchema, loadConfig, readEnvironment } from '../src/config.js'
import { temporaryFolder } from './helper.js'

const PASSWORD = 'a-password-for-tests'

/** The mistakes that are told, a line each. */
function mistakesOf (environment: NodeJS.ProcessEnv): string[] {
  try {
    loadConfig(environment)
    return []
  } catch (error) {
    const { name, message } = error as Error
    if (name !== 'StartupError') throw error
    return message.split('\n')
  }
}

t.test('no setting has to be given', async t => {
  t.strictSame(loadConfig({}), {
    port: 5000,
    host: '0.0.0.0',
    dataDir: 'data',
    logLevel: 'info',
    cameraPassword: undefined,
    adminPassword: undefined,
    viewerAccess: 'public',
    maxFrameBytes: 10 * 1024 * 1024,
    maxFramePixels: 50_000_000,
    uploadRateLimit: 60,
    authFailureLimit: 10,
    readRateLimit: 300,
    eventGapSeconds: 0,
    preEventSeconds: 5,
    postEventSeconds: 5,
    eventClipFps: 2,
    eventClipMaxBytes: 64 * 1024 * 1024,
    maxCameras: 500,
    cameraOfflineAfterSeconds: 10,
    lateFrameWindowSeconds: 604_800,
    retainDays: undefined,
    retainMaxBytes: undefined,
    minFreeBytes: 100 * 1024 * 1024,
    retainUnreviewed: 'keep',
    outboundAllow: { names: new Set(), networks: [] },
    checkpointEvery: 1000,
    checkpointMinutes: 15,
    checkpointUrl: undefined,
    maxViewers: 500,
    streamMaxFps: undefined,
    viewerStallSeconds: 60,
    trustProxy: false
  })
})

t.test('what cameras\' sources may reach is read as networks and names', async t => {
  const { outboundAllow } = loadConfig({ OUTBOUND_ALLOW: '10.0.0.0/8, camera.example' })
  t.strictSame([...outboundAllow.names], ['camera.example'])
  t.strictSame(outboundAllow.networks.map(([address, bits]) => `${address.toString()}/${bits}`), ['10.0.0.0/8'])
  t.throws(() => loadConfig({ OUTBOUND_ALLOW: '10.0.0.1/8' }), { message: /^OUTBOUND_ALLOW must be CIDRs and host names separated by commas, but "10\.0\.0\.1\/8" has bits behind its prefix/ })
})

t.test('every setting can be given', async t => {
  const config = loadConfig({
    PORT: '8080',
    HOST: '::',
    DATA_DIR: '/srv/videostream',
    LOG_LEVEL: 'debug',
    CAMERA_PASSWORD: PASSWORD,
    ADMIN_PASSWORD: 'an-admin-for-tests',
    VIEWER_ACCESS: 'private',
    MAX_FRAME_BYTES: '2000000',
    MAX_FRAME_PIXELS: '2073600',
    UPLOAD_RATE_LIMIT: '0.5',
    AUTH_FAILURE_LIMIT: '3',
    READ_RATE_LIMIT: '1000.5',
    EVENT_GAP_SECONDS: '2.5',
    PRE_EVENT_SECONDS: '3',
    POST_EVENT_SECONDS: '4',
    EVENT_CLIP_FPS: '1.5',
    EVENT_CLIP_MAX_BYTES: '1000000',
    MAX_CAMERAS: '200',
    CAMERA_OFFLINE_AFTER_SECONDS: '7.5',
    RETAIN_DAYS: '90.5',
    RETAIN_MAX_BYTES: '1000000000',
    MIN_FREE_BYTES: '0',
    RETAIN_UNREVIEWED: 'delete',
    LATE_FRAME_WINDOW: '3600',
    OUTBOUND_ALLOW: '10.0.0.0/8, camera.example',
    CHECKPOINT_EVERY: '50',
    CHECKPOINT_MINUTES: '0.5',
    CHECKPOINT_URL: 'https://user:secret@log.example/heads?token=t',
    MAX_VIEWERS: '50',
    STREAM_MAX_FPS: '12.5',
    VIEWER_STALL_SECONDS: '15',
    TRUST_PROXY: '10.0.0.1'
  })
  t.strictSame(config, {
    port: 8080,
    host: '::',
    dataDir: '/srv/videostream',
    logLevel: 'debug',
    cameraPassword: PASSWORD,
    adminPassword: 'an-admin-for-tests',
    viewerAccess: 'private',
    maxFrameBytes: 2_000_000,
    maxFramePixels: 2_073_600,
    uploadRateLimit: 0.5,
    authFailureLimit: 3,
    readRateLimit: 1000.5,
    eventGapSeconds: 2.5,
    preEventSeconds: 3,
    postEventSeconds: 4,
    eventClipFps: 1.5,
    eventClipMaxBytes: 1_000_000,
    maxCameras: 200,
    cameraOfflineAfterSeconds: 7.5,
    lateFrameWindowSeconds: 3600,
    retainDays: 90.5,
    retainMaxBytes: 1_000_000_000,
    minFreeBytes: 0,
    retainUnreviewed: 'delete',
    outboundAllow: config.outboundAllow,
    checkpointEvery: 50,
    checkpointMinutes: 0.5,
    checkpointUrl: new URL('https://user:secret@log.example/heads?token=t'),
    maxViewers: 50,
    streamMaxFps: 12.5,
    viewerStallSeconds: 15,
    trustProxy: ['10.0.0.1']
  })
  t.ok(Object.isFrozen(config))
})

t.test('an empty setting counts as not set, and what the server does not know is not looked at', async t => {
  const names = Object.keys(ConfigSchema.properties).filter(name => !['CAMERA_PASSWORD', 'ADMIN_PASSWORD'].includes(name))
  t.strictSame(loadConfig({ ...Object.fromEntries(names.map(name => [name, ''])), PATH: '/bin', MAX_FRAMES: 'x' }), loadConfig({}))
})

t.test('each range', async t => {
  const ranges: Array<[name: string, allowed: string[], refused: string[], expected: string]> = [
    ['PORT', ['0', '65535', ' 80 '], ['-1', '65536', '80.5', '0x50', '1e3', 'http', '80 81', '5000abc'], 'a whole number from 0 to 65535'],
    ['MAX_FRAME_BYTES', ['1024', '268435456'], ['1023', '268435457', '10MiB', '1.5'], 'a whole number from 1024 to 268435456'],
    ['MAX_FRAME_PIXELS', ['1', '9000000000'], ['0', '-5', '0.5', 'all'], 'a whole number of at least 1'],
    ['UPLOAD_RATE_LIMIT', ['0.1', '1000'], ['0', '0.09', '-1', 'fast', 'NaN', 'Infinity', '9'.repeat(400)], 'a number of at least 0.1'],
    ['AUTH_FAILURE_LIMIT', ['1', '100000'], ['0', '2.5', 'ten'], 'a whole number of at least 1'],
    ['READ_RATE_LIMIT', ['1', '1.5'], ['0', '0.99', 'none'], 'a number of at least 1'],
    ['EVENT_GAP_SECONDS', ['0', '0.5', '86400'], ['-0.1', '86401', '5s'], 'a number from 0 to 86400'],
    ['PRE_EVENT_SECONDS', ['0', '2.5', '60'], ['-1', '61', '5s'], 'a number from 0 to 60'],
    ['POST_EVENT_SECONDS', ['0', '2.5', '3600'], ['-1', '3601', '5s'], 'a number from 0 to 3600'],
    ['EVENT_CLIP_FPS', ['0.1', '2.5', '60'], ['0', '61', 'all'], 'a number from 0.1 to 60'],
    ['EVENT_CLIP_MAX_BYTES', ['65536', '4294967296'], ['65535', '4294967297', '64MiB', '1.5'], 'a whole number from 65536 to 4294967296'],
    ['MAX_CAMERAS', ['1', '10000'], ['0', '10001', '1.5', 'all'], 'a whole number from 1 to 10000'],
    ['CAMERA_OFFLINE_AFTER_SECONDS', ['1', '2.5', '86400'], ['0', '0.9', '86401', 'never'], 'a number from 1 to 86400'],
    ['RETAIN_DAYS', ['0', '0.5', '100000'], ['-1', '100001', '1y'], 'a number from 0 to 100000'],
    ['RETAIN_MAX_BYTES', ['0', '9000000000000'], ['-1', '1GB', '0.5'], 'a whole number of at least 0'],
    ['MIN_FREE_BYTES', ['0', '9000000000000'], ['-1', '5%'], 'a whole number of at least 0'],
    ['RETAIN_UNREVIEWED', ['keep', 'delete'], ['true', 'Keep'], 'one of keep, delete'],
    ['LATE_FRAME_WINDOW', ['0', '0.5', '31536000'], ['-1', '7d'], 'a number of at least 0'],
    ['CHECKPOINT_EVERY', ['1', '100000'], ['0', '2.5', 'all'], 'a whole number of at least 1'],
    ['CHECKPOINT_MINUTES', ['0.01', '60', '10080'], ['0', '10081', '5m'], 'a number from 0.01 to 10080'],
    ['MAX_VIEWERS', ['1', '5000'], ['0', '1.5', 'all'], 'a whole number of at least 1'],
    ['STREAM_MAX_FPS', ['0', '0.5', '60'], ['-1', 'all'], 'a number of at least 0'],
    ['VIEWER_STALL_SECONDS', ['1', '2.5', '86400'], ['0', '0.9', '86401', 'never'], 'a number from 1 to 86400'],
    ['LOG_LEVEL', ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], ['verbose', 'INFO', '30'], 'one of fatal, error, warn, info, debug, trace, silent'],
    ['VIEWER_ACCESS', ['public', 'private'], ['Public', 'open', 'true'], 'one of public, private']
  ]
  for (const [name, allowed, refused, expected] of ranges) {
    for (const value of allowed) t.strictSame(mistakesOf({ [name]: value }), [], `${name}=${value}`)
    for (const value of refused) {
      const [line, ...more] = mistakesOf({ [name]: value })
      t.ok(line?.startsWith(`${name} must be ${expected}, but it is "`), `${name}=${value.slice(0, 20)}: ${line}`)
      t.strictSame(more, [], 'one line')
    }
  }
  const numbers = Object.entries(ConfigSchema.properties).filter(([, schema]) => schema['type'] !== 'string').map(([name]) => name)
  t.strictSame(ranges.map(([name]) => name).sort(), numbers.sort(), 'no setting with a range is left out')
})

t.test('an address for checkpoints that is none is not shown, since it may hold a secret', async t => {
  for (const CHECKPOINT_URL of ['ftp://user:secret@log.example', 'secret', 'http://:secret']) {
    t.strictSame(mistakesOf({ CHECKPOINT_URL }), ['CHECKPOINT_URL must be an address of http or https'])
  }
  const path = join(temporaryFolder(t), 'address')
  writeFileSync(path, 'https://log.example/?token=secret\n')
  t.strictSame(loadConfig({ CHECKPOINT_URL_FILE: path }).checkpointUrl, new URL('https://log.example/?token=secret'))
})

t.test('a wrong value is shown as it is, and stays in its line', async t => {
  t.strictSame(mistakesOf({ PORT: 'eighty' }), ['PORT must be a whole number from 0 to 65535, but it is "eighty"'])
  t.strictSame(mistakesOf({ PORT: '80\n81' }), ['PORT must be a whole number from 0 to 65535, but it is "80\\n81"'])
})

t.test('all mistakes are told at once, a line each', async t => {
  const lines = mistakesOf({
    CAMERA_PASSWORD: 'short', PORT: '-1', LOG_LEVEL: 'loud', MAX_FRAME_BYTES: 'x', EVENT_GAP_SECONDS: '-3', TRUST_PROXY: 'my-proxy, nginx'
  })
  t.strictSame(lines.map(line => line.split(' ')[0]).sort(),
    ['CAMERA_PASSWORD', 'EVENT_GAP_SECONDS', 'LOG_LEVEL', 'MAX_FRAME_BYTES', 'PORT', 'TRUST_PROXY', 'TRUST_PROXY'])
})

t.test('the camera password', async t => {
  /** A file with this content. */
  function fileWith (t: Test, content: string): string {
    const path = join(temporaryFolder(t), 'secret')
    writeFileSync(path, content)
    return path
  }

  t.test('may come from a file, with or without a line break at its end', async t => {
    for (const content of [PASSWORD, `${PASSWORD}\n`, `${PASSWORD}\r\n`]) {
      t.equal(loadConfig({ CAMERA_PASSWORD_FILE: fileWith(t, content) }).cameraPassword, PASSWORD)
      t.equal(loadConfig({ CAMERA_PASSWORD: '', CAMERA_PASSWORD_FILE: fileWith(t, content) }).cameraPassword, PASSWORD)
    }
  })

  t.test('is refused where it is no good, in one line that does not show it', async t => {
    for (const [password, reason] of [
      ['', 'is empty'], ['your_default_password', 'is an example'], ['your_secure_password', 'is an example'], ['elevenchars', 'is shorter than 12'],
      ['passwörter-sind-lang', 'has characters'], ['first line\nsecond line', 'has characters'], [' leading space...', 'has characters']
    ] as const) {
      const path = fileWith(t, `${password}\n`)
      const expected: Array<[NodeJS.ProcessEnv, string]> = [
        [{ CAMERA_PASSWORD: password }, `CAMERA_PASSWORD ${reason}`],
        [{ CAMERA_PASSWORD_FILE: path }, `the password in CAMERA_PASSWORD_FILE (${path}) ${reason}`]
      ]
      for (const [environment, start] of expected) {
        const lines = mistakesOf(environment)
        t.equal(lines.length, 1)
        t.ok(lines[0]?.startsWith(start), `it begins with ${start}`)
        if (password !== '') t.notOk(lines[0]?.includes(password))
      }
    }
  })

  t.test('is made by the server where its file is the null device, as docker-compose.yml gives it where no secret is named', async t => {
    t.equal(loadConfig({ CAMERA_PASSWORD_FILE: '/dev/null' }).cameraPassword, undefined)
  })

  t.test('cannot be set in two ways at once', async t => {
    t.strictSame(mistakesOf({ CAMERA_PASSWORD: PASSWORD, CAMERA_PASSWORD_FILE: fileWith(t, PASSWORD) }),
      ['CAMERA_PASSWORD and CAMERA_PASSWORD_FILE are both set; set one of them'])
  })

  t.test('is refused where its file cannot be read', async t => {
    const path = join(temporaryFolder(t), 'nothing')
    const lines = mistakesOf({ CAMERA_PASSWORD_FILE: path })
    t.equal(lines.length, 1)
    t.match(lines[0], /^CAMERA_PASSWORD_FILE cannot be read: .*ENOENT/)
    t.ok(lines[0]?.includes(path))
  })
})

t.test('the password of the first administrator', async t => {
  t.test('may come from a file', async t => {
    const path = join(temporaryFolder(t), 'secret')
    writeFileSync(path, 'pässword of an administrator\n')
    t.equal(loadConfig({ ADMIN_PASSWORD_FILE: path }).adminPassword, 'pässword of an administrator')
    t.equal(loadConfig({ ADMIN_PASSWORD_FILE: '/dev/null' }).adminPassword, undefined)
    t.strictSame(mistakesOf({ ADMIN_PASSWORD: 'an-admin-for-tests', ADMIN_PASSWORD_FILE: path }), ['ADMIN_PASSWORD and ADMIN_PASSWORD_FILE are both set; set one of them'])
  })

  t.test('is refused where it is no good', async t => {
    for (const [password, reason] of [['', 'is empty'], ['elevenchars', 'is shorter than 12'], ['admin-admin-admin', 'is one that everyone tries first'], ['password1234', 'is one that everyone']] as const) {
      const [line, ...more] = mistakesOf({ ADMIN_PASSWORD: password })
      t.ok(line?.startsWith(`ADMIN_PASSWORD ${reason}`), String(line))
      t.strictSame(more, [])
    }
  })
})

t.test('proxies', async t => {
  const allowed: Array<[text: string, trustProxy: boolean | string[]]> = [
    ['true', true],
    ['false', false],
    ['127.0.0.1', ['127.0.0.1']],
    ['10.0.0.0/8', ['10.0.0.0/8']],
    ['::1', ['::1']],
    ['fd00::/8', ['fd00::/8']],
    ['loopback', ['loopback']],
    ['10.1.2.3, 192.168.0.0/16 ,linklocal,uniquelocal', ['10.1.2.3', '192.168.0.0/16', 'linklocal', 'uniquelocal']],
    ['10.0.0.1/32', ['10.0.0.1/32']],
    ['::1/128', ['::1/128']]
  ]
  for (const [text, trustProxy] of allowed) {
    t.strictSame(loadConfig({ TRUST_PROXY: text }).trustProxy, trustProxy, text)
    t.doesNotThrow(() => Fastify({ trustProxy }), 'and Fastify takes it')
  }
  for (const text of ['1', 'yes', 'nginx', '10.0.0', '10.0.0.0/33', '10.0.0.0/0', 'fd00::/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/x', '/8', '10.0.0.1,', 'True']) {
    const lines = mistakesOf({ TRUST_PROXY: text })
    t.equal(lines.length, 1, text)
    t.match(lines[0], /^TRUST_PROXY must be true, false, or addresses and CIDRs separated by commas, but it has "/)
  }
})

t.test('the environment has `.env` of the current folder beneath it', async t => {
  const folder = temporaryFolder(t)
  const before = { cwd: process.cwd(), port: process.env['PORT'], host: process.env['HOST'] }
  t.teardown(() => {
    process.chdir(before.cwd)
    for (const [name, value] of [['PORT', before.port], ['HOST', before.host]] as const) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  })
  process.chdir(folder)
  delete process.env['HOST']
  process.env['PORT'] = '7000'
  t.equal(readEnvironment()['HOST'], undefined, 'no file is no mistake')
  t.equal(readEnvironment()['PORT'], '7000')

  writeFileSync('.env', '# settings\nPORT=8000\nHOST=127.0.0.1\nCAMERA_PASSWORD="with # and spaces"\n')
  t.match(readEnvironment(), { PORT: '7000', HOST: '127.0.0.1', CAMERA_PASSWORD: 'with # and spaces' }, 'the environment wins')
  t.equal(process.env['HOST'], undefined, 'the process keeps its own')
  t.match(loadConfig(readEnvironment()), { port: 7000, host: '127.0.0.1', cameraPassword: 'with # and spaces' })

  process.chdir(temporaryFolder(t))
  mkdirSync('.env')
  t.equal(readEnvironment()['HOST'], undefined, 'a folder of that name, as Python\'s, is none')

  process.chdir(temporaryFolder(t))
  symlinkSync('.env', '.env')
  t.throws(() => readEnvironment(), { name: 'StartupError', message: /^\.env is there but cannot be read: / }, 'its settings are not left out silently')
})

t.test('every setting says what it is, and what it is when it is not set', async t => {
  for (const [name, schema] of Object.entries(ConfigSchema.properties)) {
    t.ok(schema.description, name)
    t.ok('default' in schema || ['CAMERA_PASSWORD', 'CAMERA_PASSWORD_FILE', 'ADMIN_PASSWORD', 'ADMIN_PASSWORD_FILE', 'OUTBOUND_ALLOW', 'CHECKPOINT_URL', 'CHECKPOINT_URL_FILE', 'TRUST_PROXY'].includes(name), name)
  }
})
