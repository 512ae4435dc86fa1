import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { cpuSeconds, processTree, rssBytes } from '../../bench/proc.js'

function ownCpuSeconds (): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

t.test('CPU time of a process is what it has used, in less than steps of 10 ms where the kernel says so', async t => {
  const [before, ownBefore] = [cpuSeconds([process.pid]), ownCpuSeconds()]
  while (ownCpuSeconds() < ownBefore + 0.2) Math.sqrt(before)
  const [after, ownAfter] = [cpuSeconds([process.pid]), ownCpuSeconds()]
  t.ok(Math.abs(after - before - (ownAfter - ownBefore)) < 0.05, `${after - before} of ${ownAfter - ownBefore}`)
  if (readFileSync('/proc/self/schedstat', 'utf8').startsWith('0 ')) return
  t.not(cpuSeconds([process.pid]) * 100 % 1, 0)
})

t.test('a process that has ended counts as nothing', async t => {
  const child = execFile('true')
  await new Promise(resolve => child.on('close', resolve))
  t.equal(cpuSeconds([child.pid!]), 0)
  t.equal(rssBytes([child.pid!]), 0)
})

t.test('a process tree has its children', async t => {
  const child = execFile('sleep', ['20'])
  t.teardown(() => { child.kill() })
  await new Promise(resolve => child.on('spawn', resolve))
  t.ok(processTree(process.pid).includes(child.pid!))
  t.ok(rssBytes([process.pid]) > rssBytes([child.pid!]))
})
