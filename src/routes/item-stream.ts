import { Readable } from 'node:stream'

/** How a list of items is written as text. */
export interface ListForm<Item> {
  /** What stands before the first item, between two, and behind the last. */
  readonly open: string
  readonly separator: string
  readonly close: string
  write (item: Item): string
}

/**
 * Streams pages of items as one text: in constant memory, a page at a time and only as fast as it is read, with a turn of
 * the event loop between pages. A failure after the first page cuts the response, so that no client takes part of it for
 * all.
 */
export class ItemStream<Item> extends Readable {
  readonly #pages: AsyncIterator<readonly Item[]>
  readonly #form: ListForm<Item>
  #before: string
  #hasItems = false

  constructor (pages: AsyncIterator<readonly Item[]>, form: ListForm<Item>) {
    super()
    this.#pages = pages
    this.#form = form
    this.#before = form.open
  }

  override _read (): void {
    this.#pushPage().catch((error: unknown) => { this.destroy(error instanceof Error ? error : new Error(String(error))) })
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    // The iterator holds nothing that would have to be waited for.
    Promise.resolve(this.#pages.return?.()).catch(() => {}).finally(() => { callback(error) })
  }

  async #pushPage (): Promise<void> {
    let text = ''
    // A search may find nothing in a page and go on.
    while (text === '') {
      const { done, value } = await this.#pages.next()
      if (done === true) {
        this.push((this.#hasItems ? '' : this.#form.open) + this.#form.close)
        this.push(null)
        return
      }
      for (const item of value) {
        text += this.#before + this.#form.write(item)
        this.#before = this.#form.separator
        this.#hasItems = true
      }
    }
    this.push(text)
  }
}
