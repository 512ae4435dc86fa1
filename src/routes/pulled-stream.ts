import { Readable } from 'node:stream'

/**
 * Streams what an iterator gives, only as fast as it is read: the next is made when the client has taken what was before.
 * Whatever makes it is ended when the client leaves. A failure cuts the response, so that no client takes part of it for all.
 */
export abstract class PulledStream<Piece> extends Readable {
  readonly #pieces: AsyncIterator<Piece, void>

  constructor (pieces: AsyncIterator<Piece, void>) {
    super()
    this.#pieces = pieces
  }

  /** Pushes something that is not empty, or null at the end. */
  protected abstract pushNext (): Promise<void>

  /** The next piece; undefined at the end. */
  protected async pull (): Promise<Piece | undefined> {
    const { done, value } = await this.#pieces.next()
    return done === true ? undefined : value
  }

  override _read (): void {
    this.pushNext().catch((error: unknown) => { this.destroy(error instanceof Error ? error : new Error(String(error))) })
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    // The iterator holds nothing that would have to be waited for.
    Promise.resolve(this.#pieces.return?.()).catch(() => {}).finally(() => { callback(error) })
  }
}
