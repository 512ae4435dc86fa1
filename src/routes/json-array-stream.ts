import { Readable } from 'node:stream'

/**
 * Streams pages of items as one JSON array: in constant memory, a page at a time, with a turn of the event loop
 * between pages. A failure after the first page cuts the response, so that no client takes part of it for all.
 */
export class JsonArrayStream<Item> extends Readable {
  readonly #pages: AsyncIterator<Item[]>
  readonly #serialize: (item: Item) => string
  #separator = '['

  constructor (pages: AsyncIterator<Item[]>, serialize: (item: Item) => string) {
    super()
    this.#pages = pages
    this.#serialize = serialize
  }

  override _read (): void {
    this.#pushPage().catch((error: unknown) => { this.destroy(error instanceof Error ? error : new Error(String(error))) })
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    // The iterator holds nothing that would have to be waited for.
    Promise.resolve(this.#pages.return?.()).catch(() => {}).finally(() => { callback(error) })
  }

  async #pushPage (): Promise<void> {
    const { done, value } = await this.#pages.next()
    if (done === true) {
      this.push(this.#separator === '[' ? '[]' : ']')
      this.push(null)
      return
    }
    let text = ''
    for (const item of value) {
      text += this.#separator + this.#serialize(item)
      this.#separator = ','
    }
    this.push(text)
  }
}
