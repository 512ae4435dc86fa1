import { Worker } from 'node:worker_threads'
import type { ThumbnailReply } from './thumbnail-worker.js'

export interface ThumbnailMakerOptions {
  /** Frames that may wait; half as many while no person does. */
  readonly maxWaiting: number
  /** How long one may take. */
  readonly timeoutMs: number
  /** How long it rests after one, unless somebody waits, in times of what that took. */
  readonly restTimes: number
}

/** A thumbnail as JPEG; or that there cannot be one; or that too many are waiting. */
export type Thumbnail = Buffer | 'undecodable' | 'busy'

interface Job { readonly jpeg: Buffer, readonly resolve: (thumbnail: Thumbnail) => void }

const DEFAULTS: ThumbnailMakerOptions = { maxWaiting: 16, timeoutMs: 30_000, restTimes: 9 }

/** However long one took. */
const LONGEST_REST_MS = 10_000

/**
 * Makes thumbnails, one after the other, on a thread of its own, which yields to the one that relays frames, and rests in
 * between: where two processors are the two halves of one core, a thread that yields makes the other slower all the same.
 * A frame that kills the thread, or takes it for too long, has none; the next one gets another thread.
 */
export class ThumbnailMaker {
  readonly #options: ThumbnailMakerOptions
  readonly #jobs: Job[] = []
  #worker: Worker | undefined
  #isBusy = false
  #rest: NodeJS.Timeout | undefined
  #hurried = 0
  #isClosed = false

  constructor (options: Partial<ThumbnailMakerOptions> = {}) {
    this.#options = { ...DEFAULTS, ...options }
  }

  /** Makes a thumbnail of a JPEG. Never rejects. */
  async make (jpeg: Buffer): Promise<Thumbnail> {
    const most = this.#options.maxWaiting / (this.#hurried > 0 ? 1 : 2)
    if (this.#isClosed || this.#jobs.length >= most) return 'busy'
    return await new Promise(resolve => {
      this.#jobs.push({ jpeg, resolve })
      this.#next()
    })
  }

  /** Does not rest while this is being done, since somebody waits for it. */
  async hurry<T> (action: () => Promise<T>): Promise<T> {
    this.#hurried += 1
    this.#next()
    try {
      return await action()
    } finally {
      this.#hurried -= 1
    }
  }

  /** Makes no more. What is waiting is told that there is no time for it. */
  async close (): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#rest)
    for (const { resolve } of this.#jobs.splice(0)) resolve('busy')
    await this.#worker?.terminate()
  }

  #next (): void {
    const mayBegin = !this.#isBusy && (this.#rest === undefined || this.#hurried > 0)
    const job = mayBegin ? this.#jobs.shift() : undefined
    if (job === undefined) return
    this.#isBusy = true
    const beganMs = performance.now()
    void this.#run(job.jpeg).then(thumbnail => {
      this.#isBusy = false
      if (!this.#isClosed) this.#restFor(Math.min((performance.now() - beganMs) * this.#options.restTimes, LONGEST_REST_MS))
      job.resolve(thumbnail)
      this.#next()
    })
  }

  #restFor (ms: number): void {
    clearTimeout(this.#rest)
    this.#rest = setTimeout(() => {
      this.#rest = undefined
      this.#next()
    }, ms)
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
