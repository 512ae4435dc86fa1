import type { Evidence } from '../core/event.js'

/** More files than this are not held for rows that a crash might bring back: each try to commit overwrites the one before. */
const MAX_HELD = 100

/**
 * Evidence whose row may be in the history though storing it failed: the flush of SQLite's log failed, so that the row
 * comes back if the server dies now, or the SQL thread ended before it answered. Its files stay until a later change was
 * stored: then the history says for good which rows there are.
 */
export class UncertainEvidence {
  readonly #unclaimed: (paths: string[]) => Promise<string[]>
  readonly #discard: (evidence: Evidence) => Promise<void>
  #held: Evidence[] = []

  /**
   * @param unclaimed says which of some evidence paths no event has
   * @param discard removes a stored frame
   */
  constructor (unclaimed: (paths: string[]) => Promise<string[]>, discard: (evidence: Evidence) => Promise<void>) {
    this.#unclaimed = unclaimed
    this.#discard = discard
  }

  /** Keeps a file for now. */
  async hold (evidence: Evidence): Promise<void> {
    this.#held.push(evidence)
    const oldest = this.#held.length > MAX_HELD ? this.#held.shift() : undefined
    if (oldest !== undefined) await this.#discard(oldest)
  }

  /** To be called when a change was stored: removes the files that have no row. Never rejects. */
  async settle (): Promise<void> {
    if (this.#held.length === 0) return
    const held = this.#held
    this.#held = []
    try {
      const unclaimed = new Set(await this.#unclaimed(held.map(({ framePath }) => framePath)))
      for (const evidence of held) if (unclaimed.has(evidence.framePath)) await this.#discard(evidence)
    } catch {
      this.#held = [...held, ...this.#held]
    }
  }
}
