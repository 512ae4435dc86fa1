/**
 * The only way the code asks what time it is, so that tests can say what time it is.
 */
export interface Clock {
  /** Wall-clock time: milliseconds since 1970-01-01T00:00:00Z. It can jump when the machine's clock is set. */
  nowMs (): number
  /** Milliseconds since some fixed moment, with fractions. It never runs backwards: durations and ages use it. */
  monotonicMs (): number
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now()
}
