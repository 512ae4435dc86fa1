import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './paths.js'
import { plot } from './plot.js'
import { GROUP_NAMES, groupOf, type GroupName } from './points.js'
import type { Results } from './results.js'
import { tableOf, tableOfPoints, targetsTable, toMarkdown } from './table.js'

/** Where the published figures are, below the project's folder. */
export const DOCUMENT = 'docs/performance.md'
export const PICTURE = 'docs/images/performance.svg'
/** The results behind each part of the document. The parts can be of different runs. */
export const PUBLISHED_RESULTS: Readonly<Record<GroupName, string>> = { camera: 'docs/performance.json', cameras: 'docs/performance-cameras.json', history: 'docs/performance-history.json' }

/** Between these lines stands the part of the document about the group. */
const MARKERS: Readonly<Record<GroupName, readonly [begin: string, end: string]>> = {
  camera: ['<!-- bench:begin -->', '<!-- bench:end -->'],
  cameras: ['<!-- bench:cameras:begin -->', '<!-- bench:cameras:end -->'],
  history: ['<!-- bench:history:begin -->', '<!-- bench:history:end -->']
}

/** Writes the parts of the document that the results are about anew, and the picture, and keeps the results beside it. */
export function writeReport (results: Results, root = projectRoot): void {
  const document = join(root, DOCUMENT)
  writeFileSync(document, insertReport(readFileSync(document, 'utf8'), results))
  for (const group of groupsOf(results)) {
    const part = partOf(results, group)
    writeFileSync(join(root, PUBLISHED_RESULTS[group]), JSON.stringify(part, undefined, 2) + '\n')
    if (group === 'camera') writeFileSync(join(root, PICTURE), plot(part))
  }
}

/**
 * A document with the report between its markers, whatever stood there before.
 * @throws where the markers are missing
 */
export function insertReport (document: string, results: Results): string {
  return groupsOf(results).reduce((text, group) => {
    const [begin, end] = MARKERS[group]
    const from = text.indexOf(begin)
    const to = text.indexOf(end)
    if (from === -1 || to < from) throw new Error(`${DOCUMENT} needs the lines ${begin} and ${end}`)
    return `${text.slice(0, from + begin.length)}\n${renderReport(partOf(results, group))}\n${text.slice(to)}`
  }, document)
}

function groupsOf ({ points }: Results): GroupName[] {
  return GROUP_NAMES.filter(group => points.some(point => groupOf(point) === group))
}

/** What the results say of one group's points. */
function partOf (results: Results, group: GroupName): Results {
  const points = results.points.filter(point => groupOf(point) === group)
  const isOf = (name: string): boolean => points.some(point => point.name === name)
  return {
    ...results,
    points,
    runs: results.runs.filter(({ point }) => isOf(point)),
    medians: Object.fromEntries(Object.entries(results.medians).filter(([point]) => isOf(point))),
    targets: results.targets.filter(({ what }) => isOf(what.slice(0, what.indexOf(':'))))
  }
}

/** The report in Markdown: what was measured where, a table a work point, and the targets. */
export function renderReport (results: Results): string {
  const { machine, rounds, seconds, warmUpSeconds, leftOut } = results
  const times = rounds === 1 ? 'One round' : `Medians of ${rounds} rounds`
  const clients = `Viewers: ${results.viewersClient === 'c' ? 'bench/viewers.c' : 'bench/viewers.ts'}; snapshots: ${results.snapshotsClient === 'wrk' ? 'wrk' : 'bench/snapshots.ts'}.`
  const failures = results.runs.flatMap(({ round, point, server, failure }) =>
    failure === undefined ? [] : [`Round ${round} of ${point} failed for ${server}.`])
  const requests = results.points.filter(({ kind }) => kind === 'history')
  const points = results.points.flatMap(point => {
    if (point.kind !== 'history') return [`### ${point.title}\n\n\`${point.name}\`\n\n${toMarkdown(tableOf(results, point))}`]
    return point === requests[0] ? [`### Requests, one after the other\n\n\`${requests.map(({ name }) => name).join(',')}\`\n\n${toMarkdown(tableOfPoints(results, requests))}`] : []
  })
  const targets = results.targets.filter(({ verdict }) => verdict !== 'not measured')
  const met = targets.filter(({ verdict }) => verdict === 'met').length
  return [
    `Measured on ${results.date.slice(0, 10)} at commit ${results.commit} with \`${results.command}\` on ${machine.cpu}, ${machine.cores} cores, ` +
      `${machine.memoryGb} GB, ${machine.kernel}, Node ${machine.node}. ${times} of ${seconds} s each, after ${warmUpSeconds} s of warm-up. ${clients}`,
    ...leftOut.map(({ server, why }) => `${server} was left out: ${why}.`),
    ...failures,
    ...points,
    ...targets.length === 0 ? [] : [`### Targets\n\n${met} of ${targets.length} are met.\n\n${toMarkdown(targetsTable(targets))}`]
  ].join('\n\n')
}
