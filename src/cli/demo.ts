import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { loadConfig, readEnvironment } from '../config.js'
import { generatedPassword } from '../store/data-folder.js'

/** As in `npm start`; docs/performance.md says why. */
const SMALL_YOUNG_GENERATION = '--max-semi-space-size=4'

/** Starts the server and a simulated camera, tells where to look, and ends both together. */
const environment = readEnvironment()
const children: ChildProcess[] = []

process.on('SIGINT', stopAll).on('SIGTERM', stopAll).on('SIGHUP', stopAll)

const server = start('../server.js', [], environment)
const address = await listening(server)
if (address !== undefined) {
  const config = loadConfig(environment) // the server has found no mistake in it
  const url = address.replace(/\/\/(127\.0\.0\.1|\[::1?\]):/, '//localhost:')
  const password = config.cameraPassword ?? generatedPassword(config.dataDir).password
  start('./camera.js', ['--server', url], { ...environment, CAMERA_KEY: '', CAMERA_KEY_FILE: '', CAMERA_PASSWORD: password })
  process.stdout.write(`
Videostream is running, with a simulated camera.

  Live picture and status   ${url}/
  Live picture alone        ${url}/stream
  API documentation         ${url}/documentation

The first oil spill drifts into the picture within half a minute. Ctrl+C ends both.

`)
}

/**
 * Starts a program of this folder. When one of them ends, the other is ended too. Each is in a process group of its
 * own, out of reach of a terminal's Ctrl+C, so that it gets one signal only: a second would cut its shutdown short.
 */
function start (program: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, [SMALL_YOUNG_GENERATION, fileURLToPath(new URL(program, import.meta.url)), ...args], {
    env, detached: true, stdio: ['ignore', 'inherit', 'inherit', 'ipc']
  })
  children.push(child)
  child.once('exit', code => {
    process.exitCode ||= code ?? 1
    stopAll()
  })
  return child
}

/** Tells each child once to end. */
function stopAll (): void {
  for (const child of children.splice(0)) child.kill('SIGTERM')
}

/** Where the server came to listen; undefined where it ended before, which it has explained itself. */
async function listening (server: ChildProcess): Promise<string | undefined> {
  const ready = once(server, 'message').then(([address]) => String(address))
  const ended = once(server, 'exit').then(() => undefined)
  return await Promise.race([ready, ended])
}
