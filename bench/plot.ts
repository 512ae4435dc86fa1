import type { MetricName } from './metrics.js'
import { medianOf, type Results } from './results.js'
import { SERVER_NAMES, type ServerName } from './servers.js'

/** Draws the two pictures of the document as one SVG that can be read on light and dark ground. */

const WIDTH = 880
const HEIGHT = 380
const PANEL = { top: 48, height: 240, width: 350 }
const PANEL_LEFTS: readonly [number, number] = [62, 506]

/** Of Okabe and Ito's colours that all eyes can tell apart, those that stand out on white and on black. */
const COLOURS: Readonly<Record<ServerName, string>> = {
  ours: '#d55e00',
  'ours-feed': '#d55e00',
  'node-net': '#0082c8',
  'node-net-feed': '#0082c8',
  'c-epoll': '#009e73',
  'mjpeg-server': '#b8860b',
  'mjpeg-consumer': '#b8860b',
  'mjpeg-proxy': '#b5679b',
  nginx: '#808080',
  sqlite3: '#808080'
}
const DASHES: Readonly<Partial<Record<ServerName, string>>> = { 'node-net': '7 4', 'c-epoll': '2 4', 'mjpeg-server': '10 3 2 3', 'mjpeg-proxy': '4 2' }

interface Line { readonly server: ServerName, readonly points: ReadonlyArray<{ viewers: number, value: number }> }

/** The SVG of CPU time for each GB and of frames a second, against the number of viewers. */
export function plot (results: Results): string {
  const cpu = linesOf(results, 'cpuSecondsPerGb')
  const frames = linesOf(results, 'framesPerSecondMedian')
  const servers = SERVER_NAMES.filter(name => [...cpu, ...frames].some(({ server }) => server === name))
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="13" role="img">
<title>CPU seconds for each GB delivered (less is better), and frames per second at the median viewer (30 are sent), against the number of viewers</title>
<style>
text { fill: #24292f } .grid { stroke: #8c959f; stroke-opacity: .35 } .axis { stroke: #57606a }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .axis { stroke: #9ea7b3 } }
</style>
${panel(PANEL_LEFTS[0], 'CPU seconds for each GB delivered', cpu)}
${panel(PANEL_LEFTS[1], 'Frames per second at the median viewer', frames)}
${legend(servers)}
</svg>
`
}

function linesOf (results: Results, metric: MetricName): Line[] {
  const points = results.points.filter(({ name }) => /^viewers-\d+$/.test(name)).sort((a, b) => a.viewers - b.viewers)
  return SERVER_NAMES.map(server => ({
    server,
    points: points.flatMap(({ name, viewers }) => {
      const value = medianOf(results.medians, name, server, metric)
      return value === undefined ? [] : [{ viewers, value }]
    })
  })).filter(line => line.points.length > 1 || (line.points.length === 1 && points.length === 1))
}

function panel (left: number, title: string, lines: readonly Line[]): string {
  const all = lines.flatMap(({ points }) => points)
  const viewerCounts = [...new Set(all.map(({ viewers }) => viewers))].sort((a, b) => a - b)
  const [least = 1, most = 1] = [viewerCounts[0], viewerCounts.at(-1)]
  const step = niceStep(Math.max(...all.map(({ value }) => value), 0) / 5)
  const top = step * Math.max(1, Math.ceil(Math.max(...all.map(({ value }) => value), 0) / step))
  const bottom = PANEL.top + PANEL.height
  const x = (viewers: number): number => left + 12 + (PANEL.width - 24) * (most === least ? 0.5 : Math.log(viewers / least) / Math.log(most / least))
  const y = (value: number): number => bottom - PANEL.height * value / top
  const places = Math.max(0, -Math.floor(Math.log10(step) + 1e-9))
  const rules = Array.from({ length: Math.round(top / step) + 1 }, (_, i) => i * step).map(value =>
    `<line class="grid" x1="${left}" x2="${left + PANEL.width}" y1="${round(y(value))}" y2="${round(y(value))}"/>` +
    `<text x="${left - 8}" y="${round(y(value) + 4)}" text-anchor="end">${value.toFixed(places)}</text>`)
  // Two counts that are close share the room of one.
  const shown = viewerCounts.filter((viewers, i) => i === 0 || x(viewers) - x(viewerCounts[i - 1] ?? 0) > 34 || i === viewerCounts.length - 1)
  const marks = shown.map(viewers =>
    `<line class="axis" x1="${round(x(viewers))}" x2="${round(x(viewers))}" y1="${bottom}" y2="${bottom + 5}"/>` +
    `<text x="${round(x(viewers))}" y="${bottom + 20}" text-anchor="middle">${viewers}</text>`)
  // Ours last, on top.
  const drawn = [...lines].reverse().map(({ server, points }) => {
    const path = points.map(({ viewers, value }) => `${round(x(viewers))},${round(y(value))}`)
    const dots = points.map(({ viewers, value }) => `<circle cx="${round(x(viewers))}" cy="${round(y(value))}" r="3.2" fill="${COLOURS[server]}"/>`)
    return `<polyline points="${path.join(' ')}" fill="none" stroke="${COLOURS[server]}" stroke-width="${server === 'ours' ? 3 : 2}"${dash(server)}/>${dots.join('')}`
  })
  return [
    `<text x="${left}" y="28" font-weight="600">${title}</text>`,
    ...rules,
    `<line class="axis" x1="${left}" x2="${left + PANEL.width}" y1="${bottom}" y2="${bottom}"/>`,
    ...marks,
    `<text x="${left + PANEL.width / 2}" y="${bottom + 40}" text-anchor="middle">viewers</text>`,
    ...drawn
  ].join('\n')
}

function legend (servers: readonly ServerName[]): string {
  const top = HEIGHT - 22
  return servers.map((server, i) => {
    const left = PANEL_LEFTS[0] + i * 140
    return `<line x1="${left}" x2="${left + 28}" y1="${top - 4}" y2="${top - 4}" stroke="${COLOURS[server]}" stroke-width="${server === 'ours' ? 3 : 2}"${dash(server)}/>` +
      `<text x="${left + 34}" y="${top}">${server}</text>`
  }).join('\n')
}

function dash (server: ServerName): string {
  const pattern = DASHES[server]
  return pattern === undefined ? '' : ` stroke-dasharray="${pattern}"`
}

/** 1, 2 or 5 times a power of ten, at or above. */
function niceStep (value: number): number {
  if (!(value > 0)) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  return power * ([1, 2, 5].find(each => each * power >= value) ?? 10)
}

function round (value: number): string { return String(Math.round(value * 10) / 10) }
