import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { loadConfig, readEnvironment } from '../config.js'
import { StartupError } from '../errors.js'
import { generatedPassword } from '../store/data-folder.js'

/** Starts the server and a simulated camera, tells where to look, and ends both together. */
const environment = readEnvironment()
const children: ChildProcess[] = []
let exitCode = 0

try {
  const config = loadConfig(environment)
  const url = `http://localhost:${config.port}`
  const server = start('../server.js', [], environment)
  if (await isReady(server)) {
    const password = config.cameraPassword ?? generatedPassword(config.dataDir).password
    start('./camera.js', ['--server', url], { ...environment, CAMERA_PASSWORD: password })
    process.stdout.write(`
Videostream is running, with a simulated camera.

  Live picture and status   ${url}/
  Live picture alone        ${url}/stream
  API documentation         ${url}/documentation

The first oil spill drifts into the picture within half a minute. Ctrl+C ends both.

`)
  }
} catch (error) {
  if (!(error instanceof StartupError)) throw error
  process.stderr.write(`videostream cannot start: ${error.message}\n`)
  process.exitCode = 1
}

/** Starts a program of this folder. When one of them ends, the other is ended too. */
function start (program: string, args: string[], env: NodeJS.ProcessEnv): ChildProcess {
  const child = spawn(process.execPath, [fileURLToPath(new URL(program, import.meta.url)), ...args], { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  children.push(child)
  child.once('exit', code => {
    exitCode ||= code ?? 1
    process.exitCode = exitCode
    stopAll('SIGTERM')
  })
  return child
}

function stopAll (signal: NodeJS.Signals): void {
  for (const child of children) if (child.exitCode === null && child.signalCode === null) child.kill(signal)
}

/** Whether the server came to listen; false where it ended before. */
async function isReady (server: ChildProcess): Promise<boolean> {
  const ready = once(server, 'message').then(() => true)
  const ended = once(server, 'exit').then(() => false)
  const isReady = await Promise.race([ready, ended])
  if (isReady) server.disconnect()
  return isReady
}

// A terminal sends Ctrl+C to all three; what is sent to this one alone is handed on.
process.on('SIGINT', () => { stopAll('SIGINT') })
process.on('SIGTERM', () => { stopAll('SIGTERM') })
