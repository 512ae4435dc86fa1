/** The value below or at which so large a part of the samples lies (nearest rank). Undefined where there are none. */
export function quantile (samples: Iterable<number>, part: number): number | undefined {
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)]
}

/** The middle of the values; the mean of the two in the middle where their count is even. Undefined where there are none. */
export function median (values: Iterable<number>): number | undefined {
  const sorted = Float64Array.from(values).sort()
  const upper = sorted[sorted.length >> 1]
  const lower = sorted[(sorted.length - 1) >> 1]
  return upper === undefined || lower === undefined ? undefined : (lower + upper) / 2
}

/** Numbers that are appended without an allocation for each, and can be begun anew. */
export class Samples {
  #values = new Float64Array(1 << 16)
  #count = 0

  add (value: number): void {
    if (this.#count === this.#values.length) {
      const larger = new Float64Array(2 * this.#count)
      larger.set(this.#values)
      this.#values = larger
    }
    this.#values[this.#count++] = value
  }

  clear (): void { this.#count = 0 }

  /** What has been added so far; valid until the next change. */
  get values (): Float64Array { return this.#values.subarray(0, this.#count) }
}
