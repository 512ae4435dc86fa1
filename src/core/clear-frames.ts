/** Frames that are remembered: enough for half a minute of a busy camera, in two kilobytes. */
const MAX_REMEMBERED = 256

/**
 * When the newest frames of one camera were taken that showed no spill, for detections that come late: what lies between
 * two detections says whether they are one run. Older ones are told by the events next to them.
 */
export class ClearFrames {
  /** Made at the first frame: a camera that never sends costs next to nothing. */
  #takenAtMs: Float64Array | undefined
  #count = 0

  note (takenAtMs: number): void {
    this.#takenAtMs ??= new Float64Array(MAX_REMEMBERED)
    this.#takenAtMs[this.#count % MAX_REMEMBERED] = takenAtMs
    this.#count += 1
  }

  /** When those that are remembered were taken, in milliseconds since 1970, in no order. */
  get timesMs (): number[] {
    return [...this.#takenAtMs?.subarray(0, this.#count) ?? []]
  }
}
