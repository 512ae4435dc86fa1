import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value } from '@sinclair/typebox/value'
import { killChildren } from './children.js'
import { framesFolder } from './frames.js'
import { currentCommit, describeMachine } from './machine.js'
import { measure } from './measure.js'
import { OptionError, readOptions, USAGE, type Options } from './options.js'
import type { Point } from './points.js'
import { writeReport } from './report.js'
import { mediansOf, plainMetrics, Results, type Run } from './results.js'
import { whyMissing } from './servers.js'
import { tableOf, targetsTable, toText } from './table.js'
import { checkTargets } from './targets.js'
import { compiled, installed } from './tools.js'

/** The benchmark: see bench/README.md. */

const scratch = mkdtempSync(join(tmpdir(), 'videostream-bench-'))
const memory = existsSync('/dev/shm') ? mkdtempSync('/dev/shm/videostream-bench-') : scratch
process.on('exit', () => {
  killChildren()
  for (const folder of [scratch, memory]) rmSync(folder, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { process.exit(130) })

try {
  const options = readOptions(process.argv.slice(2))
  if (options.help) print(USAGE)
  else if (options.report !== undefined) writeReport(Value.Parse(Results, JSON.parse(readFileSync(options.report, 'utf8'))))
  else await runAll(options)
} catch (error) {
  if (!(error instanceof OptionError)) throw error
  process.stderr.write(`${error.message}\n\n${USAGE}`)
  process.exitCode = 2
}

async function runAll (options: Options): Promise<void> {
  const date = new Date().toISOString()
  const commit = currentCommit()
  const wanted = options.servers.filter(name => options.points.some(({ servers }) => servers.includes(name)))
  const leftOut = wanted.flatMap(server => {
    const why = whyMissing(server)
    return why === undefined ? [] : [{ server, why }]
  })
  const servers = wanted.filter(name => !leftOut.some(({ server }) => server === name))
  for (const size of new Set(options.points.map(point => point.kind === 'stream' ? point.size : '720p'))) framesFolder(size)
  const viewersClient = compiled('viewers') === undefined ? 'node' : 'c'

  const runs = await measureAll(options, servers)
  const medians = mediansOf(runs)
  const results: Results = {
    command: ['npm run bench', ...process.argv.length > 2 ? ['--', ...process.argv.slice(2)] : []].join(' '),
    date,
    commit,
    machine: describeMachine(),
    rounds: options.rounds,
    seconds: options.timing.seconds,
    warmUpSeconds: options.timing.warmUpSeconds,
    viewersClient,
    snapshotsClient: installed('wrk') === undefined ? 'node' : 'wrk',
    points: options.points.map(describePoint),
    leftOut,
    runs,
    medians,
    targets: checkTargets(medians)
  }
  writeFileSync(options.out, JSON.stringify(results, undefined, 2) + '\n')
  printResults(results)
  print(`\nWritten to ${options.out}`)
  if (runs.some(({ failure }) => failure !== undefined)) process.exitCode = 1
  else if (options.publish) writeReport(results)
}

function describePoint (point: Point): Results['points'][number] {
  const { name, title, kind } = point
  if (point.kind === 'cameras') return { name, title, kind, viewers: point.cameras * point.viewersEach, cameras: point.cameras }
  return { name, title, kind, viewers: point.kind === 'stream' ? point.viewers : 0 }
}

/** Round by round, so that whatever else the machine does meets all servers alike; each round begins with another server. */
async function measureAll (options: Options, servers: Options['servers']): Promise<Run[]> {
  const runs: Run[] = []
  for (let round = 1; round <= options.rounds; round++) {
    for (const point of options.points) {
      const order = point.servers.filter(name => servers.includes(name))
      const turned = [...order.slice((round - 1) % order.length), ...order.slice(0, (round - 1) % order.length)]
      for (const server of turned) {
        process.stderr.write(`round ${round} of ${options.rounds}: ${point.name}, ${server}\n`)
        runs.push({ round, point: point.name, server, ...await measureOnce(options, point, server) })
      }
    }
  }
  return runs
}

async function measureOnce (options: Options, point: Options['points'][number], server: Options['servers'][number]): Promise<Pick<Run, 'metrics' | 'failure'>> {
  try {
    return { metrics: plainMetrics(await measure(point, server, options.timing, { scratch, memory, ourProgram: options.ourProgram })) }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    process.stderr.write(`  failed: ${failure}\n`)
    return { metrics: {}, failure }
  }
}

function printResults (results: Results): void {
  for (const point of results.points) print(`\n${point.title}\n${toText(tableOf(results, point))}`)
  const checked = results.targets.filter(({ verdict }) => verdict !== 'not measured')
  if (checked.length > 0) print(`\nTargets\n${toText(targetsTable(checked))}`)
  for (const { server, why } of results.leftOut) print(`\n${server} was left out: ${why}`)
  for (const { round, point, server, failure } of results.runs) if (failure !== undefined) print(`\nround ${round}, ${point}, ${server} failed: ${failure}`)
}

function print (text: string): void { process.stdout.write(`${text}\n`) }
