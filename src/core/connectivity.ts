/** Whether frames come from a camera. */
export type Connection = 'never_seen' | 'online' | 'offline'

/** A camera fell silent, or was heard again. */
export interface ConnectionChange {
  readonly connection: 'online' | 'offline'
  /** When its last frame was received, in milliseconds since 1970; undefined where that was before the server started. */
  readonly lastFrameAtMs: number | undefined
}

/** The newest frame's receipt. */
interface Receipt { readonly receivedAtMs: number, readonly receivedAtMonotonicMs: number }

/**
 * Watches over one camera: without a frame for so long it is offline, since silence must never look like "no spill".
 * Runs on the clock that never jumps.
 */
export class Connectivity {
  readonly #offlineAfterMs: number
  readonly #sinceMonotonicMs: number
  #told: Connection

  /** @param known what was told of the camera last, before the server started at `nowMonotonicMs` */
  constructor (offlineAfterMs: number, known: Connection, nowMonotonicMs: number) {
    this.#offlineAfterMs = offlineAfterMs
    this.#told = known
    this.#sinceMonotonicMs = nowMonotonicMs
  }

  /** How the camera is now. One that was online when the server stopped has as long to come back as it may be silent. */
  now (newest: Receipt | undefined, monotonicMs: number): Connection {
    if (newest === undefined && this.#told === 'never_seen') return 'never_seen'
    if (newest === undefined && this.#told === 'offline') return 'offline'
    const lastMs = newest?.receivedAtMonotonicMs ?? this.#sinceMonotonicMs
    return monotonicMs - lastMs >= this.#offlineAfterMs ? 'offline' : 'online'
  }

  /** Says once what has changed. To be called about once a second. */
  poll (newest: Receipt | undefined, monotonicMs: number): ConnectionChange | undefined {
    return this.#tell(this.now(newest, monotonicMs), newest)
  }

  /** The camera was switched off by hand: it is not there any more, whatever came last. */
  switchedOff (newest: Receipt | undefined): ConnectionChange | undefined {
    return this.#told === 'online' ? this.#tell('offline', newest) : undefined
  }

  #tell (connection: Connection, newest: Receipt | undefined): ConnectionChange | undefined {
    if (connection === this.#told || connection === 'never_seen') return undefined
    this.#told = connection
    return { connection, lastFrameAtMs: newest?.receivedAtMs }
  }
}
