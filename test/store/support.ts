import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import Database from 'better-sqlite3'
import type { Test } from 'tap'
import { systemClock, type Clock } from '../../src/core/clock.js'
import type { Detection } from '../../src/core/event.js'
import { ClipArchive, type ClipArchiveOptions } from '../../src/store/clip-archive.js'
import { ClipFiles } from '../../src/store/clip-files.js'
import { ClipRepository } from '../../src/store/clip-repository.js'
import type { EvidenceFiles } from '../../src/store/evidence-store.js'
import type { EventEnd, NewEvent } from '../../src/store/event-queries.js'
import { SqlThread } from '../../src/store/sql-thread.js'
import { temporaryFolder } from '../helper.js'

/** Where a module of src is, for a program in another process. */
export function moduleUrl (path: string): string {
  return new URL(`../../src/${path}`, import.meta.url).href
}

/** A program's environment without what tap puts there to measure coverage, which another user may not write. */
export function plainEnvironment (): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== 'NODE_OPTIONS' && !name.startsWith('_TAPJS')))
}

/** A user whom permissions bind: root is let in everywhere. */
const NOBODY = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

/** What a program of this text prints, run as a user whom permissions bind. */
export function printedByNobody (text: string): string {
  const { stdout, stderr, error } = spawnSync(process.execPath, ['--input-type=module', '-e', text],
    { ...NOBODY, cwd: '/', env: plainEnvironment(), encoding: 'utf8' })
  return error === undefined ? stdout === '' ? stderr : stdout : String(error)
}

/** Says why `printedByNobody` cannot be used on this machine; false where it can. */
export function nobodyProblem (): string | false {
  if (process.platform === 'win32') return 'Windows has other permissions'
  const printed = printedByNobody(`await import('${moduleUrl('store/database.js')}'); console.log('ok')`)
  return printed === 'ok\n' ? false : `another user cannot run the code here: ${printed.split('\n')[0] ?? ''}`
}

/** A program in another process. It ends with the test. */
export async function runElsewhere (t: Test, text: string): Promise<{ firstLine: string, kill: () => Promise<void> }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', text], { env: plainEnvironment(), stdio: ['ignore', 'pipe', 'inherit'] })
  const exited = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await exited
  }
  t.teardown(kill)
  const [firstLine]: string[] = await once(createInterface(child.stdout), 'line')
  return { firstLine: firstLine ?? '', kill }
}

/** A disk of a few kilobytes, gone after the test; or why there cannot be one. */
export function smallDisk (t: Test, kibibytes: number): { path: string } | { problem: string } {
  const path = mkdtempSync(join(tmpdir(), 'videostream-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', path], { encoding: 'utf8' })
  if (mounted.status === 0) {
    t.teardown(() => {
      spawnSync('umount', ['-l', path])
      rmSync(path, { recursive: true })
    })
    return { path }
  }
  rmSync(path, { recursive: true })
  return { problem: `a small disk cannot be mounted here: ${(mounted.stderr ?? String(mounted.error)).trim()}` }
}

/** Fills a disk to the last block but so many. Returns what makes room again. */
export function fillDisk (path: string, freeBlocks: number): () => void {
  const { bsize, bfree } = statfsSync(path)
  const ballast = join(path, 'ballast')
  writeFileSync(ballast, Buffer.alloc(Math.max(0, bfree - freeBlocks) * bsize))
  return () => { rmSync(ballast) }
}

/** Every file of a folder and below with its bytes. */
export function filesOf (folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(path => [path.slice(folder.length + 1), readFileSync(path).toString('base64')]))
}

/** Takes the right to write in a folder away from those who are not root, and lets them look. */
export function lockFolder (t: Test, path: string): void {
  chmodSync(path, 0o555)
  t.teardown(() => { chmodSync(path, 0o755) })
}

/**
 * How many transactions a write-ahead log holds. Source: https://sqlite.org/fileformat2.html#walformat, where the last
 * page of each commit carries the size of the database, and others 0.
 */
export function commitsIn (walPath: string): number {
  const wal = readFileSync(walPath)
  if (wal.length === 0) return 0
  const pageBytes = wal.readUInt32BE(8)
  const salt = wal.subarray(16, 24)
  let commits = 0
  for (let at = 32; at + 24 + pageBytes <= wal.length; at += 24 + pageBytes) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) break
    if (wal.readUInt32BE(at + 4) !== 0) commits += 1
  }
  return commits
}

/** A detection that nothing is wrong with; `nth` sets it apart from others. */
export function newDetection (nth: number, options: Partial<Detection> = {}): Detection {
  const takenAtMs = options.takenAtMs ?? Date.UTC(2023, 5, 23, 14, 30, 22) + nth * 1000
  return {
    cameraId: 'default',
    takenAtMs,
    capturedAtMs: null,
    receivedAtMs: takenAtMs,
    clockSkewMs: null,
    frameSequence: null,
    idempotencyKey: null,
    sha256: String(nth).padStart(64, '0'),
    sizeBytes: 1000 + nth,
    width: 640,
    height: 480,
    details: {},
    ...options
  }
}

/** An event that nothing is wrong with, still open; `nth` sets it apart from others. */
export function newEvent (nth: number, options: Partial<Omit<NewEvent, 'evidence' | 'detection'>> = {}): NewEvent {
  const { cameraId = 'default', startedAtMs = newDetection(nth).takenAtMs, endedAtMs = null, clearBeforeMs = null, clearAfterMs = null } = options
  const detection = newDetection(nth, { cameraId, takenAtMs: startedAtMs })
  const { sha256, sizeBytes, width, height } = detection
  return {
    cameraId, startedAtMs, endedAtMs, clearBeforeMs, clearAfterMs, evidenceState: 'kept', evidence: { framePath: `oil_spill_frames/event ${nth}.jpg`, sha256, sizeBytes, width, height }, detection
  }
}

/** A SQL thread over a new database, with another connection to it. */
export async function openHistory (t: Test) {
  const path = join(temporaryFolder(t), 'videostream.db')
  const thread = await SqlThread.open(path)
  const other = new Database(path)
  t.teardown(async () => {
    other.close()
    await thread.close()
  })
  return { path, thread, other }
}

/** The end of an event, and nothing more of it. */
export function endOf (eventId: number, endedAtMs: number): EventEnd {
  return { eventId, endedAtMs, clearAfterMs: null }
}

/** The clips of a data folder. */
export function clipsOf (thread: SqlThread, folder: string, options: Partial<ClipArchiveOptions> & { files?: EvidenceFiles, clock?: Clock } = {}): ClipArchive {
  const { files, ...rest } = options
  return new ClipArchive(new ClipRepository(thread), new ClipFiles(folder, files), {
    clock: systemClock, maxBytes: 64 * 1024 * 1024, closeAfterMs: 1e9, room: { within: async (_bytes, write) => await write() }, onFailure: () => {}, ...rest
  })
}
