import { setTimeout as wait } from 'node:timers/promises'
import type { CheckpointDocument } from '../core/checkpoint.js'
import { Credentials } from './credentials.js'
import { OutboundFailed, type OutboundGuard } from './guard.js'
import { request } from './http.js'

/** What is to be posted, and where. */
export interface PosterOptions {
  /** http or https; a user name and password in it are sent when the server asks for them. */
  readonly url: URL
  readonly guard: OutboundGuard
  /** The oldest checkpoint that was not taken; undefined where there is none. */
  readonly next: () => Promise<CheckpointDocument | undefined>
  /** Keeps in mind, beyond a restart, that a checkpoint was taken. */
  readonly taken: (checkpoint: CheckpointDocument) => Promise<void>
  /** Told when posting fails for a new reason. */
  readonly onFailed: (error: unknown) => void
  /** How long to wait after a failure. */
  readonly backoff: { nextMs (): number, reset (): void }
}

/** How long what is left is still tried when the server ends. */
const LAST_TRY_MS = 2000

/**
 * Posts checkpoints to another machine as JSON, oldest first, each until it is taken, which a status of 2xx says. One
 * that was taken just before a power cut may come a second time.
 */
export class CheckpointPoster {
  readonly #options: PosterOptions
  readonly #credentials: Credentials | undefined
  readonly #stop = new AbortController()
  #pause = new AbortController()
  #running: Promise<void> | undefined
  #again = false
  #ending = false
  #lastReason = ''

  constructor (options: PosterOptions) {
    this.#options = options
    this.#credentials = Credentials.of(options.url)
  }

  /** Says that there may be something to post. */
  wake (): void {
    this.#again = true
    this.#running ??= this.#postAll().finally(() => {
      this.#running = undefined
      if (this.#again && !this.#ending) this.wake()
    })
  }

  /** Tries to post what is left, for two seconds at most. Never rejects. */
  async close (): Promise<void> {
    const late = setTimeout(() => { this.#stop.abort() }, LAST_TRY_MS)
    this.#ending = true
    this.#pause.abort()
    this.wake()
    await this.#running
    clearTimeout(late)
  }

  async #postAll (): Promise<void> {
    const { next, taken, onFailed, backoff } = this.#options
    while (!this.#stop.signal.aborted) {
      try {
        this.#again = false
        const checkpoint = await next()
        if (checkpoint === undefined) return
        await this.#post(checkpoint)
        await taken(checkpoint)
        backoff.reset()
        this.#lastReason = ''
      } catch (error) {
        if (String(error) !== this.#lastReason && !this.#stop.signal.aborted) onFailed(error)
        this.#lastReason = String(error)
        if (this.#ending) return
        await this.#waitMs(backoff.nextMs())
      }
    }
  }

  async #waitMs (ms: number): Promise<void> {
    this.#pause = new AbortController()
    await wait(ms, undefined, { signal: this.#pause.signal }).catch(() => {})
  }

  async #post (checkpoint: CheckpointDocument): Promise<void> {
    const { url, guard } = this.#options
    const { status, body } = await request({
      url,
      guard,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify(checkpoint)),
      credentials: this.#credentials,
      signal: this.#stop.signal
    })
    body.destroy()
    if (status < 200 || status > 299) throw new OutboundFailed(`${url.host} answers ${status}`)
  }
}
