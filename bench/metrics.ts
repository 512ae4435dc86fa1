/** What is measured. The keys are those of the JSON; `places` are digits behind the point. */
export const METRICS = {
  cpuSecondsPerGb: { title: 'CPU s/GB', places: 3 },
  cores: { title: 'cores', places: 2 },
  framesPerSecondMedian: { title: 'fps median', places: 1 },
  framesPerSecondLeast: { title: 'fps least', places: 1 },
  framesPerSecondMost: { title: 'fps most', places: 1 },
  slowFramesPerSecondMedian: { title: 'fps slow', places: 2 },
  megabytesPerSecond: { title: 'MB/s', places: 0 },
  latencyP50Ms: { title: 'latency p50 ms', places: 1 },
  latencyP99Ms: { title: 'p99 ms', places: 1 },
  uploadsPerSecond: { title: 'uploads/s', places: 0 },
  cpuMsPerUpload: { title: 'CPU ms/upload', places: 3 },
  framesInPerSecond: { title: 'frames in/s', places: 0 },
  cpuMsPerFrame: { title: 'CPU ms/frame in', places: 3 },
  ackP50Ms: { title: 'ack p50 ms', places: 2 },
  ackP99Ms: { title: 'ack p99 ms', places: 1 },
  startSeconds: { title: 'start s', places: 2 },
  exportSeconds: { title: 'export s', places: 1 },
  exportMegabytes: { title: 'export MB', places: 0 },
  rssAboveIdleMb: { title: 'RSS above idle MB', places: 1 },
  requestsPerSecond: { title: 'requests/s', places: 0 },
  cpuMsPerRequest: { title: 'CPU ms/request', places: 3 },
  switchesPerSecond: { title: 'wake-ups/s', places: 1 },
  visitsPerSecond: { title: 'viewers/s', places: 1 },
  visitsFailed: { title: 'not served', places: 0 },
  viewersAfter: { title: 'viewers after', places: 0 },
  openFilesGrowth: { title: 'open files more', places: 0 },
  rssGrowthMb: { title: 'RSS growth MB', places: 1 },
  idleRssMb: { title: 'RSS idle MB', places: 0 },
  peakRssMb: { title: 'RSS peak MB', places: 0 },
  emptyRssMb: { title: 'RSS without cameras MB', places: 1 },
  idleCamerasRssMb: { title: 'RSS with them MB', places: 1 },
  kibPerIdleCamera: { title: 'KiB/idle camera', places: 0 },
  activeCamerasRssMb: { title: 'RSS with a frame each MB', places: 1 },
  kibPerActiveCamera: { title: 'KiB/active camera', places: 0 },
  socketGrowthMb: { title: 'sockets MB', places: 0 },
  skipped: { title: 'skipped', places: 0 },
  repeated: { title: 'repeated', places: 0 },
  outOfOrder: { title: 'out of order', places: 0 },
  bad: { title: 'bad', places: 0 },
  lost: { title: 'lost', places: 0 },
  missed: { title: 'missed', places: 0 },
  refused: { title: 'refused', places: 0 },
  clientCores: { title: 'busiest client', places: 2 },
  othersCores: { title: 'others', places: 2 },
  machineBusy: { title: 'machine busy', places: 2 }
} as const

export type MetricName = keyof typeof METRICS

/** What one run, or the medians of several, came to. A key is missing where it does not apply. */
export type Metrics = Partial<Record<MetricName, number>>

/** The metrics that tables leave out where all of a point's servers have none of it. */
export const FAULTS: ReadonlySet<MetricName> = new Set<MetricName>(['skipped', 'repeated', 'outOfOrder', 'bad', 'lost', 'missed', 'refused'])

/** The metrics that only the JSON has. */
export const UNPRINTED: ReadonlySet<MetricName> = new Set<MetricName>(['framesPerSecondMost', 'machineBusy', 'othersCores', 'clientCores', 'cores'])

/** A client that is busier than this may be what limits the figure. */
export const BUSY_CLIENT_CORES = 0.85

/** Where programs that are no part of the benchmark take more than this, the figures say little. */
export const BUSY_OTHERS_CORES = 0.3
