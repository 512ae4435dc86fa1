import type { ListedEvent } from './event.js'

/** What the live events are called, by the ledger's word for what happened. What is not named here nobody is told of. */
export const LIVE_KINDS: ReadonlyMap<string, string> = new Map([
  ['event.opened', 'opened'],
  ['event.continued', 'updated'],
  ['event.joined', 'updated'],
  ['event.merged', 'updated'],
  ['event.reopened', 'updated'],
  ['clip.closed', 'updated'],
  ['event.ended', 'ended'],
  ['event.reviewed', 'reviewed'],
  ['event.acknowledged', 'acknowledged'],
  ['event.held', 'held'],
  ['event.released', 'released'],
  ['evidence.deleted', 'evidence_deleted'],
  ['evidence.missing', 'updated'],
  ['evidence.kept', 'updated'],
  ['camera.offline', 'camera_offline'],
  ['camera.online', 'camera_online']
])

/** A camera that fell silent or was heard again. Times are milliseconds since 1970, UTC. */
export interface CameraChange { readonly cameraId: string, readonly atMs: number, readonly lastFrameAtMs: number | null }

/** Something that happened, with what it happened to as it is now. */
export interface LiveEntry {
  /** Of the ledger's entry. */
  readonly sequence: number
  /** One of LIVE_KINDS. */
  readonly kind: string
  /** Null where it is about a camera. */
  readonly event: ListedEvent | null
  readonly camera: CameraChange | null
}

/** A stretch of the ledger, with what there is to tell of it. */
export interface LivePage {
  readonly entries: readonly LiveEntry[]
  /** The last entry of the stretch, also where there is nothing to tell of it. */
  readonly through: number
}

/** How storing goes. */
export interface LiveStorage { readonly ok: boolean, readonly failures: number, readonly lastError: string | null }

/** Somebody who is told. It keeps no queue: it knows how far it was told, and reads on from there when it has taken that. */
export interface LiveClient {
  /** There may be something new. */
  wake (): void
  /** Nothing was to tell for a while; it is to show that the connection lives. */
  beat (): void
  /** The server closes. */
  finish (): void
  /** It has not taken its end in time. */
  cut (): void
}

/** Stretches that are kept for clients that are as far as others were just now. */
const KEPT_PAGES = 8

/**
 * Tells any number of clients what the ledger says, each from where it is: clients that are equally far share one reading.
 * Where one is slow, the ledger is its queue.
 */
export class LiveFeed {
  readonly maxClients: number
  readonly #read: (after: number) => Promise<LivePage>
  readonly #clients = new Set<LiveClient>()
  readonly #pages = new Map<number, Promise<LivePage>>()
  #newest: number
  #storage: LiveStorage | undefined

  /**
   * @param newest the ledger's last entry
   * @param read gives the stretch behind an entry, as long as it likes
   */
  constructor (newest: number, maxClients: number, read: (after: number) => Promise<LivePage>) {
    this.#newest = newest
    this.maxClients = maxClients
    this.#read = read
  }

  /** The ledger's last entry, as far as it is known here. */
  get newest (): number { return this.#newest }

  /** How storing goes; undefined as long as nothing has gone wrong. */
  get storage (): LiveStorage | undefined { return this.#storage }

  get clients (): ReadonlySet<LiveClient> { return this.#clients }

  get hasRoom (): boolean { return this.#clients.size < this.maxClients }

  join (client: LiveClient): void { this.#clients.add(client) }

  leave (client: LiveClient): void { this.#clients.delete(client) }

  /** Notes that the ledger goes this far. Says whether that is news. */
  grow (newest: number): boolean {
    const isNews = newest > this.#newest
    if (isNews) this.#newest = newest
    return isNews
  }

  /** Notes how storing goes. Says whether that is news. */
  noteStorage (storage: LiveStorage): boolean {
    const { ok, failures } = this.#storage ?? { ok: true, failures: 0 }
    const isNews = storage.ok !== ok || storage.failures !== failures
    if (isNews) this.#storage = storage
    return isNews
  }

  /** The stretch of the ledger behind an entry. To be asked only where there is one. */
  async page (after: number): Promise<LivePage> {
    const kept = this.#pages.get(after)
    if (kept !== undefined) return await kept
    const page = this.#read(after)
    this.#pages.set(after, page)
    for (const old of [...this.#pages.keys()].slice(0, -KEPT_PAGES)) this.#pages.delete(old)
    page.catch(() => { this.#pages.delete(after) })
    return await page
  }
}
