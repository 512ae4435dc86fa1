import { checkTargets } from '../../bench/targets.js'
import { mediansOf, type Results, type Run } from '../../bench/results.js'

/** Results of a run about many cameras, in one round. */
export function fixtureOfCameras (): Results {
  const run = (server: string, point: string, metrics: Run['metrics']): Run => ({ round: 1, point, server, metrics })
  const runs = [
    run('ours', 'cameras-200', { cpuMsPerFrame: 0.4, framesPerSecondLeast: 5, peakRssMb: 200 }),
    run('ours-feed', 'cameras-200', { cpuMsPerFrame: 0.2, framesPerSecondLeast: 4, peakRssMb: 180 }),
    run('node-net', 'cameras-200', { cpuMsPerFrame: 0.1, framesPerSecondLeast: 5, peakRssMb: 100 }),
    run('ours', 'memory-500', { emptyRssMb: 100, idleCamerasRssMb: 110.24, kibPerIdleCamera: 20, activeCamerasRssMb: 161.44, kibPerActiveCamera: 100 })
  ]
  const medians = mediansOf(runs)
  return {
    ...fixtureResults(),
    commit: 'fed9876',
    rounds: 1,
    points: [
      { name: 'cameras-200', title: '200 cameras', kind: 'cameras', viewers: 400, cameras: 200 },
      { name: 'memory-500', title: 'Memory of 500 cameras', kind: 'camera-memory', viewers: 0 }
    ],
    leftOut: [],
    runs,
    medians,
    targets: checkTargets(medians)
  }
}

/** Results such as a run writes, with figures that can be told apart. */
export function fixtureResults (): Results {
  const runs: Run[] = []
  for (const round of [1, 2, 3]) {
    for (const [index, viewers] of [200, 500].entries()) {
      for (const [server, cpu] of [['ours', 0.3], ['node-net', 0.28], ['c-epoll', 0.25]] as const) {
        runs.push({
          round,
          point: `viewers-${viewers}`,
          server,
          metrics: { cpuSecondsPerGb: cpu + 0.01 * (round - 2) + 0.02 * index, framesPerSecondMedian: 30 - index, framesPerSecondLeast: 29 - index, latencyP50Ms: 3 + round, skipped: server === 'ours' ? round : 0, peakRssMb: 120, clientCores: server === 'c-epoll' ? 0.9 : 0.2 }
        })
      }
    }
    runs.push({ round, point: 'ingest', server: 'ours', metrics: { uploadsPerSecond: 6000, cpuMsPerUpload: 0.15 } })
    runs.push({ round, point: 'ingest', server: 'node-net', metrics: round === 2 ? {} : { uploadsPerSecond: 10_000, cpuMsPerUpload: 0.09 }, ...round === 2 && { failure: 'it does not listen' } })
  }
  const medians = mediansOf(runs)
  return {
    command: 'npm run bench',
    date: '2026-01-02T03:04:05.678Z',
    commit: 'abc1234',
    machine: { cpu: 'A CPU', cores: 2, memoryGb: 16, kernel: 'Linux 6.1', node: 'v22.0.0' },
    rounds: 3,
    seconds: 5,
    warmUpSeconds: 3,
    viewersClient: 'c',
    snapshotsClient: 'wrk',
    points: [
      { name: 'viewers-200', title: '200 viewers', kind: 'stream', viewers: 200 },
      { name: 'viewers-500', title: '500 viewers', kind: 'stream', viewers: 500 },
      { name: 'ingest', title: 'Uploads', kind: 'stream', viewers: 0 }
    ],
    leftOut: [{ server: 'nginx', why: 'nginx is not installed' }],
    runs,
    medians,
    targets: checkTargets(medians)
  }
}
