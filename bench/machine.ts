import { spawnSync } from 'node:child_process'
import { cpus, release, totalmem, type as system } from 'node:os'
import { projectRoot } from './paths.js'
import type { Results } from './results.js'

/** What the benchmark runs on. */
export function describeMachine (): Results['machine'] {
  const cores = cpus()
  return {
    cpu: cores[0]?.model.trim() ?? 'unknown',
    cores: cores.length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: `${system()} ${release()}`,
    node: process.version
  }
}

/** The commit that is measured, with `+` where something was changed since. */
export function currentCommit (): string {
  const commit = git('rev-parse', '--short', 'HEAD')
  if (commit === '') return 'unknown'
  return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}+`
}

function git (...args: string[]): string {
  return (spawnSync('git', args, { cwd: projectRoot, encoding: 'utf8' }).stdout ?? '').trim()
}
