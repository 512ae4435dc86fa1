import { randomBytes } from 'node:crypto'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'

const CHUNK_BYTES = 64 * 1024

/** A file that nobody else sees: for what must wait for its place in an answer and would not fit into memory. Every method rejects with the file system's error. */
export class ScratchFile {
  readonly #handle: FileHandle
  #sizeBytes = 0

  private constructor (handle: FileHandle) {
    this.#handle = handle
  }

  /** Makes one in a folder. It has no name any more when this resolves, so that it goes with the process at the latest. */
  static async make (folder: string): Promise<ScratchFile> {
    const path = join(folder, `.scratch-${randomBytes(8).toString('hex')}`)
    const handle = await open(path, 'wx+', 0o600)
    await unlink(path)
    return new ScratchFile(handle)
  }

  /** Adds text at the end. */
  async append (text: string): Promise<void> {
    if (text === '') return
    const bytes = Buffer.from(text)
    await this.#handle.appendFile(bytes)
    this.#sizeBytes += bytes.length
  }

  /** All that was added, a piece at a time. */
  async * chunks (): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < this.#sizeBytes;) {
      const bytes = Buffer.alloc(Math.min(CHUNK_BYTES, this.#sizeBytes - at))
      const { bytesRead } = await this.#handle.read(bytes, 0, bytes.length, at)
      if (bytesRead === 0) throw new Error('a scratch file became shorter')
      at += bytesRead
      yield bytes.subarray(0, bytesRead)
    }
  }

  async close (): Promise<void> {
    await this.#handle.close()
  }
}
