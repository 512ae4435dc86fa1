import type { FrameMemory } from './frame-memory.js'
import type { Frame } from './frame.js'
import type { LiveCamera } from './live-camera.js'
import { MultipartParser, type MultipartPart } from './multipart-parser.js'
import type { PartHeaders } from './part-headers.js'
import type { BucketLevel } from './token-bucket.js'
import type { UnstoredDetections } from './unstored-detections.js'

/** What became of the parts of a feed. */
export interface FeedCounts {
  /** Taken, the late ones among them. */
  received: number
  /** Skipped: no frames, or too many. */
  refused: number
  /** Taken for the history alone, since a newer one came before. */
  late: number
}

export interface FeedOptions {
  readonly camera: LiveCamera
  readonly maxFrameBytes: number
  /** Headers that hold for each part that does not say otherwise. */
  readonly defaults: PartHeaders
  /** Makes a frame of a part. Throws an error with a code where it is none. */
  readonly toFrame: (memory: FrameMemory, headers: PartHeaders) => Frame
  /** Takes the right to send one frame. */
  readonly takeToken: () => BucketLevel
  /** Holds detections that could not be stored. */
  readonly unstored: UnstoredDetections
  /** Is told of each part that is refused: the code of its error, and what is wrong with it. */
  readonly onRefused: (code: string, problem: string) => void
}

/** The code under which parts are refused that are no JPEGs. */
const BAD_PART = 'FRAME_INVALID'

/** The code under which parts are refused that are too many. */
const TOO_FAST = 'UPLOAD_RATE_EXCEEDED'

/**
 * One endless upload of many frames. Each part is taken the moment its last byte is in. Where the camera is faster than
 * it may be, parts that report no spill are skipped, since waiting would make every picture late; those that do report
 * one wait, and nothing more should be read until they are taken.
 */
export class Feed {
  readonly counts: FeedCounts = { received: 0, refused: 0, late: 0 }
  readonly #options: FeedOptions
  readonly #parser: MultipartParser
  readonly #hasDefaults: boolean
  /** Frames with a spill that came too fast: no more than are in one piece of the body. */
  readonly #waiting: Frame[] = []
  readonly #storing = new Set<Promise<unknown>>()
  #waitMs = 0
  #unstored: Array<{ frame: Frame, error: unknown }> = []

  constructor (options: FeedOptions) {
    this.#options = options
    this.#hasDefaults = Object.keys(options.defaults).length > 0
    this.#parser = new MultipartParser({
      maxPartBytes: options.maxFrameBytes,
      onPart: part => this.take(part),
      onBadPart: problem => { this.#refuse(BAD_PART, problem) }
    })
  }

  /** How long nothing more should be read, in milliseconds; 0 where there is no need to wait. */
  get waitMs (): number {
    return this.#waitMs
  }

  /**
   * Takes the next bytes.
   * @throws HopelessStream where they can never become a stream of JPEGs
   */
  push (chunk: Buffer): void {
    this.#parser.push(chunk)
  }

  /** Takes the frames that wait, as many as may be taken by now. */
  resume (): void {
    while (this.#waiting.length > 0) {
      const { left, waitMs } = this.#options.takeToken()
      this.#waitMs = left >= 0 ? 0 : waitMs
      if (left < 0) return
      const frame = this.#waiting.shift()
      if (frame !== undefined) this.#accept(frame)
    }
  }

  /** Nothing more will come. A part that breaks off is refused. */
  end (): void {
    this.#parser.end()
  }

  /** Nothing more is to be taken. Frames with a spill that wait are taken all the same. */
  stop (): void {
    for (const frame of this.#waiting.splice(0)) this.#accept(frame)
    this.#waitMs = 0
  }

  /**
   * Waits for what is being stored.
   * @returns the error with which the last detection could not be that is still held; undefined where all are on disk
   */
  async stored (): Promise<unknown> {
    await Promise.all(this.#storing)
    const { camera, unstored } = this.#options
    return this.#unstored.findLast(({ frame }) => unstored.has(camera, frame))?.error
  }

  /** Takes one part. Returns what is wrong with it, if anything. */
  take ({ headers, memory }: MultipartPart): string | undefined {
    let frame
    try {
      frame = this.#options.toFrame(memory, this.#hasDefaults ? { ...this.#options.defaults, ...headers } : headers)
    } catch (error) {
      return this.#refuseFor(error)
    }
    if (this.#waiting.length === 0) {
      const { left, waitMs } = this.#options.takeToken()
      if (left >= 0) return this.#accept(frame)
      if (frame.spillReported) this.#waitMs = waitMs
    }
    if (frame.spillReported) this.#waiting.push(frame)
    else this.#refuse(TOO_FAST, 'it comes faster than the camera may send')
    return undefined
  }

  /** Returns what is wrong with the frame, if anything. */
  #accept (frame: Frame): string | undefined {
    const { camera } = this.#options
    const lateBefore = camera.counts.late
    let stored
    try {
      stored = camera.take(frame)
    } catch (error) {
      return this.#refuseFor(error)
    }
    this.counts.received += 1
    if (camera.counts.late > lateBefore) this.counts.late += 1
    if (stored !== undefined) this.#follow(frame, stored)
    return undefined
  }

  /** Nobody waits for it: the parts behind it must not be late. */
  #follow (frame: Frame, stored: Promise<void>): void {
    const followed = stored.catch((error: unknown) => {
      if (isRefusal(error)) {
        this.counts.received -= 1
        this.#refuseFor(error)
      } else if (frame.spillReported) {
        const { camera, unstored } = this.#options
        this.#unstored = [...this.#unstored.filter(each => unstored.has(camera, each.frame)), { frame, error }]
        unstored.add(camera, frame, error)
      }
      // The end of an event is tried again with the next frame.
    }).finally(() => { this.#storing.delete(followed) })
    this.#storing.add(followed)
  }

  /** @throws what is no error of the catalogue */
  #refuseFor (error: unknown): string {
    if (!isRefusal(error)) throw error
    const problem = error.message.replace(/\.$/, '')
    this.#refuse(error.code, problem)
    return problem
  }

  #refuse (code: string, problem: string): void {
    this.counts.refused += 1
    this.#options.onRefused(code, problem)
  }
}

/** Whether an error of the catalogue says that the frame itself was wrong. */
function isRefusal (error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && 'statusCode' in error && Number(error.statusCode) < 500
}
