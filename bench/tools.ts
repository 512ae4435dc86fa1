import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { buildFolder, projectRoot } from './paths.js'

/** The programs in C, and their sources. */
const SOURCES = { viewers: 'bench/viewers.c', epoll: 'bench/servers/epoll.c', 'bad-disk': 'bench/bad-disk.c' }

/** What is loaded into another program. */
const LIBRARIES: readonly string[] = ['bad-disk']

const known = new Map<string, string | undefined>()

/** Path of a program in C, compiled where it is not yet. Undefined where there is no compiler. */
export function compiled (name: keyof typeof SOURCES): string | undefined {
  if (!known.has(name)) known.set(name, compile(name))
  return known.get(name)
}

/** Path of a program on this machine; also looked for where Debian keeps servers. Undefined where it is not installed. */
export function installed (name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, name)).find(path => existsSync(path))
}

function compile (name: keyof typeof SOURCES): string | undefined {
  const compiler = installed('cc')
  const source = join(projectRoot, SOURCES[name])
  const program = join(buildFolder, name)
  if (compiler === undefined) return undefined
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program
  const { status, stderr } = spawnSync(compiler, ['-O2', ...LIBRARIES.includes(name) ? ['-shared', '-fPIC'] : [], '-o', program, source], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${source} could not be compiled:\n${stderr}`)
  return program
}
