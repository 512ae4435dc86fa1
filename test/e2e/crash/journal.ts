/** A frame that was sent, as far as its camera knows. */
export interface SentFrame {
  readonly cameraId: string
  readonly sha256: string
  readonly jpeg: Buffer
  readonly headers: Readonly<Record<string, string>>
  readonly spill: boolean
  /** Whether its camera named it, so that it may be sent again. */
  readonly named: boolean
  /** Whether it was taken before the newest frame of its camera. */
  readonly late: boolean
  /** How it was answered; undefined where the connection broke before that. */
  status: number | undefined
  /** Whether it was sent more than once. */
  repeated: boolean
  /** Whether an event must have opened with it, if it was acknowledged. */
  opens: boolean
}

/** Whether no event is open, or one is, by what was acknowledged. */
export type KnownState = 'open' | 'closed' | 'unknown'

/** Says whether the history must have the detection of this frame: its camera was told so. */
export function mustBeKept ({ spill, status, named, late, opens }: SentFrame): boolean {
  return spill && status === 200 && (named || late || opens)
}
