import fs from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { thumbnailPath, type OilSpillEvent } from '../core/event.js'
import type { ThumbnailState } from './clip-queries.js'
import type { EvidenceStore } from './evidence-store.js'
import type { Thumbnail, ThumbnailMaker } from './thumbnail-maker.js'

/** What it needs of the index. */
export interface ThumbnailIndex {
  thumbnailState (eventId: number): Promise<ThumbnailState | undefined>
  noteThumbnail (eventId: number, framePath: string, state: ThumbnailState): Promise<void>
}

/** What a thumbnail is called in the data folder while it is written. */
const PART_NAME = '.thumbnail.part'

interface Opening { readonly eventId: number, readonly framePath: string }

/**
 * The thumbnails of events' opening frames, as files in a folder of their own. They are no evidence: whatever is missing is
 * made again when it is asked for, so they are neither flushed nor told in the ledger, and a backup may leave them out.
 * As rows they would blow up the database by ten kilobytes an event.
 */
export class EventThumbnails {
  readonly #dataFolder: string
  readonly #maker: ThumbnailMaker
  readonly #evidence: Pick<EvidenceStore, 'read'>
  readonly #index: ThumbnailIndex
  readonly #onFailure: (error: unknown) => void
  readonly #making = new Map<string, Promise<Thumbnail>>()
  #lastKept: Promise<void> = Promise.resolve()

  /** @param onFailure is told of thumbnails that could not be kept */
  constructor (dataFolder: string, maker: ThumbnailMaker, evidence: Pick<EvidenceStore, 'read'>, index: ThumbnailIndex, onFailure: (error: unknown) => void) {
    this.#dataFolder = dataFolder
    this.#maker = maker
    this.#evidence = evidence
    this.#index = index
    this.#onFailure = onFailure
  }

  /** Makes the thumbnail of an opening frame that was stored just now. Never rejects. */
  async make (opening: Opening, jpeg: Buffer): Promise<Thumbnail> {
    const making = this.#making.get(opening.framePath) ?? this.#makeAndKeep(opening, jpeg).finally(() => { this.#making.delete(opening.framePath) })
    this.#making.set(opening.framePath, making)
    return await making
  }

  /**
   * The thumbnail of an event, made now where it is not there.
   * @throws EvidenceMissing or EvidenceAltered, of the frame that it is made of
   */
  async of ({ id: eventId, evidence }: OilSpillEvent): Promise<Thumbnail> {
    const { framePath } = evidence
    try {
      return await fs.readFile(this.#pathOf(framePath))
    } catch {
      return await this.#maker.hurry(async () =>
        await (this.#making.get(framePath) ?? this.make({ eventId, framePath }, await this.#evidence.read(evidence))))
    }
  }

  async #makeAndKeep ({ eventId, framePath }: Opening, jpeg: Buffer): Promise<Thumbnail> {
    const thumbnail = await this.#maker.make(jpeg)
    if (thumbnail === 'busy') return thumbnail
    try {
      if (thumbnail !== 'undecodable') await this.#keep(this.#pathOf(framePath), thumbnail)
      await this.#note({ eventId, framePath }, thumbnail === 'undecodable' ? 'undecodable' : 'none')
    } catch (error) {
      this.#onFailure(error)
    }
    return thumbnail
  }

  /** Of a thumbnail that is made its file tells: the index changes, with a flush, only where the frame has none, or an earlier one had none. */
  async #note ({ eventId, framePath }: Opening, state: 'none' | 'undecodable'): Promise<void> {
    const isKnown = await this.#index.thumbnailState(eventId) === 'undecodable'
    if (isKnown !== (state === 'undecodable')) await this.#index.noteThumbnail(eventId, framePath, state)
  }

  /** Under its own name it is always whole. All are written under one other name in turn, so that what a crash leaves is written over. */
  async #keep (path: string, bytes: Buffer): Promise<void> {
    const turn = this.#lastKept.then(async () => { await this.#write(path, bytes) })
    this.#lastKept = turn.catch(() => {})
    await turn
  }

  async #write (path: string, bytes: Buffer): Promise<void> {
    const part = join(this.#dataFolder, PART_NAME)
    try {
      await fs.writeFile(part, bytes, { mode: 0o640 })
      await fs.mkdir(dirname(path), { recursive: true })
      await fs.rename(part, path)
    } catch (error) {
      await fs.unlink(part).catch(() => {})
      throw error
    }
  }

  #pathOf (framePath: string): string {
    return join(this.#dataFolder, thumbnailPath(framePath))
  }
}
