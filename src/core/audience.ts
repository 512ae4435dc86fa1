/** The viewers of all cameras together: they share one server, so their number is bounded for all. */
export class Audience {
  /** Viewers at once. */
  readonly maxViewers: number
  #count = 0

  constructor (maxViewers: number) {
    this.maxViewers = maxViewers
  }

  /** How many are watching. */
  get count (): number {
    return this.#count
  }

  get hasRoom (): boolean {
    return this.#count < this.maxViewers
  }

  joined (): void { this.#count += 1 }

  left (): void { this.#count -= 1 }
}
