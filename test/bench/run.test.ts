import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Value } from '@sinclair/typebox/value'
import t, { type Test } from 'tap'
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

/** Reports of a run whose every part has worked. */
async function benchAll (t: Test, ...args: string[]) {
  const folder = temporaryFolder(t)
  const out = join(folder, 'results.json')
  const { left } = await bench(folder, '--quick', '--seconds', '1', '--ours', '.build/src/server.js', '--out', out, ...args)
  t.strictSame(left, [])
  return Value.Parse(Results, JSON.parse(readFileSync(out, 'utf8'))).runs
}

t.test('many cameras, watched and not, in single requests and in feeds', async t => {
  const runs = await benchAll(t, '--points', 'cameras-50,unwatched-50')
  t.strictSame(runs.map(({ point, server }) => `${point} ${server}`), ['cameras-50', 'unwatched-50'].flatMap(point => ['ours', 'ours-feed', 'node-net'].map(server => `${point} ${server}`)))
  for (const { point, server, metrics } of runs) {
    t.ok((metrics['framesInPerSecond'] ?? 0) > 0, `${point} ${server}`)
    t.ok((metrics['cpuMsPerFrame'] ?? 0) > 0)
    t.equal(metrics['ackP99Ms'] === undefined, server.endsWith('feed'), 'a feed is not answered')
    if (point === 'unwatched-50') continue
    t.ok((metrics['framesPerSecondLeast'] ?? 0) > 0, 'each viewer has got frames')
    t.ok((metrics['latencyP99Ms'] ?? 0) >= (metrics['latencyP50Ms'] ?? Infinity))
    t.strictSame([metrics['bad'], metrics['lost'], metrics['repeated'], metrics['outOfOrder']], [0, 0, 0, 0])
  }
})

t.test('many cameras on the other servers', async t => {
  const runs = await benchAll(t, '--points', 'cameras-200', '--servers', 'c-epoll,mjpeg-server,mjpeg-proxy')
  t.ok(runs.length >= 2)
  for (const { server, metrics } of runs) {
    t.ok((metrics['framesPerSecondLeast'] ?? 0) > 0, `each viewer of ${server} has got frames`)
    t.strictSame([metrics['bad'], metrics['lost']], [0, 0], server)
  }
})

t.test('frames that nobody watches, on the other servers', async t => {
  const runs = await benchAll(t, '--points', 'unwatched-200', '--servers', 'node-net-feed,mjpeg-server,mjpeg-consumer,nginx')
  t.ok(runs.length >= 3)
  for (const { server, metrics } of runs) t.ok((metrics['cpuMsPerFrame'] ?? 0) > 0, server)
})

t.test('the memory of cameras that are idle, and of the same with a frame each', async t => {
  const [run] = await benchAll(t, '--points', 'memory-200')
  const { emptyRssMb = 0, idleCamerasRssMb = 0, activeCamerasRssMb = 0, kibPerIdleCamera, kibPerActiveCamera } = run!.metrics
  t.ok(emptyRssMb > 0)
  t.ok(Math.abs((idleCamerasRssMb - emptyRssMb) * 1e6 / 1024 / 200 - (kibPerIdleCamera ?? NaN)) < 0.01)
  t.ok(Math.abs((activeCamerasRssMb - idleCamerasRssMb) * 1e6 / 1024 / 200 - (kibPerActiveCamera ?? NaN)) < 0.01)
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
