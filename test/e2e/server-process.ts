import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { ConfigSchema } from '../../src/config.js'
import { ADMIN_PASSWORD, PASSWORD, temporaryFolder, until } from '../helper.js'

const SERVER = fileURLToPath(new URL('../../src/server.js', import.meta.url))

export interface ServerProcess {
  /** Its address, without a slash at the end. */
  readonly url: string
  readonly port: number
  readonly dataDir: string
}

/**
 * Starts the server as a process of its own, as a person does, with a free port of the loopback and a throw-away data
 * folder. When the test is over it is stopped with SIGTERM, and the test fails unless it then exits with 0.
 */
export async function startServerProcess (t: Test, settings: NodeJS.ProcessEnv = {}): Promise<ServerProcess> {
  const folder = temporaryFolder(t)
  const dataDir = join(folder, 'data')
  const server = spawn(process.execPath, [SERVER], {
    cwd: folder,
    env: serverEnvironment(dataDir, settings),
    stdio: ['ignore', 'pipe', 'inherit']
  })
  t.teardown(async () => { await stop(server) })
  const port = await listeningPort(server)
  return { url: `http://127.0.0.1:${port}`, port, dataDir }
}

/** The environment of a server on a free port of the loopback, with nothing from the machine's own but what it needs to run. */
export function serverEnvironment (dataDir: string, settings: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const noSettings = Object.fromEntries(Object.keys(ConfigSchema.properties).map(name => [name, '']))
  return { ...process.env, ...noSettings, PORT: '0', HOST: '127.0.0.1', CAMERA_PASSWORD: PASSWORD, ADMIN_PASSWORD, DATA_DIR: dataDir, ...settings }
}

/** Waits until somebody watches the stream. */
export async function viewerOf (url: string): Promise<void> {
  await until(async () => {
    const status = await (await fetch(`${url}/api/status`)).json() as { viewers: number }
    return status.viewers > 0
  }, 'a viewer')
}

/** Reads the log until it names the port, and then on, so that the pipe never fills. */
export async function listeningPort (server: ChildProcess): Promise<number> {
  return await new Promise((resolve, reject) => {
    const log: string[] = []
    createInterface({ input: server.stdout! }).on('line', line => {
      log.push(line)
      const port = /"msg":"Server listening at http:\/\/127\.0\.0\.1:(\d+)"/.exec(line)?.[1]
      if (port !== undefined) resolve(Number(port))
    })
    server.once('exit', (code, signal) => {
      reject(new Error(`the server ended (${signal ?? code}) before it listened; its log:\n${log.join('\n')}`))
    })
  })
}

async function stop (server: ChildProcess): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGTERM')
    await once(server, 'exit')
  }
  if (server.exitCode !== 0) throw new Error(`the server ended with ${server.signalCode ?? server.exitCode} instead of 0`)
}
