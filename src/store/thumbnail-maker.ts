import { Worker } from 'node:worker_threads'
import type { ThumbnailReply } from './thumbnail-worker.js'

export interface ThumbnailMakerOptions {
  /** Frames that may wait. */
  readonly maxWaiting: number
  /** How long one may take. */
  readonly timeoutMs: number
}

/** A thumbnail as JPEG; or that there cannot be one; or that too many are waiting. */
export type Thumbnail = Buffer | 'undecodable' | 'busy'

interface Job { readonly jpeg: Buffer, readonly resolve: (thumbnail: Thumbnail) => void }

const DEFAULTS: ThumbnailMakerOptions = { maxWaiting: 16, timeoutMs: 30_000 }

/**
 * Makes thumbnails, one after the other, on a thread of its own, which yields to the one that relays frames. A frame
 * that kills the thread, or takes it for too long, has none; the next one gets another thread.
 */
export class ThumbnailMaker {
  readonly #options: ThumbnailMakerOptions
  readonly #jobs: Job[] = []
  #worker: Worker | undefined
  #isBusy = false
  #isClosed = false

  constructor (options: Partial<ThumbnailMakerOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options }
  }

  /** Makes a thumbnail of a JPEG. Never rejects. */
  async make (jpeg: Buffer): Promise<Thumbnail> {
    if (this.#isClosed || this.#jobs.length >= this.#options.maxWaiting) return 'busy'
    return await new Promise(resolve => {
      this.#jobs.push({ jpeg, resolve })
      this.#next()
    })
  }

  /** Makes no more. What is waiting is told that there is no time for it. */
  async close (): Promise<void> {
    this.#isClosed = true
    for (const { resolve } of this.#jobs.splice(0)) resolve('busy')
    await this.#worker?.terminate()
  }

  #next (): void {
    const job = this.#isBusy ? undefined : this.#jobs.shift()
    if (job === undefined) return
    this.#isBusy = true
    void this.#run(job.jpeg).then(thumbnail => {
      this.#isBusy = false
      job.resolve(thumbnail)
      this.#next()
    })
  }

  async #run (jpeg: Buffer): Promise<Thumbnail> {
    const worker = this.#running()
    return await new Promise(resolve => {
      const timer = setTimeout(() => { void worker.terminate() }, this.#options.timeoutMs)
      const settle = (thumbnail: Thumbnail): void => {
        clearTimeout(timer)
        worker.off('message', onReply).off('exit', onExit)
        resolve(thumbnail)
      }
      const onReply = (reply: ThumbnailReply): void => { settle(reply === null ? 'undecodable' : Buffer.from(reply)) }
      const onExit = (): void => { settle(this.#isClosed ? 'busy' : 'undecodable') }
      worker.on('message', onReply).on('exit', onExit)
      worker.postMessage(jpeg)
    })
  }

  #running (): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(new URL('./thumbnail-worker.js', import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 512 } })
    this.#worker = worker
    worker.on('error', () => {}) // always followed by the exit
    worker.on('exit', () => { this.#worker = undefined })
    worker.unref()
    return worker
  }
}
