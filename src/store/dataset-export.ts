import { PassThrough, Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { cocoAnnotations, cocoHead, cocoImage, datasetRow, imageName, type DatasetFilter, type DatasetFrame, type ReviewedEvent } from '../core/dataset.js'
import { EVIDENCE_FOLDER } from '../core/event.js'
import type { ClipFiles } from './clip-files.js'
import type { ClipPosition } from './dataset-queries.js'
import { ScratchFile } from './scratch-file.js'
import type { SqlThread } from './sql-thread.js'

const PAGE_EVENTS = 100
const PAGE_FRAMES = 200

/** What evidence is called: a path in the database that is none of it is not followed. */
const EVIDENCE_PATH = new RegExp(`^${EVIDENCE_FOLDER}/[\\w.-]+$`)

/** The frames of reviewed events with their labels, for training. All of it is read and written piece by piece. */
export class DatasetExport {
  readonly #sql: SqlThread
  readonly #folder: string
  readonly #files: Pick<ClipFiles, 'readFrame'>
  readonly #onLeftOut: (frame: DatasetFrame, err: unknown) => void

  /**
   * @param folder the data folder, for scratch files
   * @param files reads frames, in clips or by themselves
   * @param onLeftOut is told of an image that could not be read as the camera sent it, and so is not in the ZIP
   */
  constructor (sql: SqlThread, folder: string, files: Pick<ClipFiles, 'readFrame'>, onLeftOut: (frame: DatasetFrame, err: unknown) => void) {
    this.#sql = sql
    this.#folder = folder
    this.#files = files
    this.#onLeftOut = onLeftOut
  }

  /** One line of JSON for each frame. Rejects with HistoryUnavailable. */
  async * ndjson (filter: DatasetFilter): AsyncGenerator<string, void> {
    for await (const frames of this.#pages(filter)) yield frames.map(frame => `${JSON.stringify(datasetRow(frame))}\n`).join('')
  }

  /** The frames in COCO's format, without the images. Rejects with HistoryUnavailable, or the file system's error. */
  async * coco (filter: DatasetFilter, nowMs: number): AsyncGenerator<string | Buffer, void> {
    const annotations = await ScratchFile.make(this.#folder)
    try {
      const counts = new Counts()
      yield `${JSON.stringify(cocoHead(nowMs)).slice(0, -1)},"images":[`
      for await (const frames of this.#pages(filter)) {
        let images = ''
        for (const frame of frames) images += await noted(frame, counts, annotations)
        yield images
      }
      yield '],"annotations":['
      yield * annotations.chunks()
      yield ']}\n'
    } finally {
      await annotations.close()
    }
  }

  /** A ZIP with the images, each as the camera sent it, and `coco.json` behind them. Destroying it ends all reading; a failure destroys it. */
  zip (filter: DatasetFilter, nowMs: number): Readable {
    const zip = new ZipFile()
    const output = zip.outputStream.pipe(new PassThrough())
    const leaving = new AbortController()
    output.once('close', () => { leaving.abort() })
    zip.on('error', (error: Error) => { output.destroy(error) })
    this.#fill(zip, filter, nowMs, leaving.signal).catch((error: unknown) => { output.destroy(error instanceof Error ? error : new Error(String(error))) })
    return output
  }

  async #fill (zip: ZipFile, filter: DatasetFilter, nowMs: number, signal: AbortSignal): Promise<void> {
    const [images, annotations] = [await ScratchFile.make(this.#folder), await ScratchFile.make(this.#folder)]
    try {
      const counts = new Counts()
      for await (const frames of this.#pages(filter)) {
        for (const frame of frames) {
          const bytes = await this.#read(frame)
          if (bytes === undefined) continue
          await images.append(await noted(frame, counts, annotations))
          await add(zip, `images/${imageName(frame)}`, new Bytes(bytes), { compress: false, mtime: new Date(frame.takenAtMs) }, signal)
        }
      }
      await add(zip, 'coco.json', Readable.from(cocoFile(images, annotations, nowMs), { objectMode: false }), { compress: true, mtime: new Date(nowMs) }, signal)
      zip.end()
    } finally {
      await Promise.all([images.close(), annotations.close()])
    }
  }

  /** An image as the camera sent it; undefined where it is not there, or another one. */
  async #read (frame: DatasetFrame): Promise<Buffer | undefined> {
    try {
      if (!EVIDENCE_PATH.test(frame.path)) throw new Error('the path is none of evidence')
      return (await this.#files.readFrame({ ...frame, offsetBytes: frame.offsetBytes ?? 0 })).jpeg
    } catch (error) {
      this.#onLeftOut(frame, error)
      return undefined
    }
  }

  /** The frames, a page at a time. */
  async * #pages (filter: DatasetFilter): AsyncGenerator<DatasetFrame[], void> {
    for (let after: number | null = 0; after !== null;) {
      const page: Awaited<ReturnType<typeof this.reviewed>> = await this.reviewed(filter, after)
      for (const event of page.events) yield * this.#framesOf(event)
      after = page.after
    }
  }

  /** At most a page of the reviewed events behind an id. */
  private async reviewed (filter: DatasetFilter, after: number) {
    return await this.#sql.ask('pageOfReviewed', filter, after, PAGE_EVENTS)
  }

  async * #framesOf (event: ReviewedEvent): AsyncGenerator<DatasetFrame[], void> {
    const { eventId } = event
    yield (await this.#sql.ask('datasetFramesOf', eventId)).map(frame => ({ event, ...frame }))
    for (let after: ClipPosition | null = { clipId: 0, number: 0 }; after !== null;) {
      const page: { frames: ReadonlyArray<Omit<DatasetFrame, 'event'>>, after: ClipPosition | null } = await this.#sql.ask('pageOfDatasetClip', eventId, after, PAGE_FRAMES)
      if (page.frames.length > 0) yield page.frames.map(frame => ({ event, ...frame }))
      after = page.after
    }
  }
}

/** The newest ids of a COCO file. */
class Counts {
  images = 0
  annotations = 0
}

/** An image of COCO as text, with a comma before all but the first; its annotations go into a file meanwhile. */
async function noted (frame: DatasetFrame, counts: Counts, annotations: ScratchFile): Promise<string> {
  counts.images += 1
  const boxes = cocoAnnotations(counts.annotations + 1, counts.images, frame)
  await annotations.append(boxes.map(each => `${each.id === 1 ? '' : ','}${JSON.stringify(each)}`).join(''))
  counts.annotations += boxes.length
  return `${counts.images === 1 ? '' : ','}${JSON.stringify(cocoImage(counts.images, frame))}`
}

async function * cocoFile (images: ScratchFile, annotations: ScratchFile, nowMs: number): AsyncGenerator<string | Buffer, void> {
  yield `${JSON.stringify(cocoHead(nowMs)).slice(0, -1)},"images":[`
  yield * images.chunks()
  yield '],"annotations":['
  yield * annotations.chunks()
  yield ']}\n'
}

/** Adds a file, and waits until all of it has gone out. */
async function add (zip: ZipFile, name: string, source: Readable, options: { compress: boolean, mtime: Date }, signal: AbortSignal): Promise<void> {
  zip.addReadStream(source, name, { ...options, mode: 0o100644 })
  await finished(source, { signal })
}

const SLICE_BYTES = 64 * 1024

/** Bytes as a stream that holds none of them any more at its end: a ZIP keeps its sources until it is done. */
class Bytes extends Readable {
  #left: Buffer | null

  constructor (bytes: Buffer) {
    super()
    this.#left = bytes
  }

  override _read (): void {
    const slice = this.#left?.subarray(0, SLICE_BYTES) ?? null
    this.#left = this.#left === null || this.#left.length <= SLICE_BYTES ? null : this.#left.subarray(SLICE_BYTES)
    this.push(slice)
  }
}
