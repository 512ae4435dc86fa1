import type { StoredClipFrame } from '../core/clip.js'
import type { ClipEnd, ClipPosition, GrowingClip, StoredClip, ThumbnailState } from './clip-queries.js'
import type { SqlThread } from './sql-thread.js'

/** Frames that are read and handed on in one go. */
const PAGE_SIZE = 250

const BEFORE_ALL: ClipPosition = { takenAtMs: Number.MIN_SAFE_INTEGER, clipId: 0, number: 0 }

/**
 * The index of clips in SQLite. What stores something rejects with an error whose `code` is SQLite's or
 * `SQL_THREAD_LOST`; what is asked over HTTP with HistoryUnavailable.
 */
export class ClipRepository {
  readonly #sql: SqlThread

  constructor (sql: SqlThread) {
    this.#sql = sql
  }

  /** Which event has what is added to this one, and its opening frame. */
  async owner (eventId: number): Promise<{ id: number, framePath: string } | undefined> {
    return await this.#sql.call('clipOwner', eventId)
  }

  /** The clips that are not closed. */
  async growing (): Promise<GrowingClip[]> {
    return await this.#sql.call('growingClips')
  }

  /** The clip of this path, unless it is closed or not known. */
  async growingOf (path: string): Promise<GrowingClip | undefined> {
    return await this.#sql.call('growingClip', path)
  }

  /** Whether some clip has this path. */
  async isKnown (path: string): Promise<boolean> {
    return await this.#sql.call('clipIsKnown', path)
  }

  /** Whether the event of a clip has ended, or goes on with another clip. A clip that is not known is over. */
  async isOver (path: string): Promise<boolean> {
    return await this.#sql.call('clipIsOver', path)
  }

  /** Closes a clip. Resolves with whether it did: not where it has grown meanwhile. */
  async close (end: ClipEnd): Promise<boolean> {
    return await this.#sql.call('closeClip', end)
  }

  /** Notes whether an event has a thumbnail of this opening frame. */
  async noteThumbnail (eventId: number, framePath: string, state: ThumbnailState): Promise<void> {
    await this.#sql.call('noteThumbnail', eventId, framePath, state)
  }

  /** Whether an event has a thumbnail. */
  async thumbnailState (eventId: number): Promise<ThumbnailState | undefined> {
    return await this.#sql.ask('thumbnailState', eventId)
  }

  /** The clips of an event, oldest first. */
  async ofEvent (eventId: number): Promise<StoredClip[]> {
    return await this.#sql.ask('clipsOf', eventId)
  }

  /** One frame of a clip, or undefined. */
  async frame (clipId: number, number: number): Promise<StoredClipFrame | undefined> {
    return await this.#sql.ask('clipFrame', clipId, number)
  }

  /** The frames of all clips of an event, a page at a time: as they were taken, or as they lie in the files. */
  async * framePages (eventId: number, order: 'time' | 'place'): AsyncGenerator<StoredClipFrame[]> {
    let after = BEFORE_ALL
    while (true) {
      const page = await this.#sql.ask(order === 'time' ? 'framesByTime' : 'framesByPlace', eventId, after, PAGE_SIZE)
      const last = page.at(-1)
      if (last === undefined) return
      yield page
      after = last
    }
  }
}
