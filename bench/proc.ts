import { readdirSync, readFileSync } from 'node:fs'

/** Reads what Linux says of processes (proc(5)). A process that has ended counts as nothing. */

/** What Linux has compiled in on all machines that Node runs on (sysconf _SC_CLK_TCK and _SC_PAGESIZE). */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

/** A process and all its descendants. */
export function processTree (root: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? Number(statFields(Number(name))[1]) : NaN
    if (!Number.isNaN(parent)) children.set(parent, [...children.get(parent) ?? [], Number(name)])
  }
  const found = [root]
  for (const pid of found) found.push(...children.get(pid) ?? [])
  return found
}

/**
 * Seconds of CPU time, user and system, that these processes have used, with their threads and children that have ended:
 * to the nanosecond where the kernel keeps scheduler statistics and no thread has ended, otherwise in steps of 10 ms.
 */
export function cpuSeconds (pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Math.max(tickedSeconds(pid), scheduledSeconds(pid)), 0)
}

/** From field 3 on: utime, stime, cutime and cstime are fields 14 to 17. Rounded down. */
function tickedSeconds (pid: number): number {
  return statFields(pid).slice(11, 15).reduce((sum, field) => sum + Number(field), 0) / TICKS_PER_SECOND
}

/** What the threads that are there have used, in nanoseconds in /proc. */
function scheduledSeconds (pid: number): number {
  return list(`/proc/${pid}/task`).reduce((sum, thread) => sum + Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] ?? 0), 0) / 1e9
}

/** Resident memory of these processes together; pages that they share count for each. */
export function rssBytes (pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(read(`/proc/${pid}/statm`).split(' ')[1] ?? 0) * PAGE_BYTES, 0)
}

/** How often all threads of a process have gone to sleep of their own accord. */
export function voluntarySwitches (pid: number): number {
  return list(`/proc/${pid}/task`).reduce((sum, thread) =>
    sum + Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(read(`/proc/${pid}/task/${thread}/status`))?.[1] ?? 0), 0)
}

/** Open files and sockets of a process. */
export function openFiles (pid: number): number { return list(`/proc/${pid}/fd`).length }

/** Memory that the kernel has in the buffers of all TCP sockets of the machine. */
export function socketBytes (): number {
  return Number(/^TCP:.* mem (\d+)/m.exec(read('/proc/net/sockstat'))?.[1] ?? 0) * PAGE_BYTES
}

/** How much CPU time all cores together have spent at work, and in all, in ticks. */
export function machineTicks (): { busy: number, all: number } {
  const [, ...fields] = (read('/proc/stat').split('\n')[0] ?? '').split(/\s+/)
  const ticks = fields.slice(0, 8).map(Number)
  const all = ticks.reduce((sum, each) => sum + each, 0)
  return { busy: all - (ticks[3] ?? 0) - (ticks[4] ?? 0), all }
}

/** The fields of /proc/PID/stat behind the name, which may have spaces in it. */
function statFields (pid: number): string[] {
  const text = read(`/proc/${pid}/stat`)
  return text === '' ? [] : text.slice(text.lastIndexOf(')') + 2).split(' ')
}

function read (path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

function list (path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
