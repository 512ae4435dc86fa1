import { BUSY_CLIENT_CORES, BUSY_OTHERS_CORES, FAULTS, METRICS, UNPRINTED, type MetricName } from './metrics.js'
import { medianOf, type Results } from './results.js'
import { SERVER_NAMES } from './servers.js'

/** Rows of cells, the first the head. */
export type Table = string[][]

/** Which metric the servers of a point are compared by, and with whom. */
const COMPARED: Readonly<Record<string, MetricName>> = { stream: 'cpuSecondsPerGb', snapshots: 'requestsPerSecond', cameras: 'cpuMsPerFrame' }
const REFERENCES: ReadonlyArray<[server: string, title: string]> = [['node-net', 'Node'], ['c-epoll', 'C'], ['nginx', 'nginx']]

/** Where many cameras are measured, the one that takes their frames in single requests is what those that take feeds are held against. */
const CAMERAS_REFERENCES: typeof REFERENCES = [['ours', 'ours'], ...REFERENCES]

/** Said only at points of one kind; the JSON has them for all. */
const ONLY_AT: Readonly<Partial<Record<MetricName, string>>> = { idleRssMb: 'idle', rssGrowthMb: 'churn', socketGrowthMb: 'stream' }

const metricNames: readonly MetricName[] = Object.keys(METRICS).filter(name => isMetric(name))

/** What servers came to at one work point: medians, ratios of the main figure, and remarks. */
export function tableOf (results: Results, point: Results['points'][number]): Table {
  const { medians } = results
  const servers = SERVER_NAMES.filter(name => medians[point.name]?.[name] !== undefined)
  const value = (server: string, metric: MetricName): number | undefined => medianOf(medians, point.name, server, metric)
  const columns = metricNames.filter(metric => !UNPRINTED.has(metric) && (ONLY_AT[metric] ?? point.kind) === point.kind &&
    servers.some(server => FAULTS.has(metric) ? (value(server, metric) ?? 0) > 0 : value(server, metric) !== undefined))
  const compared = point.kind === 'stream' && point.viewers === 0 ? 'uploadsPerSecond' : COMPARED[point.kind]
  const subject = compared === undefined ? '' : METRICS[compared].title.split(/[ /]/)[0] ?? ''
  const references = (point.kind === 'cameras' ? CAMERAS_REFERENCES : REFERENCES).filter(([server]) => compared !== undefined && servers.some(each => each === server) && servers.length > 1)
  const head = ['server', ...columns.map(metric => METRICS[metric].title), ...references.map(([, title]) => `${subject} x ${title}`), 'remarks']
  const rows = servers.map(server => [
    server,
    ...columns.map(metric => value(server, metric)?.toFixed(METRICS[metric].places) ?? '–'),
    ...references.map(([reference]) => compared === undefined ? '–' : ratio(value(server, compared), value(reference, compared))),
    [
      ...(value(server, 'clientCores') ?? 0) > BUSY_CLIENT_CORES ? ['client busy'] : [],
      ...(value(server, 'othersCores') ?? 0) > BUSY_OTHERS_CORES ? ['machine shared'] : []
    ].join(', ')
  ])
  const table = [head, ...rows]
  return rows.every(row => row.at(-1) === '') ? table.map(row => row.slice(0, -1)) : table
}

/** What many points came to that are of one kind, in one table. */
export function tableOfPoints (results: Results, points: ReadonlyArray<Results['points'][number]>): Table {
  const tables = points.map(point => ({ point, table: tableOf(results, point) }))
  const columns = [...new Set(tables.flatMap(({ table: [head = []] }) => head.slice(1)))]
  const rows = tables.flatMap(({ point, table: [head = [], ...each] }) =>
    each.map(row => [point.title, row[0] ?? '', ...columns.map(column => row[head.indexOf(column)] ?? '')]))
  return [['asked for', 'of', ...columns], ...rows]
}

/** The targets, their figures and whether they are met. */
export function targetsTable (targets: Results['targets']): Table {
  const figure = (value: number | undefined): string => value === undefined ? '–' : String(Number(value.toPrecision(4)))
  return [
    ['target', 'figure', 'limit', ''],
    ...targets.map(({ what, value, limit, verdict }) => [what, figure(value), figure(limit), verdict])
  ]
}

/** For a terminal: columns of equal width, numbers to the right. */
export function toText (table: Table): string {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map(row => row[column]?.length ?? 0)))
  return table.map(row => row.map((cell, column) => column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)).join('  ').trimEnd()).join('\n')
}

/** For Markdown. */
export function toMarkdown (table: Table): string {
  const [head = [], ...rows] = table
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map((_, column) => column === 0 ? '---' : '---:').join('|')}|`, ...rows.map(line)].join('\n')
}

function ratio (value: number | undefined, reference: number | undefined): string {
  return value === undefined || reference === undefined ? '–' : (value / reference).toFixed(2)
}

function isMetric (name: string): name is MetricName { return Object.hasOwn(METRICS, name) }
