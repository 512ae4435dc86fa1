import { backup } from './backup.js'
import type { Command } from './command.js'
import { restore } from './restore.js'

/** Every command, in the order in which `--help` lists them. */
export const COMMANDS: readonly Command[] = [backup, restore]
