#!/usr/bin/env node
import { existsSync, realpathSync } from 'node:fs'
import { inspect } from 'node:util'
import { readEnvironment } from '../config.js'
import { StartupError } from '../errors.js'
import { version } from '../version.js'
import { CommandError, EXIT, type Command, type ExitCode, type Terminal } from './commands/command.js'
import { COMMANDS } from './commands/index.js'

/** What a caller in the same process may choose. */
export interface MainSettings {
  terminal?: Terminal
  commands?: readonly Command[]
}

/**
 * The operator's commands on a data folder, whether a server is running there or not.
 * @param argv the arguments after the program's name: the command, then its own
 * @returns the exit code: one of EXIT
 */
export async function main (
  argv: readonly string[], environment: NodeJS.ProcessEnv, { terminal = console, commands = COMMANDS }: MainSettings = {}
): Promise<ExitCode> {
  try {
    return await run(argv, environment, terminal, commands)
  } catch (error) {
    for (const line of messageOf(error).split('\n')) terminal.error(`videostream: ${line}`)
    return error instanceof CommandError ? error.exitCode : EXIT.failed
  }
}

async function run (argv: readonly string[], environment: NodeJS.ProcessEnv, terminal: Terminal, commands: readonly Command[]): Promise<ExitCode> {
  const [name, ...args] = argv
  if (name === '--help' || name === '-h' || name === 'help') {
    const wanted = commands.find(each => each.name === args[0])
    terminal.log(wanted === undefined ? usageOf(commands) : helpOf(wanted))
    return EXIT.ok
  }
  if (name === '--version') {
    terminal.log(version)
    return EXIT.ok
  }
  if (name === undefined) throw new CommandError('a command is missing (videostream --help lists them)', EXIT.usage)
  const command = commands.find(each => each.name === name)
  if (command === undefined) throw new CommandError(`there is no command "${name}" (videostream --help lists them)`, EXIT.usage)
  if (asksForHelp(args)) {
    terminal.log(helpOf(command))
    return EXIT.ok
  }
  return await command.run(args, { terminal, environment })
}

function asksForHelp (args: readonly string[]): boolean {
  const end = args.indexOf('--')
  return (end === -1 ? args : args.slice(0, end)).some(each => each === '--help' || each === '-h')
}

function usageOf (commands: readonly Command[]): string {
  const width = Math.max(0, ...commands.map(({ name }) => name.length))
  return `Usage: videostream COMMAND [options]
In this repository: npm run --silent videostream -- COMMAND [options]

${commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`).join('\n')}

videostream COMMAND --help explains one of them.

Exit codes: 0 done, 1 done and something was found to be wrong, 2 called in a wrong way, 3 could not be done.`
}

function helpOf ({ help }: Command): string {
  return `Usage: videostream ${help}`
}

/** What went wrong, in one line where it is known what that means. */
function messageOf (error: unknown): string {
  const isKnown = error instanceof CommandError || error instanceof StartupError || (error instanceof Error && 'code' in error && 'syscall' in error)
  return isKnown ? error.message : inspect(error)
}

/**
 * A reader that has gone, as `head` does, changes neither what is done nor the exit code: that is the answer, too.
 * Output that got lost otherwise, as on a full disk, is exit code 3.
 */
function watchOutput (): { readonly isLost: boolean } {
  const output = { isLost: false }
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE' || output.isLost) return
    output.isLost = true
    process.exitCode = EXIT.failed // also where the command is done
    console.error(`videostream: the output cannot be written: ${error.message}`)
  })
  return output
}

const startedFile = String(process.argv[1])
if (existsSync(startedFile) && realpathSync(startedFile) === import.meta.filename) {
  const output = watchOutput()
  process.exitCode = await main(process.argv.slice(2), readEnvironment())
  if (output.isLost) process.exitCode = EXIT.failed
}
