import { Type, type Static } from '@sinclair/typebox'
import { METRICS, type MetricName, type Metrics } from './metrics.js'
import { median } from './statistics.js'

const MetricValues = Type.Record(Type.String(), Type.Number())

/** The JSON of a run of the benchmark. */
export const Results = Type.Object({
  command: Type.String(),
  date: Type.String({ description: 'ISO 8601, when it began' }),
  commit: Type.String({ description: 'of the code; with "+" where something was changed since' }),
  machine: Type.Object({
    cpu: Type.String(),
    cores: Type.Integer(),
    memoryGb: Type.Number(),
    kernel: Type.String(),
    node: Type.String()
  }),
  rounds: Type.Integer(),
  seconds: Type.Number({ description: 'of each window, but for points that have their own' }),
  warmUpSeconds: Type.Number(),
  viewersClient: Type.String({ description: 'c or node' }),
  snapshotsClient: Type.String({ description: 'wrk or node' }),
  points: Type.Array(Type.Object({ name: Type.String(), title: Type.String(), kind: Type.String(), viewers: Type.Integer(), cameras: Type.Optional(Type.Integer()) })),
  leftOut: Type.Array(Type.Object({ server: Type.String(), why: Type.String() })),
  runs: Type.Array(Type.Object({
    round: Type.Integer(),
    point: Type.String(),
    server: Type.String(),
    metrics: MetricValues,
    failure: Type.Optional(Type.String())
  })),
  medians: Type.Record(Type.String(), Type.Record(Type.String(), MetricValues), { description: 'by point, then by server' }),
  targets: Type.Array(Type.Object({
    what: Type.String(),
    value: Type.Optional(Type.Number()),
    limit: Type.Optional(Type.Number()),
    verdict: Type.Union([Type.Literal('met'), Type.Literal('NOT met'), Type.Literal('not measured')])
  }))
})
export type Results = Static<typeof Results>
export type Run = Results['runs'][number]
export type Medians = Results['medians']

/** The medians over the rounds, of what was measured without failure. */
export function mediansOf (runs: readonly Run[]): Medians {
  const medians: Medians = {}
  for (const { point, server, failure } of runs) {
    if (failure !== undefined) continue
    const alike = runs.filter(each => each.point === point && each.server === server && each.failure === undefined)
    const servers = medians[point] ??= {}
    servers[server] ??= Object.fromEntries(Object.keys(METRICS).flatMap(name => {
      const value = median(alike.flatMap(({ metrics }) => metrics[name] ?? []))
      return value === undefined ? [] : [[name, value]]
    }))
  }
  return medians
}

/** One median. Undefined where it was not measured. */
export function medianOf (medians: Medians, point: string, server: string, metric: MetricName): number | undefined {
  return medians[point]?.[server]?.[metric]
}

/** Metrics as they stand in the JSON; figures that are none (as 0 / 0 is) are left out. */
export function plainMetrics (metrics: Metrics): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).filter(([, value]) => Number.isFinite(value)))
}
