import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import jpegJs from 'jpeg-js'
import type { Test } from 'tap'
import { buildApp, type Overrides } from '../src/app.js'
import { loadConfig, type Config } from '../src/config.js'
import type { CameraSettings } from '../src/core/camera.js'
import type { Clock } from '../src/core/clock.js'
import { FrameMemory } from '../src/core/frame-memory.js'
import type { Frame, FrameDetails } from '../src/core/frame.js'
import type { Role } from '../src/core/role.js'
import type { PasswordCost } from '../src/store/password-hash.js'

/** The password that test servers are given. */
export const PASSWORD = 'a-password-for-tests'

/** The password of the user `admin` on test servers. */
export const ADMIN_PASSWORD = 'an-admin-for-tests'

/** Password hashes that cost next to nothing. */
export const CHEAP: PasswordCost = { logN: 1, blockSize: 1, parallelization: 1 }

/** A clock that stands still until it is told otherwise. Both clocks move together, unless the wall clock is set. */
export class FakeClock implements Clock {
  #nowMs = Date.UTC(2023, 5, 23, 14, 30, 22, 123)
  #monotonicMs = 1000

  nowMs (): number { return this.#nowMs }
  monotonicMs (): number { return this.#monotonicMs }

  /** Lets time pass. */
  advance (ms: number): void {
    this.#nowMs += ms
    this.#monotonicMs += ms
  }

  /** Sets the wall clock, as a person or NTP does. */
  setWallClock (nowMs: number): void { this.#nowMs = nowMs }
}

/** A folder that is gone after the test. */
export function temporaryFolder (t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'videostream-test-'))
  t.teardown(() => { rmSync(path, { recursive: true, force: true }) })
  return path
}

/** Settings as from the environment; a throw-away data folder and a free port where they are not given. */
export function testConfig (t: Test, environment: NodeJS.ProcessEnv = {}): Config {
  const dataDir = environment['DATA_DIR'] ?? join(temporaryFolder(t), 'data')
  return loadConfig({ CAMERA_PASSWORD: PASSWORD, ADMIN_PASSWORD, HOST: '127.0.0.1', PORT: '0', ...environment, DATA_DIR: dataDir })
}

/** The password of the users that `tokenOf` makes. */
export const PERSON_PASSWORD = 'a-person-for-tests'

/** An API token of a user of this role, who is called as the role and made where there is none. */
export async function tokenOf (app: FastifyInstance, role: Role): Promise<string> {
  const user = app.people.find(role) ?? await app.people.add(role, role, await app.passwords.hash(PERSON_PASSWORD), true)
  // A person may have so many: the oldest goes, which a test that asked for so many has done with.
  const [oldest, ...others] = app.people.tokensOf(user)
  if (oldest !== undefined && others.length >= 50) await app.people.revoke(oldest)
  const { secret } = await app.people.issue(user, 'token', 'tests', null)
  return secret
}

export interface TestServer { readonly app: FastifyInstance, readonly url: string, readonly port: number, readonly config: Config }

/** A server on a free port of the loopback, closed after the test. Silent unless a logger is given. */
export async function startServer (t: Test, environment: NodeJS.ProcessEnv = {}, overrides: Overrides = {}): Promise<TestServer> {
  const config = testConfig(t, environment)
  const app = await buildApp(config, { logger: false, passwordCost: CHEAP, ...overrides })
  t.teardown(async () => { await app.close() })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { app, url, port: Number(new URL(url).port), config }
}

const encoded = new Map<string, Buffer>()

/** A real JPEG of one colour; frames that differ in colour differ in bytes. A copy, since the encoder is slow. */
export function jpeg (options: { width?: number, height?: number, color?: [number, number, number] } = {}): Buffer {
  const { width = 16, height = 8, color = [10, 60, 90] } = options
  const key = `${width}x${height} ${color.join()}`
  const bytes = encoded.get(key) ?? encode(width, height, color)
  encoded.set(key, bytes)
  return Buffer.from(bytes)
}

function encode (width: number, height: number, color: [number, number, number]): Buffer {
  const data = Buffer.alloc(width * height * 4, 255)
  for (let i = 0; i < data.length; i += 4) data.set(color, i)
  return Buffer.from(jpegJs.encode({ data, width, height }, 90).data)
}

/** What a test says of a frame; what is left out the camera does not say either. */
export interface FrameOptions {
  spill?: boolean
  jpeg?: Buffer
  capturedAtMs?: number
  sequence?: number
  key?: string
  details?: FrameDetails
}

/** A frame as the upload makes it. */
export function frame (clock: Clock, options: FrameOptions = {}): Frame {
  return {
    memory: FrameMemory.copyOf(options.jpeg ?? jpeg()),
    width: 16,
    height: 8,
    receivedAtMs: clock.nowMs(),
    receivedAtMonotonicMs: clock.monotonicMs(),
    spillReported: options.spill ?? false,
    capturedAtMs: options.capturedAtMs,
    frameSequence: options.sequence,
    idempotencyKey: options.key,
    details: options.details ?? {}
  }
}

/** What administrators say of a camera where they say next to nothing. */
export function newSettings (cameraId: string, options: Partial<CameraSettings> = {}): CameraSettings {
  return { cameraId, name: '', site: null, latitude: null, longitude: null, heading: null, enabled: true, source: null, sourceFps: null, ...options }
}

/** Uploads a frame as a camera does. */
export async function upload (url: string, options: { jpeg?: Buffer, spill?: string | boolean, password?: string, headers?: Record<string, string> } = {}): Promise<Response> {
  const headers: Record<string, string> = { 'X-Camera-Auth': options.password ?? PASSWORD, ...options.headers }
  if (options.spill !== undefined) headers['X-Oil-Spill-Detected'] = String(options.spill)
  return await fetch(`${url}/api/upload_frame`, { method: 'POST', headers, body: new Uint8Array(options.jpeg ?? jpeg()) })
}

/** Starts or stops the stream. */
export async function control (url: string, action: 'start_stream' | 'stop_stream', password = PASSWORD): Promise<Response> {
  return await fetch(`${url}/api/${action}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ password })
  })
}

/** Waits until something is so, looking every few milliseconds; fails after five seconds. */
export async function until (condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const deadlineMs = performance.now() + 5000
  while (!await condition()) {
    if (performance.now() > deadlineMs) throw new Error(`${what} did not come about within 5 s`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** A viewer over a bare socket, which keeps every byte that it got. */
export class SocketViewer {
  readonly socket: Socket
  #bytes = Buffer.alloc(0)
  ended = false

  constructor (port: number, path = '/stream', headers: Record<string, string> = {}) {
    this.socket = connect(port, '127.0.0.1')
    const lines = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`).join('')
    this.socket.write(`GET ${path} HTTP/1.1\r\n${lines}\r\n`)
    this.socket.on('data', chunk => { this.#bytes = Buffer.concat([this.#bytes, chunk]) })
    this.socket.on('close', () => { this.ended = true })
    this.socket.on('error', () => {})
  }

  /** Everything that came, head and body. */
  get bytes (): Buffer { return this.#bytes }

  /** The response's head as text. */
  get head (): string { return this.#bytes.subarray(0, this.#bytes.indexOf('\r\n\r\n')).toString('latin1') }

  /** What came behind the head. */
  get body (): Buffer {
    const end = this.#bytes.indexOf('\r\n\r\n')
    return end === -1 ? Buffer.alloc(0) : this.#bytes.subarray(end + 4)
  }

  /** The whole parts of a standard stream so far. */
  get parts (): Array<{ headers: Record<string, string>, jpeg: Buffer }> {
    const parts = []
    const { body } = this
    let at = body.indexOf('--frame\r\n')
    while (at !== -1) {
      const headAt = at + '--frame\r\n'.length
      const headEnd = body.indexOf('\r\n\r\n', headAt)
      if (headEnd === -1) break
      const headers = Object.fromEntries(body.subarray(headAt, headEnd).toString('latin1').split('\r\n')
        .map(line => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]))
      const length = Number(headers['content-length'])
      const jpegAt = headEnd + 4
      if (!(length > 0) || body.length < jpegAt + length) break
      parts.push({ headers, jpeg: body.subarray(jpegAt, jpegAt + length) })
      at = body.indexOf('--frame\r\n', jpegAt + length)
    }
    return parts
  }

  /** Waits for this many whole parts. */
  async received (count: number): Promise<void> { await until(() => this.parts.length >= count, `part ${count}`) }

  /** Waits until the server has closed the connection. */
  async closed (): Promise<void> { await until(() => this.ended, 'the end of the stream') }

  close (): void { this.socket.destroy() }
}
