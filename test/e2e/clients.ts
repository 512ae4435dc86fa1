import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { buffer, text } from 'node:stream/consumers'

/** Debian's, which its packages belong to; another Python may come first in PATH. */
export const PYTHON = '/usr/bin/python3'

/** Debian's. */
export const CHROMIUM = '/usr/bin/chromium'

/** The clients that the tests of this folder run, by Debian's names, and how each shows that it is installed. */
const CLIENTS = {
  'python3-requests': [PYTHON, '-c', 'import requests'],
  'python3-opencv': [PYTHON, '-c', 'import cv2'],
  curl: ['curl', '--version'],
  ffmpeg: ['ffmpeg', '-version'],
  chromium: [CHROMIUM, '--version'],
  sqlite3: ['sqlite3', '--version'],
  'g++': ['g++', '--version']
} as const

/**
 * The options of a test that runs a client: it is skipped, by name, where the client is not installed.
 * @throws Error instead, where VIDEOSTREAM_E2E_REQUIRE_ALL is 1
 */
export function needs (client: keyof typeof CLIENTS): { skip: string | false } {
  const [command, ...args] = CLIENTS[client]
  if (spawnSync(command, args, { stdio: 'ignore' }).status === 0) return { skip: false }
  const skip = `${client} is not installed`
  if (process.env['VIDEOSTREAM_E2E_REQUIRE_ALL'] === '1') throw new Error(`${skip}, and VIDEOSTREAM_E2E_REQUIRE_ALL is 1`)
  return { skip }
}

export interface Finished {
  /** The exit code; null after a signal. */
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** Runs a program to its end, without a proxy. It is killed when it takes longer than `timeoutMs`. */
export async function run (
  command: string, args: readonly string[], options: { cwd?: string, input?: Buffer, timeoutMs?: number } = {}
): Promise<Finished> {
  const { cwd, input, timeoutMs = 60_000 } = options
  const child = spawn(command, args, {
    cwd, timeout: timeoutMs, killSignal: 'SIGKILL', env: { ...process.env, NO_PROXY: '*', no_proxy: '*' }
  })
  child.stdin.on('error', () => {}) // A client may end before it has read everything.
  child.stdin.end(input)
  const [stdout, stderr, [code]] = await Promise.all([buffer(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, stdout, stderr }
}
