/** What wrk says of its run. */
export interface WrkReport {
  readonly requestsPerSecond: number
  readonly latencyP50Ms: number
  readonly latencyP99Ms: number
  /** Answers other than 2xx and 3xx, and connections that failed. */
  readonly refused: number
}

const UNIT_MS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, m: 60_000 }

/**
 * Reads the text that `wrk --latency` prints.
 * @throws where it is not that
 */
export function parseWrk (text: string): WrkReport {
  const requests = /Requests\/sec:\s*([\d.]+)/.exec(text)?.[1]
  const latency = (percent: number): number => {
    const [, value, unit = ''] = new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)`, 'm').exec(text) ?? []
    return Number(value) * (UNIT_MS[unit] ?? NaN)
  }
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text)?.slice(1).map(Number) ?? []
  const report = {
    requestsPerSecond: Number(requests),
    latencyP50Ms: latency(50),
    latencyP99Ms: latency(99),
    refused: errors.reduce((sum, each) => sum + each, Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0))
  }
  if (Object.values(report).some(Number.isNaN)) throw new Error(`wrk said something unexpected:\n${text}`)
  return report
}
