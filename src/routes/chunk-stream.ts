import { Readable } from 'node:stream'

/**
 * Streams pieces as they are made, only as fast as they are read. Whatever makes them is ended when the client leaves. A
 * failure cuts the response, so that no client takes part of it for all.
 */
export class ChunkStream extends Readable {
  readonly #chunks: AsyncIterator<string | Uint8Array>

  constructor (chunks: AsyncIterator<string | Uint8Array>) {
    super()
    this.#chunks = chunks
  }

  override _read (): void {
    this.#pushNext().catch((error: unknown) => { this.destroy(error instanceof Error ? error : new Error(String(error))) })
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    Promise.resolve(this.#chunks.return?.()).catch(() => {}).finally(() => { callback(error) })
  }

  /** An empty piece would be taken for none, and nothing asked for any more. */
  async #pushNext (): Promise<void> {
    let next = await this.#chunks.next()
    while (next.done !== true && next.value.length === 0) next = await this.#chunks.next()
    this.push(next.done === true ? null : next.value)
  }
}
