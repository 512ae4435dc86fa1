import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { syncFolder, writeWhole } from './durable-file.js'
import { messageOf } from './message-of.js'
import type { Log } from './report.js'

const fileName = 'sequence'
const blockSize = 10_000

/** Far beyond any clock, and far from where numbers stop being exact. */
const greatest = 2 ** 52

/** Where sequence numbers come from. */
export interface SequenceSettings {
  /** Where to keep how far they have come; undefined keeps nothing. */
  folder: string | undefined
  /** The highest that is known to be in use; 0 where none is. */
  highestUsed: number
  log: Log
  nowMs?: () => number
}

/**
 * Gives every frame a number that is higher than all before it, also after a restart, a kill or a clock set back. It
 * starts at the time in milliseconds, which is past all that were given before as frames are more than one millisecond
 * apart, so it holds even where the folder is gone; and blocks of numbers are reserved on disk before they are used,
 * so it holds where the clock is wrong too.
 */
export class SequenceNumbers {
  readonly #settings: SequenceSettings
  #next: number
  #reservedUpTo: number
  #reserving: Promise<void> | undefined

  private constructor (settings: SequenceSettings, first: number) {
    this.#settings = settings
    this.#next = first
    this.#reservedUpTo = first
  }

  /** Reads how far the numbers have come and reserves the first block. */
  static async open (settings: SequenceSettings): Promise<SequenceNumbers> {
    const { folder, highestUsed, nowMs = Date.now } = settings
    const reserved = folder === undefined ? 0 : await readReserved(join(folder, fileName))
    const numbers = new SequenceNumbers(settings, Math.max(nowMs(), reserved, highestUsed + 1))
    await numbers.#reserve()
    return numbers
  }

  /** The next number. */
  next (): number {
    if (this.#reservedUpTo - this.#next < blockSize / 2) this.#reserving ??= this.#reserve().finally(() => { this.#reserving = undefined })
    return this.#next++
  }

  /** Settles when nothing is being written. */
  async idle (): Promise<void> {
    await this.#reserving
  }

  /** Where that fails, numbers go on: the clock still makes them grow. */
  async #reserve (): Promise<void> {
    const { folder, log } = this.#settings
    const upTo = Math.max(this.#next, this.#reservedUpTo) + blockSize
    try {
      if (folder !== undefined) {
        await writeWhole(join(folder, fileName), [Buffer.from(`${upTo}\n`)])
        await syncFolder(folder)
      }
    } catch (error) {
      log(`the number of the last frame cannot be kept (${messageOf(error)}): after a restart it is told from the clock`)
    }
    this.#reservedUpTo = upTo
  }
}

/** 0 where there is none that makes sense. */
async function readReserved (path: string): Promise<number> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const number = /^\d{1,16}\n$/.test(text) ? Number(text) : 0
  return number < greatest ? number : 0
}
