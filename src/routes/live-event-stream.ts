import { Readable } from 'node:stream'
import type { LiveClient, LiveFeed, LivePage, LiveStorage } from '../core/live-feed.js'

/** How a live feed is written as server-sent events. Each text is whole events with an empty line behind each. */
export interface LiveTexts {
  page (page: LivePage): string
  storage (storage: LiveStorage): string
}

/** How long a browser waits before it connects again. */
const RETRY_MS = 2000

/** A line that clients pass over. */
const HEARTBEAT = ':\n\n'

/**
 * One client's server-sent events, from behind an entry of the ledger on. It holds no more than one page of them: what a
 * slow client has not taken is read again when it has.
 *
 * Source: HTML Living Standard, section 9.2 (Server-sent events).
 */
export class LiveEventStream extends Readable implements LiveClient {
  readonly #feed: LiveFeed
  readonly #texts: LiveTexts
  #position: number
  #before: string
  #storage: LiveStorage | undefined
  #isWanted = false
  #isReading = false
  #isBeatDue = false
  #isOver = false

  /**
   * @param position the entry behind which it begins; the client takes note of it, so that it misses nothing either where its
   * connection ends before the first event
   * @param before events that come before all others
   */
  constructor (feed: LiveFeed, texts: LiveTexts, position: number, before = '') {
    super()
    this.#feed = feed
    this.#texts = texts
    this.#position = position
    this.#before = `retry: ${RETRY_MS}\nid: ${position}\n\n${before}`
    // Who comes now need not hear of trouble that is over.
    this.#storage = feed.storage?.ok === true ? feed.storage : undefined
    feed.join(this)
  }

  override _read (): void {
    this.#isWanted = true
    this.wake()
  }

  override _destroy (error: Error | null, callback: (error: Error | null) => void): void {
    this.#isOver = true
    this.#feed.leave(this)
    callback(error)
  }

  wake (): void {
    void this.#pump()
  }

  beat (): void {
    this.#isBeatDue = true
    this.wake()
  }

  finish (): void {
    if (this.#isOver) return
    this.#isOver = true
    this.push(null)
  }

  cut (): void {
    this.destroy()
  }

  async #pump (): Promise<void> {
    if (this.#isReading) return
    this.#isReading = true
    try {
      while (this.#isWanted && !this.#isOver) {
        const text = this.#atOnce() || await this.#fromLedger()
        if (text === undefined) break
        if (text !== '') this.#send(text)
      }
    } catch {
      // The ledger cannot be read now: the client comes back, and says how far it was.
      this.finish()
    } finally {
      this.#isReading = false
    }
  }

  /** What there is to say beside the ledger. */
  #atOnce (): string {
    const { storage } = this.#feed
    const before = this.#before
    this.#before = ''
    const isNews = storage !== this.#storage
    this.#storage = storage
    const beat = this.#isBeatDue ? HEARTBEAT : ''
    this.#isBeatDue = false
    return before + (isNews && storage !== undefined ? this.#texts.storage(storage) : '') + beat
  }

  /** The next stretch, which may have nothing to tell; undefined where the ledger goes no further. */
  async #fromLedger (): Promise<string | undefined> {
    if (this.#position >= this.#feed.newest) return undefined
    const page = await this.#feed.page(this.#position)
    if (page.through <= this.#position) return undefined
    this.#position = page.through
    return this.#texts.page(page)
  }

  #send (text: string): void {
    if (this.#isOver) return
    this.#isWanted = false
    this.push(text)
  }
}
