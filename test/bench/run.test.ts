import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Value } from '@sinclair/typebox/value'
import t from 'tap'
import { Results } from '../../bench/results.js'
import { temporaryFolder, until } from '../helper.js'

const run = promisify(execFile)
const RUN = '.build/bench/run.js'

/** A run with a temporary folder of its own, in which it must leave nothing. */
async function bench (folder: string, ...args: string[]) {
  const TMPDIR = mkdtempSync(join(folder, 'tmp-'))
  const { stdout } = await run(process.execPath, [RUN, ...args], { env: { ...process.env, TMPDIR }, timeout: 120_000 })
  return { stdout, left: readdirSync(TMPDIR) }
}

t.test('a run measures, prints a table and writes whole JSON', async t => {
  const folder = temporaryFolder(t)
  const out = join(folder, 'results.json')
  const { stdout, left } = await bench(folder, '--quick', '--points', 'viewers-10,ingest', '--servers', 'ours,node-net', '--seconds', '1',
    '--ours', '.build/src/server.js', '--out', out)
  t.strictSame(left, [])
  t.match(stdout, /10 viewers, 720p at 30 frames\/s\nserver +CPU s\/GB .*\nours +\d.*\nnode-net +\d/)
  const results = Value.Parse(Results, JSON.parse(readFileSync(out, 'utf8')))
  t.strictSame(results.runs.map(({ point, server, failure }) => [point, server, failure]), [
    ['viewers-10', 'ours', undefined], ['viewers-10', 'node-net', undefined],
    ['ingest', 'ours', undefined], ['ingest', 'node-net', undefined]
  ])
  for (const { point, metrics } of results.runs) {
    t.ok((metrics['uploadsPerSecond'] ?? 0) > 0)
    t.ok((metrics['peakRssMb'] ?? 0) > 0)
    if (point === 'ingest') continue
    t.ok((metrics['framesPerSecondLeast'] ?? 0) > 0, 'each viewer has got frames')
    t.ok((metrics['latencyP99Ms'] ?? 0) >= (metrics['latencyP50Ms'] ?? Infinity))
    t.equal(metrics['bad'], 0)
    t.equal(metrics['lost'], 0)
  }
})

t.test('the other servers, and viewers that read slowly or not at all', async t => {
  const folder = temporaryFolder(t)
  const out = join(folder, 'results.json')
  await bench(folder, '--quick', '--points', 'viewers-50,slow-5-of-20', '--servers', 'mjpeg-server,mjpeg-proxy', '--seconds', '1', '--out', out)
  const { runs } = Value.Parse(Results, JSON.parse(readFileSync(out, 'utf8')))
  t.equal(runs.length, 3)
  for (const { metrics, point } of runs) {
    t.ok((metrics['framesPerSecondLeast'] ?? 0) > 0)
    t.equal(metrics['bad'], 0)
    if (point.startsWith('slow')) t.ok((metrics['slowFramesPerSecondMedian'] ?? Infinity) < 5, 'half a frame a second, and what the kernel had room for')
  }
})

t.test('a run that is interrupted ends its servers and leaves nothing', async t => {
  const TMPDIR = temporaryFolder(t)
  const child = spawn(process.execPath, [RUN, '--quick', '--points', 'viewers-10', '--servers', 'node-net', '--out', join(TMPDIR, 'no.json')], { env: { ...process.env, TMPDIR } })
  await once(child.stderr, 'data')
  await new Promise(resolve => setTimeout(resolve, 300))
  const servers = childrenOf(child.pid!)
  t.ok(servers.length > 0)
  child.kill('SIGINT')
  t.strictSame(await once(child, 'exit'), [130, null])
  await until(() => servers.every(pid => !existsSync(`/proc/${pid}`)), 'the end of its servers')
  t.strictSame(readdirSync(TMPDIR), [])
})

function childrenOf (pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
}
