import { readFileSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CameraError } from './camera-error.js'

const fileName = 'agent.pid'

/**
 * Makes sure that a folder has one camera program. What a killed one has left is no hindrance: a process is told by its
 * number and, on Linux, by when it started, since numbers come again.
 * @returns a function that lets go of the folder
 * @throws CameraError if another one is using it
 */
export async function lockFolder (folder: string): Promise<() => Promise<void>> {
  const path = join(folder, fileName)
  const [pid = '', start] = (await readFile(path, 'utf8').catch(() => '')).split('\n')
  if (/^\d+$/.test(pid) && Number(pid) !== process.pid && isRunning(Number(pid)) && startOf(Number(pid)) === start) {
    throw new CameraError(`another camera program (process ${pid}) is using ${folder}: give each its own --spool`)
  }
  // A full disk is no reason to watch no more.
  await writeFile(path, `${process.pid}\n${startOf(process.pid)}\n`, { mode: 0o600 }).catch(() => {})
  return async () => { await rm(path, { force: true }) }
}

function isRunning (pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** When a process started: the boot, and the clock ticks since. Empty where the system does not tell. */
function startOf (pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const afterName = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
    return `${boot} ${String(afterName[19])}` // starttime, the 22nd field of all (proc_pid_stat(5))
  } catch {
    return ''
  }
}
