import { PulledStream } from './pulled-stream.js'

/** Streams pieces as they are made. */
export class ChunkStream extends PulledStream<string | Uint8Array> {
  /** An empty piece would be taken for none, and nothing asked for any more. */
  protected async pushNext (): Promise<void> {
    let next = await this.pull()
    while (next?.length === 0) next = await this.pull()
    this.push(next ?? null)
  }
}
