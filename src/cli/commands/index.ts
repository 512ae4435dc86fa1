import { backup } from './backup.js'
import { check } from './check.js'
import type { Command } from './command.js'
import { restore } from './restore.js'
import { retention } from './retention.js'
import { verify } from './verify.js'

/** Every command, in the order in which `--help` lists them. */
export const COMMANDS: readonly Command[] = [check, verify, backup, restore, retention]
