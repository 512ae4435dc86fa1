import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'
import { ConfigSchema } from '../../config.js'
import { DATABASE_FILE } from '../../store/folder.js'

/** What a command prints to: `console`, or a test's. Results go to `log`, what is wrong to `error`. */
export type Terminal = Pick<Console, 'log' | 'error'>

/** How a command ended, for scripts. */
export const EXIT = {
  /** Done, and nothing was found to be wrong. */
  ok: 0,
  /** Done, and something is wrong with the history or its evidence: the output says what. */
  finding: 1,
  /** It was called in a wrong way; nothing was done. */
  usage: 2,
  /** It could not do it. */
  failed: 3
} as const

/** One of EXIT. */
export type ExitCode = typeof EXIT[keyof typeof EXIT]

/** What a command gets from whoever runs it. */
export interface CommandContext {
  readonly terminal: Terminal
  /** The settings, as the server reads them. */
  readonly environment: NodeJS.ProcessEnv
}

/** One of the operator's commands. */
export interface Command {
  /** As it is typed. */
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What `--help` prints behind "Usage: videostream": the arguments, then everything about them. */
  readonly help: string
  /**
   * Does it. `--help` has been dealt with.
   * @throws CommandError or StartupError with one line that says what to do
   */
  run (args: readonly string[], context: CommandContext): Promise<ExitCode>
}

/** Why a command cannot go on, in one line for the person who called it. */
export class CommandError extends Error {
  override name = 'CommandError'

  constructor (message: string, readonly exitCode: typeof EXIT.usage | typeof EXIT.failed = EXIT.failed) {
    super(message)
  }
}

/** What every command takes. */
const COMMON_OPTIONS = {
  'data-dir': { type: 'string' },
  json: { type: 'boolean', default: false }
} as const satisfies ParseArgsConfig['options']

/** How `--help` explains them. */
export const COMMON_HELP = `
  --data-dir DIR  the data folder (default: DATA_DIR, else data)
  --json          print one JSON object, for programs
  --help          print this`

/**
 * Reads a command's arguments: its own options, those of all commands, and what stands for itself.
 * @param positionals what may stand for itself, in order, such as DIR; all of it must be given
 * @throws CommandError with exit code 2 that says what is wrong
 */
export function parseCommand<const T extends NonNullable<ParseArgsConfig['options']>> (
  command: Command, args: readonly string[], options: T, positionals: readonly string[] = []
) {
  const parsed = parse(command, args, options)
  const given = parsed.positionals
  const missing = positionals[given.length]
  if (missing !== undefined) throw new CommandError(`${command.name}: ${missing} is missing (videostream ${command.name} --help explains it)`, EXIT.usage)
  const extra = given[positionals.length]
  if (extra !== undefined) throw new CommandError(`${command.name}: "${extra}" is one argument too many (videostream ${command.name} --help lists them)`, EXIT.usage)
  return parsed
}

function parse<const T extends NonNullable<ParseArgsConfig['options']>> (command: Command, args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options: { ...options, ...COMMON_OPTIONS }, allowPositionals: true })
  } catch (error) {
    const [firstSentence] = String(error instanceof Error ? error.message : error).split(/\.? To |\n/)
    throw new CommandError(`${command.name}: ${firstSentence} (videostream ${command.name} --help lists the options)`, EXIT.usage)
  }
}

/** The data folder that a command is for, whether it is there or not. */
export function dataFolderOf (values: { readonly 'data-dir'?: string | undefined }, environment: NodeJS.ProcessEnv): string {
  const folder = values['data-dir'] ?? environment['DATA_DIR']
  return folder === undefined || folder === '' ? ConfigSchema.properties.DATA_DIR.default : folder
}

/**
 * The data folder of a command that needs a history.
 * @throws CommandError with exit code 2 where there is no database in it
 */
export function historyFolderOf (values: { readonly 'data-dir'?: string | undefined }, environment: NodeJS.ProcessEnv): string {
  const folder = dataFolderOf(values, environment)
  if (!existsSync(join(folder, DATABASE_FILE))) {
    throw new CommandError(`there is no history in ${folder}: name the server's data folder with --data-dir or DATA_DIR`, EXIT.usage)
  }
  return folder
}
