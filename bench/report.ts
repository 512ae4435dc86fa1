import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './paths.js'
import { plot } from './plot.js'
import type { Results } from './results.js'
import { tableOf, targetsTable, toMarkdown } from './table.js'

const BEGIN = '<!-- bench:begin -->'
const END = '<!-- bench:end -->'

/** Where the published figures are, below the project's folder. */
export const DOCUMENT = 'docs/performance.md'
export const PUBLISHED_RESULTS = 'docs/performance.json'
export const PICTURE = 'docs/images/performance.svg'

/** Writes the document's figures and picture anew, and keeps the results beside it. */
export function writeReport (results: Results, root = projectRoot): void {
  const document = join(root, DOCUMENT)
  const text = insertReport(readFileSync(document, 'utf8'), results)
  writeFileSync(document, text)
  writeFileSync(join(root, PUBLISHED_RESULTS), JSON.stringify(results, undefined, 2) + '\n')
  writeFileSync(join(root, PICTURE), plot(results))
}

/**
 * A document with the report between its two markers, whatever stood there before.
 * @throws where the markers are missing
 */
export function insertReport (document: string, results: Results): string {
  const from = document.indexOf(BEGIN)
  const to = document.indexOf(END)
  if (from === -1 || to < from) throw new Error(`${DOCUMENT} needs the lines ${BEGIN} and ${END}`)
  return `${document.slice(0, from + BEGIN.length)}\n${renderReport(results)}\n${document.slice(to)}`
}

/** The report in Markdown: what was measured where, a table a work point, and the targets. */
export function renderReport (results: Results): string {
  const { machine, rounds, seconds, warmUpSeconds, leftOut } = results
  const times = rounds === 1 ? 'One round' : `Medians of ${rounds} rounds`
  const clients = `Viewers: ${results.viewersClient === 'c' ? 'bench/viewers.c' : 'bench/viewers.ts'}; snapshots: ${results.snapshotsClient === 'wrk' ? 'wrk' : 'bench/snapshots.ts'}.`
  const failures = results.runs.flatMap(({ round, point, server, failure }) =>
    failure === undefined ? [] : [`Round ${round} of ${point} failed for ${server}.`])
  const points = results.points.map(point => `### ${point.title}\n\n\`${point.name}\`\n\n${toMarkdown(tableOf(results, point))}`)
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
