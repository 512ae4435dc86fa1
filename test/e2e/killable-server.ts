import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { listeningPort, serverEnvironment } from './server-process.js'

const SERVER = fileURLToPath(new URL('../../src/server.js', import.meta.url))

/** A server that a test may end as a power cut does, and start again over the same data. */
export class KillableServer {
  readonly #dataDir: string
  readonly #settings: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  port = 0

  private constructor (dataDir: string, settings: NodeJS.ProcessEnv) {
    this.#dataDir = dataDir
    this.#settings = settings
  }

  static async start (t: Test, dataDir: string, settings: NodeJS.ProcessEnv = {}): Promise<KillableServer> {
    const server = new KillableServer(dataDir, settings)
    t.teardown(async () => { await server.kill() })
    await server.restart()
    return server
  }

  /** Ends it with SIGKILL. */
  async kill (): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }

  /** Starts it again. Resolves with its port, which is another one each time. */
  async restart (): Promise<number> {
    this.#child = spawn(process.execPath, [SERVER], { env: serverEnvironment(this.#dataDir, this.#settings), stdio: ['ignore', 'pipe', 'inherit'] })
    this.port = await listeningPort(this.#child)
    return this.port
  }
}
