const DAY_MS = 86_400_000

/** What is kept of evidence, and for how long. */
export interface RetentionPolicy {
  /** How long after the end of its event; undefined for ever. */
  readonly retainMs: number | undefined
  /** Of all evidence; undefined for no limit. */
  readonly maxBytes: number | undefined
  /** What must stay free on the disk; 0 for nothing. */
  readonly minFreeBytes: number
  /** Whether evidence may be deleted that nobody has reviewed. */
  readonly unreviewed: 'keep' | 'delete'
}

/** The settings, as they are given. */
export interface RetentionSettings {
  readonly retainDays: number | undefined
  readonly retainMaxBytes: number | undefined
  readonly minFreeBytes: number
  readonly retainUnreviewed: 'keep' | 'delete'
}

/** What the settings say. */
export function policyOf ({ retainDays, retainMaxBytes, minFreeBytes, retainUnreviewed }: RetentionSettings): RetentionPolicy {
  return { retainMs: retainDays === undefined ? undefined : retainDays * DAY_MS, maxBytes: retainMaxBytes, minFreeBytes, unreviewed: retainUnreviewed }
}

/** Why evidence is deleted: it is old enough, there is too much of it, or the disk is full. */
export type DeletionReason = 'age' | 'total_bytes' | 'free_disk'

/** What evidence uses. */
export interface EvidenceUsage {
  readonly totalBytes: number
  /** Of the disk; undefined where that is not known. */
  readonly freeBytes: number | undefined
}

/** The evidence of an event that may be deleted: the event has ended and nobody holds it. Milliseconds since 1970, UTC. */
export interface Deletable {
  readonly eventId: number
  readonly cameraId: string
  readonly startedAtMs: number
  readonly endedAtMs: number
  /** Its frames and clips, those of merged events included. */
  readonly files: number
  readonly sizeBytes: number
}

/** Evidence that goes. */
export interface Deletion extends Deletable {
  readonly reason: DeletionReason
}

/**
 * Chooses what goes, oldest first, and counts it off. Whoever shows what would go and whoever deletes it ask the same
 * choice, so that both say the same.
 */
export class RetentionChoice {
  readonly #policy: RetentionPolicy
  readonly #nowMs: number
  #totalBytes: number
  #freeBytes: number

  constructor (policy: RetentionPolicy, usage: EvidenceUsage, nowMs: number) {
    this.#policy = policy
    this.#nowMs = nowMs
    this.#totalBytes = usage.totalBytes
    this.#freeBytes = usage.freeBytes ?? Infinity
  }

  /** Why this evidence goes; undefined where it stays. To be asked of each, oldest first. */
  reasonFor ({ endedAtMs, sizeBytes }: Deletable): DeletionReason | undefined {
    const reason = this.#isOld(endedAtMs) ? 'age' : this.limitExceeded
    if (reason === undefined) return undefined
    this.#totalBytes -= sizeBytes
    this.#freeBytes += sizeBytes
    return reason
  }

  /** Whether evidence that began at this time or later stays in any case. */
  isThroughAt (startedAtMs: number): boolean {
    return this.limitExceeded === undefined && !this.#isOld(startedAtMs)
  }

  /** The limit beyond which there still is evidence, after what was chosen; undefined for none. */
  get limitExceeded (): Exclude<DeletionReason, 'age'> | undefined {
    const { maxBytes, minFreeBytes } = this.#policy
    if (maxBytes !== undefined && this.#totalBytes > maxBytes) return 'total_bytes'
    return this.#freeBytes < minFreeBytes ? 'free_disk' : undefined
  }

  #isOld (atMs: number): boolean {
    return this.#policy.retainMs !== undefined && atMs <= this.#nowMs - this.#policy.retainMs
  }
}
