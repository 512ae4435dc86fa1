import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { badDiskProblem } from './bad-disk.js'
import { killChildren } from './children.js'
import { framesFolder } from './frames.js'
import { currentCommit, describeMachine } from './machine.js'
import { measureSlowDisk, type SlowDiskFigures, type SlowDiskLoad } from './measure-slow-disk.js'
import { projectRoot } from './paths.js'
import { median } from './statistics.js'

/** What a slow disk does to the live picture: see bench/README.md. Prints a table for docs/performance.md. */

/** What viewers may wait longer, at the slowest frame of a hundred. */
const MOST_TIMES = 1.5

const USAGE = `npm run bench:slow-disk -- [options]

  --rounds N     how often each is measured, in turns; the median counts (5)
  --seconds S    how long each is measured (20)
  --delay MS     how much longer each flush takes (200)
  --threads N    the server's threads for files (16, as in the image and the systemd unit)
  --ours FILE    the program that is measured (dist/server.js)
`

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '20' },
    delay: { type: 'string', default: '200' },
    threads: { type: 'string', default: '16' },
    ours: { type: 'string', default: join(projectRoot, 'dist', 'server.js') },
    help: { type: 'boolean', default: false }
  }
})

const scratch = mkdtempSync(join(tmpdir(), 'videostream-bench-'))
process.on('exit', () => {
  killChildren()
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => { process.exit(130) })

const problem = badDiskProblem()
if (values.help) process.stdout.write(USAGE)
else if (problem === undefined) await runAll()
else {
  process.stderr.write(`a slow disk cannot be made here: ${problem}\n`)
  process.exitCode = 1
}

async function runAll (): Promise<void> {
  framesFolder('720p')
  const rounds = Number(values.rounds)
  const load: SlowDiskLoad = {
    cameras: 10, viewersEach: 2, framesPerSecond: 10, flushDelayMs: Number(values.delay), fileThreads: Number(values.threads), seconds: Number(values.seconds), warmUpSeconds: 5
  }
  const ground = { scratch, memory: scratch, ourProgram: resolve(values.ours) }
  const figures: Record<'without' | 'with', SlowDiskFigures[]> = { without: [], with: [] }
  for (let round = 0; round < rounds; round += 1) {
    for (const turn of round % 2 === 0 ? ['without', 'with'] as const : ['with', 'without'] as const) {
      process.stderr.write(`round ${round + 1} of ${rounds}: ${turn} events\n`)
      figures[turn].push(await measureSlowDisk(load, turn === 'with', ground))
    }
  }
  const { cpu, cores, memoryGb, kernel, node } = describeMachine()
  print(`Measured on ${new Date().toISOString().slice(0, 10)} at commit ${currentCommit()} on ${cpu}, ${cores} cores, ${memoryGb} GB, ${kernel}, Node ${node}: medians of ${rounds} rounds of ${load.seconds} s.\n`)
  print('| events | latency p50 ms | p99 ms | fps median | fps least | skipped | events stored/s | detections lost |')
  print('|---|---:|---:|---:|---:|---:|---:|---:|')
  for (const turn of ['without', 'with'] as const) {
    const of = (name: keyof SlowDiskFigures): number => median(figures[turn].map(each => each[name])) ?? NaN
    print(`| ${turn === 'with' ? 'one a second on each camera' : 'none'} | ${of('latencyP50Ms').toFixed(2)} | ${of('latencyP99Ms').toFixed(2)} | ${of('framesPerSecondMedian').toFixed(1)} | ` +
      `${of('framesPerSecondLeast').toFixed(1)} | ${of('skipped')} | ${of('eventsPerSecond').toFixed(1)} | ${of('lostDetections')} |`)
  }
  const p99 = (turn: 'without' | 'with'): number => median(figures[turn].map(({ latencyP99Ms }) => latencyP99Ms)) ?? NaN
  const times = p99('with') / p99('without')
  print(`\nWith events the p99 is ${times.toFixed(2)} times that without; ${MOST_TIMES} may be.`)
  if (!(times <= MOST_TIMES)) process.exitCode = 1
}

function print (text: string): void { process.stdout.write(`${text}\n`) }
