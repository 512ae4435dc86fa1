/** Whether frames come from a camera. */
export type Connection = 'never_seen' | 'online' | 'offline'

/** A camera fell silent, or was heard again. */
export interface ConnectionChange {
  readonly connection: 'online' | 'offline'
  /** When its last frame was received, in milliseconds since 1970; undefined where that is not known. */
  readonly lastFrameAtMs: number | undefined
}

/** What is known of a camera when the server starts. */
export interface KnownBefore {
  /** What was told of it last. */
  readonly connection: Connection
  /** When its last frame came, in milliseconds since 1970; undefined where that is not known. */
  readonly lastFrameAtMs: number | undefined
}

/** The newest frame's receipt. */
interface Receipt { readonly receivedAtMs: number, readonly receivedAtMonotonicMs: number }

/**
 * Watches over one camera: without a frame for so long it is offline, since silence must never look like "no spill".
 * Runs on the clock that never jumps.
 */
export class Connectivity {
  /** A camera without a frame for so long is offline. */
  readonly offlineAfterMs: number
  readonly #sinceMonotonicMs: number
  readonly #lastFrameBeforeAtMs: number | undefined
  #told: Connection
  /** What came before the camera was switched off. */
  #forgotten: Receipt | undefined

  /**
   * The time in which the server did not run counts as silence: nobody watched.
   * @param start when the server started, on both clocks
   */
  constructor (offlineAfterMs: number, { connection, lastFrameAtMs }: KnownBefore, start: { readonly nowMs: number, readonly monotonicMs: number }) {
    this.offlineAfterMs = offlineAfterMs
    this.#told = connection
    this.#lastFrameBeforeAtMs = lastFrameAtMs
    // A clock that was set back must not make the last frame lie in the future.
    this.#sinceMonotonicMs = start.monotonicMs - Math.max(0, start.nowMs - (lastFrameAtMs ?? start.nowMs))
  }

  /** How the camera is now. */
  now (received: Receipt | undefined, monotonicMs: number): Connection {
    const newest = received === this.#forgotten ? undefined : received
    if (newest === undefined && this.#told === 'never_seen') return 'never_seen'
    if (newest === undefined && this.#told === 'offline') return 'offline'
    const lastMs = newest?.receivedAtMonotonicMs ?? this.#sinceMonotonicMs
    return monotonicMs - lastMs >= this.offlineAfterMs ? 'offline' : 'online'
  }

  /** Says once what has changed. To be called about once a second. */
  poll (newest: Receipt | undefined, monotonicMs: number): ConnectionChange | undefined {
    return this.#tell(this.now(newest, monotonicMs), newest)
  }

  /** The camera was switched off by hand: it is not there any more, whatever came last. */
  switchedOff (newest: Receipt | undefined): ConnectionChange | undefined {
    this.#forgotten = newest
    return this.#told === 'online' ? this.#tell('offline', newest) : undefined
  }

  #tell (connection: Connection, newest: Receipt | undefined): ConnectionChange | undefined {
    if (connection === this.#told || connection === 'never_seen') return undefined
    this.#told = connection
    return { connection, lastFrameAtMs: newest?.receivedAtMs ?? this.#lastFrameBeforeAtMs }
  }
}
