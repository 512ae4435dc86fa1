import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import t, { type Test } from 'tap'
import { plot } from '../../bench/plot.js'
import { DOCUMENT, insertReport, PICTURE, PUBLISHED_RESULTS, renderReport, writeReport } from '../../bench/report.js'
import { Results } from '../../bench/results.js'
import { tableOf, tableOfPoints, toText } from '../../bench/table.js'
import { checkTargets } from '../../bench/targets.js'
import { temporaryFolder } from '../helper.js'
import { fixtureOfCameras, fixtureResults } from './fixture.js'

t.test('a table has the medians of each server, ratios and remarks', async t => {
  const results = fixtureResults()
  const [head, ...rows] = tableOf(results, results.points[1]!)
  t.strictSame(head, ['server', 'CPU s/GB', 'fps median', 'fps least', 'latency p50 ms', 'RSS peak MB', 'skipped', 'CPU x Node', 'CPU x C', 'remarks'])
  t.strictSame(rows, [
    ['ours', '0.320', '29.0', '28.0', '5.0', '120', '2', '1.07', '1.19', ''],
    ['node-net', '0.300', '29.0', '28.0', '5.0', '120', '0', '1.00', '1.11', ''],
    ['c-epoll', '0.270', '29.0', '28.0', '5.0', '120', '0', '0.90', '1.00', 'client busy']
  ])
})

t.test('figures that others on the machine have spoilt are marked', async t => {
  const results = fixtureOfCameras()
  const shared = { ...results, medians: { 'cameras-200': { ours: { cpuMsPerFrame: 0.4, othersCores: 0.31 }, 'node-net': { cpuMsPerFrame: 0.1, othersCores: 0.3, clientCores: 0.9 } } } }
  t.strictSame(tableOf(shared, results.points[0]!).map(row => row.at(-1)), ['remarks', 'machine shared', 'client busy'])
})

t.test('uploads are compared by their number, and faults that nobody has are left out', async t => {
  const results = fixtureResults()
  t.strictSame(tableOf(results, results.points[2]!), [
    ['server', 'uploads/s', 'CPU ms/upload', 'uploads x Node'],
    ['ours', '6000', '0.150', '0.60'],
    ['node-net', '10000', '0.090', '1.00']
  ])
})

t.test('columns of text stand under each other', async t => {
  t.equal(toText([['server', 'x'], ['a', '10.5']]), 'server     x\na       10.5')
})

t.test('a report says where, when and how it was measured, what failed and what is met', async t => {
  const text = renderReport(fixtureResults())
  for (const part of [
    'Measured on 2026-01-02 at commit abc1234 with `npm run bench` on A CPU, 2 cores, 16 GB, Linux 6.1, Node v22.0.0. Medians of 3 rounds of 5 s each',
    'nginx was left out: nginx is not installed.',
    'Round 2 of ingest failed for node-net.',
    '### 200 viewers',
    '| ours | 0.300 | 30.0 |',
    '| ingest: uploads/s at least 0.65 x node-net | 6000 | 6500 | NOT met |',
    '| viewers-200: CPU s/GB at most 1.1 x node-net | 0.3 | 0.308 | met |'
  ]) t.ok(text.includes(part), `${part}\n\n${text}`)
  t.notMatch(text, /undefined|NaN|not measured/)
})

t.test('a report takes the place of the one before it, and leaves the rest of the document', async t => {
  const results = fixtureResults()
  const document = '# Title\n\n<!-- bench:begin -->\nold\n<!-- bench:end -->\n\nText.\n'
  const once = insertReport(document, results)
  t.ok(once.startsWith('# Title\n\n<!-- bench:begin -->\nMeasured on'))
  t.ok(once.endsWith('<!-- bench:end -->\n\nText.\n'))
  t.notMatch(once, 'old\n')
  t.equal(insertReport(once, results), once)
  t.throws(() => insertReport('# Title\n', results), /needs the lines/)
})

const MARKED = '# Title\n\n<!-- bench:begin -->\n<!-- bench:end -->\n\nText.\n\n<!-- bench:cameras:begin -->\n<!-- bench:cameras:end -->\n'

function marked (t: Test): string {
  const root = temporaryFolder(t)
  mkdirSync(join(root, 'docs/images'), { recursive: true })
  writeFileSync(join(root, DOCUMENT), MARKED)
  return root
}

function readResults (root: string, group: 'camera' | 'cameras'): Results {
  return Value.Parse(Results, JSON.parse(readFileSync(join(root, PUBLISHED_RESULTS[group]), 'utf8')))
}

t.test('writing a report makes the document, the picture and the results beside it', async t => {
  const root = marked(t)
  const results = fixtureResults()
  writeReport(results, root)
  t.ok(readFileSync(join(root, DOCUMENT), 'utf8').includes('### 500 viewers'))
  t.strictSame(readResults(root, 'camera').runs, results.runs)
  t.equal(readFileSync(join(root, PICTURE), 'utf8'), plot(results))
  t.notOk(existsSync(join(root, PUBLISHED_RESULTS.cameras)))
})

t.test('a run about many cameras takes its own part of the document, and leaves the other', async t => {
  const root = marked(t)
  writeReport(fixtureResults(), root)
  const before = readFileSync(join(root, DOCUMENT), 'utf8')
  writeReport(fixtureOfCameras(), root)
  const after = readFileSync(join(root, DOCUMENT), 'utf8')
  t.ok(after.startsWith(before.slice(0, before.indexOf('<!-- bench:cameras:end -->'))))
  for (const part of [
    'at commit fed9876',
    '| server | fps least | CPU ms/frame in | RSS peak MB | CPU x ours | CPU x Node |',
    '| ours-feed | 4.0 | 0.200 | 180 | 0.50 | 2.00 |',
    '| server | RSS without cameras MB | RSS with them MB | KiB/idle camera | RSS with a frame each MB | KiB/active camera |',
    '| ours | 100.0 | 110.2 | 20 | 161.4 | 100 |',
    '| memory-500: KiB/idle camera at most 64 | 20 | 64 | met |'
  ]) t.ok(after.includes(part), `${part}\n\n${after}`)
  t.equal(readResults(root, 'camera').commit, 'abc1234')
  t.equal(readResults(root, 'cameras').commit, 'fed9876')
  t.equal(readFileSync(join(root, PICTURE), 'utf8'), plot(fixtureResults()))
})

t.test('a run about everything fills both parts, each with its own', async t => {
  const root = marked(t)
  const [one, many] = [fixtureResults(), fixtureOfCameras()]
  const all = { ...one, points: [...many.points, ...one.points], runs: [...one.runs, ...many.runs], medians: { ...one.medians, ...many.medians } }
  writeReport({ ...all, targets: checkTargets(all.medians) }, root)
  for (const [group, part] of [['camera', one], ['cameras', many]] as const) {
    const written = readResults(root, group)
    t.strictSame(written.runs, part.runs)
    t.strictSame(written.medians, part.medians)
    t.strictSame(written.points, part.points)
    t.ok(written.targets.every(({ what }) => /^(cameras|unwatched|memory)-/.test(what) === (group === 'cameras')), written.targets.map(({ what }) => what).join('\n'))
  }
})

t.test('the picture has a line for each server in each panel', async t => {
  const svg = plot(fixtureResults())
  t.equal(svg.match(/<polyline /g)?.length, 6)
  t.equal(svg.match(/<circle /g)?.length, 12)
  for (const text of ['ours', 'node-net', 'c-epoll', '200', '500']) t.ok(svg.includes(`>${text}</text>`), text)
  t.notMatch(svg, /NaN|undefined|Infinity/)
  t.notMatch(plot({ ...fixtureResults(), points: [], medians: {} }), /NaN|Infinity/, 'nor where nothing was measured')
})

for (const group of ['camera', 'cameras'] as const) {
  const file = PUBLISHED_RESULTS[group]
  t.test(`the published document and picture are those of ${file}`, { skip: !existsSync(file) && 'nothing is published yet' }, async t => {
    const results = Value.Parse(Results, JSON.parse(readFileSync(file, 'utf8')))
    const document = readFileSync(DOCUMENT, 'utf8')
    t.equal(insertReport(document, results), document)
    if (group === 'camera') t.equal(readFileSync(PICTURE, 'utf8'), plot(results))
  })
}

t.test('points of one kind stand in one table', async t => {
  const results = fixtureResults()
  const metrics = { 'history-status': { ours: { latencyP50Ms: 1, requestsPerSecond: 900 } }, 'history-page': { ours: { latencyP50Ms: 2.04, requestsPerSecond: 400 }, sqlite3: { latencyP50Ms: 15 } } }
  const points = [{ name: 'history-status', title: 'Status', kind: 'history', viewers: 0 }, { name: 'history-page', title: 'A page', kind: 'history', viewers: 0 }]
  t.strictSame(tableOfPoints({ ...results, medians: metrics }, points), [
    ['asked for', 'of', 'latency p50 ms', 'requests/s'],
    ['Status', 'ours', '1.0', '900'],
    ['A page', 'ours', '2.0', '400'],
    ['A page', 'sqlite3', '15.0', '–']
  ])
  const text = renderReport({ ...results, points, medians: metrics, targets: [] })
  t.equal(text.match(/^### /gm)?.length, 1)
  t.match(text, '### Requests, one after the other')
})
