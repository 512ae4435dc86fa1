import { inspect } from 'node:util'
import closeWithGrace from 'close-with-grace'
import type { FastifyInstance } from 'fastify'
import { buildApp } from './app.js'
import { loadConfig, readEnvironment, type Config } from './config.js'
import { StartupError } from './errors.js'

/** How long a shutdown may take before the process ends anyway. */
const SHUTDOWN_DEADLINE_MS = 10_000

try {
  const config = loadConfig(readEnvironment())
  const app = await buildApp(config)
  // Not before it listens: where that fails, the end of the process would count as an orderly one.
  const address = await listen(app, config)
  closeWithGrace({ delay: SHUTDOWN_DEADLINE_MS, logger: app.log }, async ({ err, signal }) => {
    if (err === undefined) app.log.info({ signal }, 'shutting down')
    else app.log.fatal({ err }, 'shutting down after an error that nobody caught')
    await app.close()
  })
  process.send?.(address) // for whoever started this as a child, such as the demo
  if (app.madeAdmin !== undefined) await showMadeAdmin(app, app.madeAdmin, address)
  if (app.newCameraPassword !== undefined) showNewPassword(app.newCameraPassword, address)
} catch (error) {
  refuseToStart(error)
}

/** Closes again what was opened where the address cannot be had, or the process would never end. */
async function listen (app: FastifyInstance, { port, host }: Config): Promise<string> {
  try {
    return await app.listen({ port, host })
  } catch (error) {
    await app.close()
    throw error
  }
}

/** Shown once: from then on it is only in the data folder. */
function showNewPassword (password: string, address: string): void {
  process.stdout.write(`
A camera password was made. It is kept in the data folder, in the file camera_password, and shown only this once:

  ${password}

Upload a frame:

  curl -H 'X-Camera-Auth: ${password}' -H 'Content-Type: image/jpeg' --data-binary @frame.jpg ${address.replace('0.0.0.0', 'localhost')}/api/upload_frame

`)
}

/** Shown once: from then on only its hash is kept. First shown, then kept, so that there is no admin whom nobody can be. */
async function showMadeAdmin (app: FastifyInstance, { username, password, shown }: NonNullable<FastifyInstance['madeAdmin']>, address: string): Promise<void> {
  process.stdout.write(`
The first administrator was made. The password is shown only this once; change it after the first login:

  user name  ${username}
  password   ${password}

Log in at ${address.replace('0.0.0.0', 'localhost')}/login

`)
  try {
    await shown()
  } catch (err) {
    app.log.error({ err }, 'the administrator could not be kept: the password above holds until the server ends, and the next start makes another')
  }
}

function refuseToStart (error: unknown): void {
  const isKnown = error instanceof StartupError || (error instanceof Error && 'code' in error && 'syscall' in error)
  const text = isKnown ? error.message : inspect(error)
  for (const line of text.split('\n')) process.stderr.write(`videostream cannot start: ${line}\n`)
  process.exitCode = 1
}
