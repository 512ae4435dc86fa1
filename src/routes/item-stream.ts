import { PulledStream } from './pulled-stream.js'

/** How a list of items is written as text. */
export interface ListForm<Item> {
  /** What stands before the first item, between two, and behind the last. */
  readonly open: string
  readonly separator: string
  readonly close: string
  write (item: Item): string
}

/** Streams pages of items as one text: in constant memory, a page at a time, with a turn of the event loop between pages. */
export class ItemStream<Item> extends PulledStream<readonly Item[]> {
  readonly #form: ListForm<Item>
  #before: string
  #hasItems = false

  constructor (pages: AsyncIterator<readonly Item[], void>, form: ListForm<Item>) {
    super(pages)
    this.#form = form
    this.#before = form.open
  }

  protected async pushNext (): Promise<void> {
    let text = ''
    // A search may find nothing in a page and go on.
    while (text === '') {
      const page = await this.pull()
      if (page === undefined) {
        this.push((this.#hasItems ? '' : this.#form.open) + this.#form.close)
        this.push(null)
        return
      }
      for (const item of page) {
        text += this.#before + this.#form.write(item)
        this.#before = this.#form.separator
        this.#hasItems = true
      }
    }
    this.push(text)
  }
}
