import fs, { type FileHandle } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { FrameMemory } from '../core/frame-memory.js'
import { EvidenceAltered, EvidenceMissing } from '../errors.js'
import { UNCLAIMED_FOLDER, type EvidenceFiles } from './evidence-store.js'
import { flushFolder, makeFolder } from './folder.js'
import { errorCode } from './storage-errors.js'

/** What is read at once: small enough not to hold up the relay while it is hashed. */
const SLICE_BYTES = 64 * 1024

/** Where a frame is, and what it is. */
export interface FramePlace { readonly path: string, readonly offsetBytes: number, readonly sizeBytes: number, readonly sha256: string }

/** What lay behind a clip, and is kept apart from it now. */
export interface Tail {
  /** Below the data folder. */
  readonly path: string
  readonly bytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/** A clip's file is shorter than its index says. Nothing is written behind a hole. */
class ClipTooShort extends Error {
  readonly code = 'CLIP_TOO_SHORT'
}

/**
 * The files of clips: the camera's own JPEGs, one behind the other. A file only grows, and only behind what the index
 * knows of it; what lies there is from a write of which nobody was told that it was done.
 */
export class ClipFiles {
  readonly #dataFolder: string
  readonly #files: EvidenceFiles

  constructor (dataFolder: string, files: EvidenceFiles = fs) {
    this.#dataFolder = dataFolder
    this.#files = files
  }

  /**
   * Writes the first frames of a clip beside a frame that is being saved, and flushes them; but not the folder of both,
   * which `EvidenceStore.save` flushes behind this. Where that fails there is no file.
   * @throws the file system's error
   */
  async begin (path: string, jpegs: readonly Buffer[]): Promise<void> {
    await this.#write(path, 0, jpegs, async () => {})
  }

  /**
   * Writes frames behind the first so many bytes, and flushes them; the folder too where the file is new. Where that
   * fails the file is as long as before.
   * @throws the file system's error, or CLIP_TOO_SHORT
   */
  async append (path: string, sizeBytes: number, jpegs: readonly Buffer[]): Promise<void> {
    await this.#write(path, sizeBytes, jpegs, async fullPath => {
      if (sizeBytes === 0) await flushFolder(dirname(fullPath), this.#files)
    })
  }

  async #write (path: string, sizeBytes: number, jpegs: readonly Buffer[], flushName: (fullPath: string) => Promise<void>): Promise<void> {
    const fullPath = join(this.#dataFolder, path)
    const file = await this.#files.open(fullPath, 'a', 0o640)
    try {
      const { size } = await file.stat()
      if (size < sizeBytes) throw new ClipTooShort(`${path} has ${size} bytes, and ${sizeBytes} in its index`)
      if (size > sizeBytes) await file.truncate(sizeBytes)
      for (const jpeg of jpegs) await file.writeFile(jpeg)
      await file.sync()
      await flushName(fullPath)
    } catch (error) {
      if (errorCode(error) !== 'CLIP_TOO_SHORT') await file.truncate(sizeBytes).catch(() => {}) // the next one does it otherwise
      if (sizeBytes === 0) await this.discard(path)
      throw error
    } finally {
      await file.close()
    }
  }

  /**
   * Reads a frame and compares it with what the camera sent.
   * @throws EvidenceMissing where it cannot be read, EvidenceAltered where its SHA-256 differs
   */
  async readFrame ({ path, offsetBytes, sizeBytes, sha256 }: FramePlace): Promise<FrameMemory> {
    const memory = new FrameMemory(sizeBytes)
    let isWhole: boolean
    try {
      isWhole = await this.read(path, offsetBytes, memory.jpeg)
    } catch (cause) {
      throw Object.assign(new EvidenceMissing(path), { cause })
    }
    if (!isWhole || await memory.sha256() !== sha256) throw new EvidenceAltered(path)
    return memory
  }

  /** Fills a buffer from a place in a file. Resolves with whether there was as much. Rejects with the file system's error. */
  async read (path: string, offsetBytes: number, into: Buffer): Promise<boolean> {
    const file = await this.#files.open(join(this.#dataFolder, path), 'r')
    try {
      let filled = 0
      while (filled < into.length) {
        const { bytesRead } = await file.read(into, filled, into.length - filled, offsetBytes + filled)
        if (bytesRead === 0) return false
        filled += bytesRead
      }
      return true
    } finally {
      await file.close()
    }
  }

  /**
   * SHA-256 of the first so many bytes, in lower-case hexadecimal. In slices, so that the relay goes on between them.
   * @throws the file system's error, or CLIP_TOO_SHORT
   */
  async digest (path: string, sizeBytes: number): Promise<string> {
    const file = await this.#files.open(join(this.#dataFolder, path), 'r')
    try {
      const hash = createHash('sha256')
      for await (const slice of slicesOf(file, path, 0, sizeBytes)) hash.update(slice)
      return hash.digest('hex')
    } finally {
      await file.close()
    }
  }

  /** Whether there is a file of this path. Rejects with the file system's error. */
  async exists (path: string): Promise<boolean> {
    try {
      await this.#files.access(join(this.#dataFolder, path))
      return true
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return false
      throw error
    }
  }

  /**
   * Moves what lies behind the first so many bytes to `unclaimed_frames`, in a file of the clip's name and `.tail`: a
   * crash came before the index knew of it. Does nothing where there is no such thing, or no file.
   * @returns what was moved; undefined where nothing was
   * @throws the file system's error, or CLIP_TOO_SHORT; then the clip is as it was
   */
  async setTailAside (path: string, sizeBytes: number): Promise<Tail | undefined> {
    if (!await this.exists(path)) return undefined
    const file = await this.#files.open(join(this.#dataFolder, path), 'r+')
    try {
      const { size } = await file.stat()
      if (size <= sizeBytes) return undefined
      const tailPath = await this.#tailPath(path)
      const sha256 = await this.#save(tailPath, slicesOf(file, path, sizeBytes, size))
      await file.truncate(sizeBytes)
      await file.sync()
      return { path: tailPath, bytes: size - sizeBytes, sha256 }
    } finally {
      await file.close()
    }
  }

  /** Removes the file of a clip that could not be stored. Does nothing where that fails: the next start sweeps it. */
  async discard (path: string): Promise<void> {
    await this.#files.unlink(join(this.#dataFolder, path)).catch(() => {})
  }

  async #tailPath (path: string): Promise<string> {
    const stem = `${UNCLAIMED_FOLDER}/${basename(path, '.mjpeg')}`
    for (let nth = 1; ; nth += 1) {
      const tailPath = `${stem}${nth === 1 ? '' : `-${nth}`}.tail`
      if (!await this.exists(tailPath)) return tailPath
    }
  }

  /** Resolves with its SHA-256 when it is flushed. */
  async #save (path: string, slices: AsyncIterable<Buffer>): Promise<string> {
    const fullPath = join(this.#dataFolder, path)
    await makeFolder(dirname(fullPath), this.#files)
    const file = await this.#files.open(fullPath, 'wx', 0o640)
    const hash = createHash('sha256')
    try {
      for await (const slice of slices) {
        hash.update(slice)
        await file.writeFile(slice)
      }
      await file.sync()
    } catch (error) {
      await this.discard(path)
      throw error
    } finally {
      await file.close()
    }
    await flushFolder(dirname(fullPath), this.#files)
    return hash.digest('hex')
  }
}

/**
 * A part of a file, in slices; each holds until the next one is asked for.
 * @throws the file system's error, or CLIP_TOO_SHORT where the file ends before the part does
 */
async function * slicesOf (file: Pick<FileHandle, 'read'>, path: string, fromBytes: number, toBytes: number): AsyncGenerator<Buffer> {
  const slice = Buffer.allocUnsafe(SLICE_BYTES)
  for (let at = fromBytes; at < toBytes;) {
    const { bytesRead } = await file.read(slice, 0, Math.min(SLICE_BYTES, toBytes - at), at)
    if (bytesRead === 0) throw new ClipTooShort(`${path} has ${at} bytes, and not ${toBytes}`)
    yield slice.subarray(0, bytesRead)
    at += bytesRead
  }
}
