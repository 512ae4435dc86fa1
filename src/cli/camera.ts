#!/usr/bin/env node
import { existsSync, realpathSync } from 'node:fs'
import { readEnvironment } from '../config.js'
import { runAgent } from './camera/agent.js'
import { CameraError } from './camera/camera-error.js'
import { parseOptions, usage } from './camera/options.js'
import { findPassword } from './camera/password.js'
import type { Log } from './camera/report.js'
import { findSpoolPath } from './camera/spool-path.js'

/** What the program prints to: `console`, or a test's. */
export type Terminal = Pick<Console, 'log' | 'error'>

/** What a caller in the same process may choose. */
export interface MainSettings {
  terminal?: Terminal
  /** Abort it to end the program. */
  stop?: AbortController
  summaryEveryMs?: number
}

/**
 * The camera program, or edge agent: takes frames from a source and sends them to a Videostream server, until SIGINT,
 * SIGTERM or `stop`. It knows of the server only what any camera knows: its address, the key and one HTTP request.
 * @param argv the arguments after the program's name; `usage` lists them
 * @returns the exit code: 0 when told to stop, 1 when it cannot go on, 2 for a mistake in how it was called
 */
export async function main (
  argv: string[], env: NodeJS.ProcessEnv,
  { terminal = console, stop = new AbortController(), summaryEveryMs = 30_000 }: MainSettings = {}
): Promise<number> {
  try {
    const options = parseOptions(argv)
    if (options === undefined) {
      terminal.log(usage)
    } else {
      const password = await findPassword(options.password, env)
      const log: Log = line => terminal.log(`${timeOfDay()} ${line}`)
      const spoolPath = findSpoolPath(options, env)
      await stopOnSignals(runAgent({ options, password, spoolPath, log, stop, summaryEveryMs }), stop)
    }
    return 0
  } catch (error) {
    if (!(error instanceof CameraError)) throw error
    terminal.error(`camera: ${error.message}`)
    return error.exitCode
  }
}

/** Waits for a run that SIGINT and SIGTERM stop. They may come twice: from a terminal to all, and from npm or `timeout` once more. */
async function stopOnSignals (run: Promise<void>, stop: AbortController): Promise<void> {
  const abort = () => stop.abort()
  process.on('SIGINT', abort).on('SIGTERM', abort)
  try {
    await run
  } finally {
    process.off('SIGINT', abort).off('SIGTERM', abort)
  }
}

function timeOfDay (): string {
  return new Date().toISOString().slice(11, 19)
}

const startedFile = String(process.argv[1])
if (existsSync(startedFile) && realpathSync(startedFile) === import.meta.filename) {
  process.exitCode = await main(process.argv.slice(2), readEnvironment())
}
