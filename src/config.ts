import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { Type, type Static, type TSchema } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'
import { parse } from 'dotenv'
import { passwordProblem } from './core/camera.js'
import { parseDecimal } from './core/decimal.js'
import { FIRST_ADMIN, newPasswordProblem } from './core/user.js'
import { StartupError } from './errors.js'
import { NO_RULES, parseAllowList, type AllowRules } from './outbound/allow-list.js'

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']

/** Every setting: an environment variable of this name, or a line of `.env`. An empty one counts as not set, but for the passwords. */
export const ConfigSchema = Type.Object({
  PORT: Type.Integer({ default: 5000, minimum: 0, maximum: 65535, description: 'TCP port to listen on; 0 takes a free one' }),
  HOST: Type.String({ default: '0.0.0.0', description: 'address to listen on; `127.0.0.1` for this machine only, `::` for IPv6 too' }),
  DATA_DIR: Type.String({ default: 'data', description: 'folder of the database and the evidence, on a local disk' }),
  LOG_LEVEL: Type.Union(LOG_LEVELS.map(level => Type.Literal(level)), {
    default: 'info', description: `least level that is logged: ${LOG_LEVELS.map(level => `\`${level}\``).join(', ')}`
  }),
  CAMERA_PASSWORD: Type.Optional(Type.String({ description: 'password of the camera, 12 characters or more; one is made on the first run where there is none' })),
  CAMERA_PASSWORD_FILE: Type.Optional(Type.String({ description: 'file with that password, instead of it' })),
  ADMIN_PASSWORD: Type.Optional(Type.String({ description: 'password that the user `admin` is made with on the first run, 12 characters or more; one is made and printed where there is none' })),
  ADMIN_PASSWORD_FILE: Type.Optional(Type.String({ description: 'file with that password, instead of it' })),
  VIEWER_ACCESS: Type.Union([Type.Literal('public'), Type.Literal('private')], {
    default: 'public', description: '`public`: everybody who reaches the server may look; `private`: only people who log in'
  }),
  MAX_FRAME_BYTES: Type.Integer({ default: 10 * 1024 * 1024, minimum: 1024, maximum: 256 * 1024 * 1024, description: 'largest frame, in bytes' }),
  MAX_FRAME_PIXELS: Type.Integer({ default: 50_000_000, minimum: 1, description: 'largest frame, width times height' }),
  UPLOAD_RATE_LIMIT: Type.Number({ default: 60, minimum: 0.1, description: 'frames a second from each camera, with a burst of two seconds\' worth' }),
  AUTH_FAILURE_LIMIT: Type.Integer({ default: 10, minimum: 1, description: 'wrong passwords a minute from one address, or for one user name, before all are refused' }),
  READ_RATE_LIMIT: Type.Number({ default: 300, minimum: 1, description: 'reads a second from one address, with a burst of two seconds\' worth' }),
  EVENT_GAP_SECONDS: Type.Number({ default: 0, minimum: 0, maximum: 86_400, description: 'how long no frame may report a spill before its event ends; 0 ends it at the first that does not' }),
  PRE_EVENT_SECONDS: Type.Number({ default: 5, minimum: 0, maximum: 60, description: 'seconds before an event that its clip begins with; 0 for none' }),
  POST_EVENT_SECONDS: Type.Number({ default: 5, minimum: 0, maximum: 3600, description: 'seconds after an event that its clip ends with; 0 for none' }),
  EVENT_CLIP_FPS: Type.Number({ default: 2, minimum: 0.1, maximum: 60, description: 'frames a second that are kept in the clip of an event' }),
  EVENT_CLIP_MAX_BYTES: Type.Integer({ default: 64 * 1024 * 1024, minimum: 64 * 1024, maximum: 4 * 1024 ** 3, description: 'largest clip of an event, in bytes; the rest of its frames is left out, and its detections are kept' }),
  MAX_CAMERAS: Type.Integer({ default: 500, minimum: 1, maximum: 10_000, description: 'cameras at most' }),
  CAMERA_OFFLINE_AFTER_SECONDS: Type.Number({ default: 10, minimum: 1, maximum: 86_400, description: 'a camera that sends no frame for this long is offline' }),
  RETAIN_DAYS: Type.Number({ default: 0, minimum: 0, maximum: 100_000, description: 'days after its end at which the evidence of an event is deleted; 0 for never' }),
  RETAIN_MAX_BYTES: Type.Integer({ default: 0, minimum: 0, description: 'evidence in all, in bytes, beyond which the oldest is deleted; 0 for no limit' }),
  MIN_FREE_BYTES: Type.Integer({ default: 100 * 1024 * 1024, minimum: 0, description: 'free disk, in bytes, that evidence leaves to the database: the oldest is deleted for it, and none is written into it; 0 for none' }),
  RETAIN_UNREVIEWED: Type.Union([Type.Literal('keep'), Type.Literal('delete')], {
    default: 'keep', description: '`keep`: evidence that nobody has reviewed is never deleted; `delete`: it goes as the rest'
  }),
  LATE_FRAME_WINDOW: Type.Number({ default: 604_800, minimum: 0, description: 'how long after it was taken a frame may come, in seconds' }),
  OUTBOUND_ALLOW: Type.Optional(Type.String({ description: 'addresses within the own network that the server may connect to, for camera sources and `CHECKPOINT_URL`: CIDRs or host names, separated by commas' })),
  CHECKPOINT_EVERY: Type.Integer({ default: 1000, minimum: 1, description: 'entries of the ledger after which its signed head is kept, logged and posted' }),
  CHECKPOINT_MINUTES: Type.Number({ default: 15, minimum: 0.01, maximum: 10_080, description: 'minutes after which it is, where the ledger has grown' }),
  CHECKPOINT_URL: Type.Optional(Type.String({ description: 'where it is posted as JSON, http or https, on another machine; one within the own network is to be named in `OUTBOUND_ALLOW` too' })),
  CHECKPOINT_URL_FILE: Type.Optional(Type.String({ description: 'file with that address, instead of it' })),
  MAX_VIEWERS: Type.Integer({ default: 500, minimum: 1, description: 'people who watch at once, all cameras together' }),
  STREAM_MAX_FPS: Type.Number({ default: 0, minimum: 0, description: 'pictures a second that a viewer gets at most, evenly thinned; 0 for all' }),
  VIEWER_STALL_SECONDS: Type.Number({ default: 60, minimum: 1, maximum: 86_400, description: 'a viewer that takes nothing for this long is let go, at the latest after twice as long' }),
  TRUST_PROXY: Type.Optional(Type.String({ description: 'proxies whose `X-Forwarded-For` counts: addresses, CIDRs, `loopback`, `linklocal` or `uniquelocal`, separated by commas; or `true` for all' }))
})

/** The settings as the program uses them. */
export interface Config {
  readonly port: number
  readonly host: string
  readonly dataDir: string
  readonly logLevel: string
  /** Undefined: the one in the data folder, made on the first run. */
  readonly cameraPassword: string | undefined
  /** For the first user. Undefined: one is made. */
  readonly adminPassword: string | undefined
  readonly viewerAccess: 'public' | 'private'
  readonly maxFrameBytes: number
  readonly maxFramePixels: number
  /** Frames a second. */
  readonly uploadRateLimit: number
  /** Wrong passwords a minute. */
  readonly authFailureLimit: number
  /** Reads a second. */
  readonly readRateLimit: number
  readonly eventGapSeconds: number
  readonly preEventSeconds: number
  readonly postEventSeconds: number
  /** Frames a second. */
  readonly eventClipFps: number
  readonly eventClipMaxBytes: number
  readonly maxCameras: number
  readonly cameraOfflineAfterSeconds: number
  /** Seconds. */
  readonly lateFrameWindowSeconds: number
  /** How long evidence is kept after the end of its event; undefined for ever. */
  readonly retainDays: number | undefined
  /** Of all evidence; undefined for no limit. */
  readonly retainMaxBytes: number | undefined
  /** Of free disk; 0 for nothing. */
  readonly minFreeBytes: number
  /** Whether evidence may be deleted that nobody has reviewed. */
  readonly retainUnreviewed: 'keep' | 'delete'
  /** What may be connected to beside the ordinary addresses of the Internet. */
  readonly outboundAllow: AllowRules
  /** Entries. */
  readonly checkpointEvery: number
  readonly checkpointMinutes: number
  /** Undefined: they are posted nowhere. May hold a secret. */
  readonly checkpointUrl: URL | undefined
  readonly maxViewers: number
  /** Pictures a second; undefined for all. */
  readonly streamMaxFps: number | undefined
  readonly viewerStallSeconds: number
  /** As Fastify takes it. */
  readonly trustProxy: boolean | string[]
}

/**
 * The environment, with `.env` of the current folder beneath it. The only place that reads `process.env`.
 * @throws StartupError where there is a `.env` that cannot be read
 */
export function readEnvironment (): NodeJS.ProcessEnv {
  return { ...readDotEnv(), ...process.env }
}

/**
 * Makes the settings from environment variables.
 * @throws StartupError with one line for each mistake
 */
export function loadConfig (environment: NodeJS.ProcessEnv): Config {
  const mistakes: string[] = []
  const values = Value.Default(ConfigSchema, Object.fromEntries(
    Object.entries(ConfigSchema.properties).flatMap(([name, schema]) => {
      const text = environment[name]
      return text === undefined || text === '' ? [] : [[name, convert(schema, text)]]
    })))
  const cameraPassword = readSecret(environment, 'CAMERA_PASSWORD', passwordProblem, mistakes)
  const adminPassword = readSecret(environment, 'ADMIN_PASSWORD', password => newPasswordProblem(password, FIRST_ADMIN), mistakes)
  for (const { path, value } of Value.Errors(ConfigSchema, values)) {
    const name = path.slice(1)
    const line = `${name} must be ${expected(name)}, but it is ${JSON.stringify(String(value))}`
    if (!mistakes.includes(line)) mistakes.push(line)
  }
  const checkpointUrl = readSecret(environment, 'CHECKPOINT_URL', checkpointUrlProblem, mistakes)
  const trustProxy = parseTrustProxy(environment['TRUST_PROXY'], mistakes)
  const outboundAllow = parseOutboundAllow(environment['OUTBOUND_ALLOW'], mistakes)
  if (mistakes.length > 0 || !Value.Check(ConfigSchema, values)) throw new StartupError(mistakes.join('\n'))
  return freeze(values, { cameraPassword, adminPassword, trustProxy, outboundAllow, checkpointUrl: checkpointUrl === undefined || checkpointUrl === '' ? undefined : new URL(checkpointUrl) })
}

function freeze (
  values: Static<typeof ConfigSchema>,
  { cameraPassword, adminPassword, trustProxy, outboundAllow, checkpointUrl }: Pick<Config, 'cameraPassword' | 'adminPassword' | 'trustProxy' | 'outboundAllow' | 'checkpointUrl'>
): Config {
  return Object.freeze({
    port: values.PORT,
    host: values.HOST,
    dataDir: values.DATA_DIR,
    logLevel: values.LOG_LEVEL,
    cameraPassword,
    adminPassword,
    viewerAccess: values.VIEWER_ACCESS,
    maxFrameBytes: values.MAX_FRAME_BYTES,
    maxFramePixels: values.MAX_FRAME_PIXELS,
    uploadRateLimit: values.UPLOAD_RATE_LIMIT,
    authFailureLimit: values.AUTH_FAILURE_LIMIT,
    readRateLimit: values.READ_RATE_LIMIT,
    eventGapSeconds: values.EVENT_GAP_SECONDS,
    preEventSeconds: values.PRE_EVENT_SECONDS,
    postEventSeconds: values.POST_EVENT_SECONDS,
    eventClipFps: values.EVENT_CLIP_FPS,
    eventClipMaxBytes: values.EVENT_CLIP_MAX_BYTES,
    maxCameras: values.MAX_CAMERAS,
    cameraOfflineAfterSeconds: values.CAMERA_OFFLINE_AFTER_SECONDS,
    lateFrameWindowSeconds: values.LATE_FRAME_WINDOW,
    retainDays: values.RETAIN_DAYS === 0 ? undefined : values.RETAIN_DAYS,
    retainMaxBytes: values.RETAIN_MAX_BYTES === 0 ? undefined : values.RETAIN_MAX_BYTES,
    minFreeBytes: values.MIN_FREE_BYTES,
    retainUnreviewed: values.RETAIN_UNREVIEWED,
    outboundAllow,
    checkpointEvery: values.CHECKPOINT_EVERY,
    checkpointMinutes: values.CHECKPOINT_MINUTES,
    checkpointUrl,
    maxViewers: values.MAX_VIEWERS,
    streamMaxFps: values.STREAM_MAX_FPS === 0 ? undefined : values.STREAM_MAX_FPS,
    viewerStallSeconds: values.VIEWER_STALL_SECONDS,
    trustProxy
  })
}

function convert (schema: TSchema, text: string): unknown {
  const isNumber = schema['type'] === 'integer' || schema['type'] === 'number'
  return isNumber ? parseDecimal(text.trim()) ?? text : text
}

function expected (name: string): string {
  const schema: TSchema | undefined = Object.entries(ConfigSchema.properties).find(([each]) => each === name)?.[1]
  if (schema?.['type'] === undefined) return `one of ${literalsOf(schema).join(', ')}`
  const range = schema['maximum'] === undefined ? `of at least ${schema['minimum']}` : `from ${schema['minimum']} to ${schema['maximum']}`
  return `a ${schema['type'] === 'integer' ? 'whole ' : ''}number ${range}`
}

function literalsOf (schema: TSchema | undefined): string[] {
  const literals: TSchema[] = schema?.['anyOf'] ?? []
  return literals.map(literal => String(literal['const']))
}

/** A secret, or the one in the file that NAME_FILE names. An empty password is a mistake, unlike other empty settings: somebody meant to set it. */
function readSecret (environment: NodeJS.ProcessEnv, name: string, problemOf: (secret: string) => string | undefined, mistakes: string[]): string | undefined {
  const file = environment[`${name}_FILE`]
  let secret = environment[name]
  let called = name
  if (file !== undefined && file !== '') {
    if (secret !== undefined && secret !== '') mistakes.push(`${name} and ${name}_FILE are both set; set one of them`)
    called = `the ${name.endsWith('URL') ? 'address' : 'password'} in ${name}_FILE (${file})`
    try {
      secret = readFileSync(file, 'utf8').replace(/\r?\n$/, '')
      // docker-compose.yml gives /dev/null where no secret file is named.
      if (secret === '' && statSync(file).isCharacterDevice()) return undefined
    } catch (error) {
      mistakes.push(`${name}_FILE cannot be read: ${String(error)}`)
      return undefined
    }
  }
  if (secret === undefined) return undefined
  const problem = problemOf(secret)
  if (problem !== undefined) mistakes.push(`${called} ${problem}`)
  return secret
}

/** The address is not in the message: it may hold a secret. */
function checkpointUrlProblem (text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  return text === '' || (url !== undefined && /^https?:$/.test(url.protocol)) ? undefined : 'must be an address of http or https'
}

function parseOutboundAllow (text: string | undefined, mistakes: string[]): AllowRules {
  const parsed = parseAllowList(text ?? '')
  if ('rules' in parsed) return parsed.rules
  mistakes.push(`OUTBOUND_ALLOW must be CIDRs and host names separated by commas, but ${parsed.problem}`)
  return NO_RULES
}

function parseTrustProxy (text: string | undefined, mistakes: string[]): Config['trustProxy'] {
  if (text === undefined || text === '' || text === 'false') return false
  if (text === 'true') return true
  const proxies = text.split(',').map(each => each.trim())
  for (const proxy of proxies.filter(each => !isProxy(each))) {
    mistakes.push(`TRUST_PROXY must be true, false, or addresses and CIDRs separated by commas, but it has ${JSON.stringify(proxy)}`)
  }
  return proxies
}

function isProxy (text: string): boolean {
  if (['loopback', 'linklocal', 'uniquelocal'].includes(text)) return true
  const [, address, prefix] = /^([^/]*)(\/\d{1,3})?$/.exec(text) ?? []
  const version = isIP(String(address))
  if (version === 0 || prefix === undefined) return version !== 0
  const bits = Number(prefix.slice(1))
  return bits >= 1 && bits <= (version === 4 ? 32 : 128)
}

function readDotEnv (): NodeJS.ProcessEnv {
  try {
    // A folder of that name is a Python environment.
    return statSync('.env', { throwIfNoEntry: false })?.isFile() === true ? parse(readFileSync('.env')) : {}
  } catch (error) {
    throw new StartupError(`.env is there but cannot be read: ${String(error)}`)
  }
}
