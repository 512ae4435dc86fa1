import { access, constants, mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CameraError } from './camera-error.js'
import { syncFolder, writeWhole } from './durable-file.js'
import { lockFolder } from './folder-lock.js'
import type { Shot } from './frame.js'
import { messageOf } from './message-of.js'
import { decodeSpoolFile, encodeSpoolFile, formatSpoolName, parseSpoolName, type SpoolName } from './spool-file.js'

/** A file of a spool. */
export interface SpooledFile extends SpoolName { readonly byteCount: number }

/** Where frames lie that the server refused for good, and files that are not as they were written. */
const refusedName = 'refused'

/** The files of a spool: each frame in one of its own, which is whole or not there. */
export class SpoolFolder {
  readonly path: string
  readonly #unlock: () => Promise<void>

  private constructor (path: string, unlock: () => Promise<void>) {
    this.path = path
    this.#unlock = unlock
  }

  /**
   * Makes the folder where there is none, takes it for this process, and sweeps what was half written when the last
   * one was killed.
   * @throws CameraError if it cannot be used
   */
  static async open (path: string): Promise<SpoolFolder> {
    try {
      await mkdir(path, { recursive: true, mode: 0o700 })
      await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
    } catch (error) {
      throw new CameraError(`frames with a spill cannot be kept (${messageOf(error)}): name a folder of your own with --spool`)
    }
    const folder = new SpoolFolder(path, await lockFolder(path))
    const halfWritten = (await readdir(path)).filter(name => name.endsWith('.tmp'))
    for (const name of halfWritten) await rm(join(path, name), { force: true }).catch(() => {})
    return folder
  }

  /** What waits to be sent, oldest first. */
  async list (): Promise<SpooledFile[]> {
    return await listFrames(this.path)
  }

  /** What was set aside, oldest first. */
  async listRefused (): Promise<SpooledFile[]> {
    return await listFrames(join(this.path, refusedName)).catch(() => [])
  }

  /** Writes frames, and settles when they are on disk. Returns the size of each file, or the error that it met. */
  async write (frames: ReadonlyArray<{ name: SpoolName, shot: Shot }>): Promise<Array<number | Error>> {
    const written = await Promise.all(frames.map(async ({ name, shot }) => {
      const chunks = encodeSpoolFile(shot)
      return await writeWhole(this.#pathOf(name), chunks).then(() => Buffer.concat(chunks).length, toError)
    }))
    if (written.every(result => result instanceof Error)) return written
    try {
      await syncFolder(this.path)
      return written
    } catch (error) {
      return written.map(() => toError(error))
    }
  }

  /** @throws Error if it cannot be read, or is not as it was written */
  async read (name: SpoolName): Promise<Shot> {
    return decodeSpoolFile(await readFile(this.#pathOf(name)))
  }

  /** Never throws: a file that stays is sent again after the next start, and the server knows it by its key. */
  async delete (name: SpoolName): Promise<void> {
    await rm(this.#pathOf(name), { force: true }).catch(() => {})
  }

  /** Puts a file where it is not sent any more. Returns whether that went well. */
  async setAside (name: SpoolName): Promise<boolean> {
    try {
      await mkdir(join(this.path, refusedName), { recursive: true, mode: 0o700 })
      await rename(this.#pathOf(name), this.#refusedPathOf(name))
      return true
    } catch {
      return false
    }
  }

  /** Deletes what was set aside. */
  async deleteRefused (name: SpoolName): Promise<void> {
    await rm(this.#refusedPathOf(name), { force: true }).catch(() => {})
  }

  /** Lets go of the folder. */
  async close (): Promise<void> {
    await this.#unlock()
  }

  #pathOf (name: SpoolName): string {
    return join(this.path, formatSpoolName(name))
  }

  #refusedPathOf (name: SpoolName): string {
    return join(this.path, refusedName, formatSpoolName(name))
  }
}

async function listFrames (folder: string): Promise<SpooledFile[]> {
  const files: SpooledFile[] = []
  for (const name of (await readdir(folder)).sort()) {
    const parsed = parseSpoolName(name)
    const found = parsed && await stat(join(folder, name)).catch(() => undefined)
    if (parsed !== undefined && found?.isFile() === true) files.push({ ...parsed, byteCount: found.size })
  }
  return files
}

function toError (error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
