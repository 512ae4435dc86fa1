import { closeSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs'
import { compiled } from './tools.js'

/** What can be made to fail, by the numbers that bad-disk.c knows. */
const KINDS = { write: 1, flush: 2, rename: 4, open: 8 } as const
export type DiskCall = keyof typeof KINDS

/** Linux' numbers of errors. */
const ERRORS = { EIO: 5, ENOSPC: 28 } as const
export type DiskError = keyof typeof ERRORS

const FAILED_AT = 16
const CONTROL_BYTES = 20

/** What is wrong with a disk. */
export interface Badness {
  /** How much longer each fsync and fdatasync takes, in milliseconds. */
  readonly flushDelayMs?: number
  readonly failing?: { readonly calls: readonly DiskCall[], readonly error: DiskError, readonly perMille: number }
}

/** Why there cannot be a bad disk here; undefined where there can. */
export function badDiskProblem (): string | undefined {
  if (process.platform !== 'linux') return 'LD_PRELOAD is of Linux'
  return compiled('bad-disk') === undefined ? 'there is no C compiler (cc)' : undefined
}

/** A folder that is on a slow or failing disk for one process, as far as that process can tell: see bad-disk.c. Sound at first. */
export class BadDisk {
  readonly #file: number
  /** What the process is to be started with. */
  readonly environment: Readonly<Record<string, string>>

  /**
   * @param folder without a link in its path
   * @param control a file that is made for this
   */
  constructor (folder: string, control: string) {
    const library = compiled('bad-disk')
    if (library === undefined) throw new Error(badDiskProblem())
    this.#file = openSync(control, 'w+')
    ftruncateSync(this.#file, CONTROL_BYTES)
    this.environment = { LD_PRELOAD: library, BAD_DISK_FOLDER: folder, BAD_DISK_CONTROL: control }
  }

  /** From now on it is as bad as this; without an argument it is sound. */
  set ({ flushDelayMs = 0, failing }: Badness = {}): void {
    const kinds = (failing?.calls ?? []).reduce((sum, call) => sum | KINDS[call], 0)
    const words = [flushDelayMs * 1000, failing?.perMille ?? 0, kinds, failing === undefined ? 0 : ERRORS[failing.error]]
    writeSync(this.#file, Buffer.from(Uint32Array.from(words).buffer), 0, FAILED_AT, 0)
  }

  /** How many calls have failed. */
  get failed (): number {
    const bytes = Buffer.alloc(4)
    readSync(this.#file, bytes, 0, 4, FAILED_AT)
    return bytes.readUInt32LE()
  }

  close (): void {
    closeSync(this.#file)
  }
}
