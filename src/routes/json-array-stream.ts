import { ItemStream } from './item-stream.js'

/** Streams pages of items as one JSON array, as `ItemStream` does. */
export class JsonArrayStream<Item> extends ItemStream<Item> {
  constructor (pages: AsyncIterator<readonly Item[], void>, serialize: (item: Item) => string) {
    super(pages, { open: '[', separator: ',', close: ']', write: serialize })
  }
}
