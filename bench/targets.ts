import { METRICS, type MetricName } from './metrics.js'
import { POINTS } from './points.js'
import { medianOf, type Medians, type Results } from './results.js'

/** What our server is to reach. Each is checked against medians; where a figure is missing it counts as not measured. */

export interface Target {
  readonly point: string
  /** Where it is not `ours` that is to reach it. */
  readonly server?: string
  readonly metric: MetricName
  /** The limit: so many times the reference, or this number itself where there is none. */
  readonly atMost?: number
  readonly atLeast?: number
  /** What it is compared with: another server, point or metric; the rest is the same. */
  readonly of?: { readonly server?: string, readonly point?: string, readonly metric?: MetricName }
  /** Added to the limit. */
  readonly plus?: number
}

const node = { server: 'node-net' }
const c = { server: 'c-epoll' }
const nginx = { server: 'nginx' }

/** Bytes of a 720p frame, in MB: what a viewer who does not read may cost. */
const FRAME_MB = 0.1
/** In MB. */
const MEBIBYTES_64 = 64 * 1.048576
/** How much the memory of one and the same program differs between runs. */
const RSS_NOISE_MB = 5

export const TARGETS: readonly Target[] = [
  { point: 'viewers-200', metric: 'cpuSecondsPerGb', atMost: 1.1, of: node },
  { point: 'viewers-500', metric: 'cpuSecondsPerGb', atMost: 1.1, of: node },
  { point: 'viewers-200', metric: 'cpuSecondsPerGb', atMost: 1.3, of: c },
  { point: 'viewers-500', metric: 'cpuSecondsPerGb', atMost: 1.3, of: c },
  { point: 'viewers-500', metric: 'framesPerSecondMedian', atLeast: 0.98 * 30 },
  { point: 'viewers-500', metric: 'framesPerSecondLeast', atLeast: 0.95 * 30 },
  { point: 'viewers-1000', metric: 'framesPerSecondMedian', atLeast: 0.93, of: node },
  { point: 'viewers-1000', metric: 'latencyP99Ms', atMost: 60 },
  { point: 'viewers-10', metric: 'latencyP50Ms', atMost: 1.5, of: node },
  { point: 'viewers-10', metric: 'latencyP99Ms', atMost: 1.5, of: node },
  { point: 'viewers-500', metric: 'latencyP50Ms', atMost: 1.4, of: node },
  { point: 'viewers-500', metric: 'latencyP99Ms', atMost: 1.4, of: node },
  { point: 'viewers-500', metric: 'ackP50Ms', atMost: 2.5 },
  { point: 'overload', metric: 'megabytesPerSecond', atLeast: 0.85, of: node },
  { point: 'overload', metric: 'latencyP99Ms', atMost: 40 },
  { point: 'overload', metric: 'ackP50Ms', atMost: 10 },
  { point: 'overload', metric: 'framesPerSecondLeast', atLeast: 0.9, of: { metric: 'framesPerSecondMedian' } },
  { point: 'overload', metric: 'framesPerSecondMost', atMost: 1.1, of: { metric: 'framesPerSecondMedian' } },
  { point: 'ingest', metric: 'uploadsPerSecond', atLeast: 0.65, of: node },
  { point: 'ingest', metric: 'cpuMsPerUpload', atMost: 0.2 },
  { point: 'ingest-watched', metric: 'framesPerSecondLeast', atLeast: 20 },
  { point: 'ingest-watched', metric: 'uploadsPerSecond', atLeast: 0.5, of: { point: 'ingest' } },
  { point: 'slow-5-of-20', metric: 'framesPerSecondLeast', atLeast: 0.95, of: { point: 'viewers-15' } },
  { point: 'slow-5-of-20', metric: 'latencyP99Ms', atMost: 1.5, of: { point: 'viewers-15' } },
  { point: 'slow-5-of-20', metric: 'peakRssMb', atMost: 1, of: { point: 'viewers-15' }, plus: 5 * FRAME_MB + RSS_NOISE_MB },
  { point: 'stopped-500-of-1000', metric: 'framesPerSecondLeast', atLeast: 0.95, of: { point: 'viewers-500' } },
  { point: 'stopped-500-of-1000', metric: 'latencyP99Ms', atMost: 1.5, of: { point: 'viewers-500' } },
  { point: 'stopped-500-of-1000', metric: 'peakRssMb', atMost: 1, of: { point: 'viewers-500' }, plus: 500 * FRAME_MB + RSS_NOISE_MB },
  { point: 'snapshots-2', metric: 'requestsPerSecond', atLeast: 0.6, of: nginx },
  { point: 'snapshots-32', metric: 'requestsPerSecond', atLeast: 0.5, of: nginx },
  { point: 'viewers-500', metric: 'peakRssMb', atMost: 140 },
  { point: 'idle', metric: 'idleRssMb', atMost: 110 },
  { point: 'churn', metric: 'viewersAfter', atMost: 1 },
  { point: 'churn', metric: 'openFilesGrowth', atMost: 0 },
  { point: 'churn', metric: 'visitsFailed', atMost: 0 },
  { point: 'cameras-200', metric: 'framesPerSecondLeast', atLeast: 0.95 * 5 },
  { point: 'cameras-200', metric: 'missed', atMost: 0 },
  { point: 'cameras-200', metric: 'latencyP99Ms', atMost: 2, of: { server: 'mjpeg-server' } },
  { point: 'cameras-200', metric: 'cpuMsPerFrame', atMost: 1, of: { server: 'mjpeg-proxy' } },
  { point: 'cameras-200', server: 'ours-feed', metric: 'cpuMsPerFrame', atMost: 1, of: { server: 'ours' } },
  { point: 'unwatched-1', server: 'ours-feed', metric: 'cpuMsPerFrame', atMost: 1, of: { server: 'ours' } },
  { point: 'unwatched-200', server: 'ours-feed', metric: 'cpuMsPerFrame', atMost: 0.7, of: { server: 'ours' } },
  { point: 'memory-500', metric: 'kibPerIdleCamera', atMost: 64 },
  { point: 'history-status', metric: 'latencyP99Ms', atMost: 5 },
  { point: 'history-summary', metric: 'latencyP99Ms', atMost: 5 },
  ...POINTS.filter(({ name }) => name.startsWith('history-page')).map(({ name }) => ({ point: name, metric: 'latencyP99Ms' as const, atMost: 20 })),
  { point: 'history-export', metric: 'latencyP99Ms', atMost: 1.5, of: { point: 'history-watched' } },
  { point: 'history-export', metric: 'rssAboveIdleMb', atMost: MEBIBYTES_64 },
  { point: 'history-export-alone', metric: 'rssAboveIdleMb', atMost: MEBIBYTES_64 },
  { point: 'memory-500', metric: 'kibPerActiveCamera', atMost: 100, plus: 64 }
]

/** Holds the medians against the targets. */
export function checkTargets (medians: Medians, targets = TARGETS): Results['targets'] {
  return targets.map(target => {
    const what = describe(target)
    const { point, server = 'ours', metric, of, plus = 0 } = target
    const value = medianOf(medians, point, server, metric)
    const reference = of === undefined ? 1 : medianOf(medians, of.point ?? point, of.server ?? 'ours', of.metric ?? metric)
    const factor = target.atMost ?? target.atLeast
    if (value === undefined || reference === undefined || factor === undefined) return { what, verdict: 'not measured' }
    const limit = factor * reference + plus
    const met = target.atMost === undefined ? value >= limit : value <= limit
    return { what, value, limit, verdict: met ? 'met' : 'NOT met' }
  })
}

/** Such as `viewers-200: CPU s/GB at most 1.1 x node-net`. */
function describe ({ point, server, metric, atMost, atLeast, of, plus }: Target): string {
  const factor = String(atMost ?? atLeast)
  const reference = of === undefined ? [] : [of.server, of.point, of.metric === undefined ? undefined : METRICS[of.metric].title].filter(each => each !== undefined)
  const limit = of === undefined ? factor : `${factor === '1' ? '' : `${factor} x `}${reference.join(' ')}`
  return `${point}: ${server === undefined ? '' : `${server} `}${METRICS[metric].title} ${atMost === undefined ? 'at least' : 'at most'} ${limit}${plus === undefined ? '' : ` + ${plus}`}`
}
