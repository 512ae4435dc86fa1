import { opendir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { EVIDENCE_FOLDER, thumbnailPath } from '../core/event.js'
import { checkReads, type FileSource, type KeptFile } from './check-queries.js'
import type { Connection } from './database.js'
import { errorCode } from './storage-errors.js'

/**
 * What a check can find.
 * - `database_damaged`, `foreign_key`: SQLite's own checks
 * - `ledger_head`: the ledger's signed end is not its last entry; `verify` says more
 * - `missing_file`, `wrong_size`, `clip_too_short`: evidence was lost or altered; only a backup helps
 * - `clip_tail`: bytes behind what the clip's index knows
 * - `unfinished_file`, `unclaimed_file`: files of which the history knows nothing
 * - `stale_thumbnail`: a small picture made of evidence that is not kept
 * - `unfinished_deletion`: files that retention has given up
 * - `orphaned_event`: open, though its camera is gone
 * - `evidence_total`: the sum that is kept of evidence is not the sum of it
 */
export type FindingKind =
  | 'database_damaged' | 'foreign_key' | 'ledger_head' | 'missing_file' | 'wrong_size' | 'clip_too_short' | 'clip_tail'
  | 'unfinished_file' | 'unclaimed_file' | 'stale_thumbnail' | 'unfinished_deletion' | 'orphaned_event' | 'evidence_total'

/** One thing that is not as it should be. */
export interface CheckFinding {
  readonly kind: FindingKind
  /** The path of a file below the data folder, `event 4`, `camera rig-4`, `ledger` or `database`. */
  readonly subject: string
  readonly problem: string
  /** The event that it is about, where it is about one. */
  readonly eventId?: number
  /** How long a file should be. */
  readonly sizeBytes?: number
}

/** What was checked. */
export interface CheckSummary {
  readonly events: number
  /** Events whose evidence is known to be missing: there was no room for it. */
  readonly missing: number
  /** Files that should be there. */
  readonly files: number
}

export interface CheckOptions {
  readonly database: Connection
  readonly dataFolder: string
  /** A server is running there: what it may just be writing is no finding. */
  readonly isRunning: boolean
  readonly onFinding: (finding: CheckFinding) => void
}

const PART_NAME = /^\.oil_spill_\d{8}_\d{6}[\w-]*\.\w+\.part$/
const EVIDENCE_NAME = /^oil_spill_\d{8}_\d{6}[\w-]*\.(jpg|mjpeg)$/

/** While a server runs, a file that is younger than this may still get its row. */
const YOUNG_MS = 60_000

/** Files that are looked at together. */
const BATCH = 64

/** Findings of one kind of SQLite's that are told: a damaged database has very many. */
const MAX_OF_SQLITE = 20

/**
 * Looks for all that a crash, a full disk or a person can leave behind, and changes nothing. It does not read the files'
 * bytes: that is what `verify` is for.
 */
export async function checkData (options: CheckOptions): Promise<CheckSummary> {
  const { database, onFinding } = options
  if (!checkDatabase(database, onFinding)) return { events: 0, missing: 0, files: 0 }
  const reads = checkReads(database)
  if (!reads.isHeadRight()) onFinding({ kind: 'ledger_head', subject: 'ledger', problem: 'its signed head is not its last entry: something else has written to it, or rows are missing; verify says more' })
  for (const { eventId, cameraId } of reads.orphans()) onFinding({ kind: 'orphaned_event', subject: `event ${eventId}`, eventId, problem: `it is open, but its camera ${cameraId} is gone` })
  for (const { cameraId, counted, told } of reads.wrongTotals()) {
    onFinding({ kind: 'evidence_total', subject: `camera ${cameraId}`, problem: `its evidence has ${counted} bytes, but ${told} are told` })
  }
  if (!options.isRunning) {
    for (const path of reads.garbage()) onFinding({ kind: 'unfinished_deletion', subject: path, problem: 'its deletion was broken off' })
  }
  const files = await checkKeptFiles(options, reads)
  await checkFolder(options, reads)
  await checkThumbnails(options, reads)
  return { ...reads.census(), files }
}

/** Says whether the rest can be read. */
function checkDatabase (database: Connection, onFinding: CheckOptions['onFinding']): boolean {
  const lines = database.prepare<[], string>(`PRAGMA integrity_check(${MAX_OF_SQLITE})`).pluck().all()
  if (lines[0] !== 'ok') {
    for (const problem of lines) onFinding({ kind: 'database_damaged', subject: 'database', problem })
    return false
  }
  for (const { table, rowid, parent } of database.prepare<[], { table: string, rowid: number | null, parent: string }>('PRAGMA foreign_key_check').all().slice(0, MAX_OF_SQLITE)) {
    onFinding({ kind: 'foreign_key', subject: 'database', problem: `row ${rowid ?? '?'} of ${table} names a row of ${parent} that is not there` })
  }
  return true
}

/** Rows without their files. Returns how many files there should be. */
async function checkKeptFiles (options: CheckOptions, reads: ReturnType<typeof checkReads>): Promise<number> {
  const sources: FileSource[] = ['events', 'earlier frames', 'clips']
  let files = 0
  for (const source of sources) {
    let page: KeptFile[]
    for (let after = 0; (page = reads.pageOfKept(source, after)).length > 0; after = page.at(-1)?.position ?? Infinity) {
      files += page.length
      for (let at = 0; at < page.length; at += BATCH) {
        await Promise.all(page.slice(at, at + BATCH).map(async file => {
          const finding = await problemOf(options, file, source === 'clips')
          // Retention may have deleted it since the page was read.
          if (finding !== undefined && reads.isKept(file.path)) options.onFinding({ ...finding, subject: file.path, eventId: file.eventId })
        }))
      }
    }
  }
  return files
}

async function problemOf ({ dataFolder, isRunning }: CheckOptions, { path, sizeBytes, grows }: KeptFile, isClip: boolean): Promise<Omit<CheckFinding, 'subject'> | undefined> {
  const size = await sizeOf(join(dataFolder, path))
  if (size === undefined) return isClip && sizeBytes === 0 ? undefined : { kind: 'missing_file', problem: 'it is not there: restore it from a backup' }
  if (size === sizeBytes) return undefined
  if (!isClip) return { kind: 'wrong_size', problem: `it has ${size} bytes instead of ${sizeBytes}: restore it from a backup` }
  if (size < sizeBytes) return { kind: 'clip_too_short', problem: `it has ${size} bytes, but its index ${sizeBytes}: restore it from a backup` }
  if (isRunning && grows === 1) return undefined
  return { kind: 'clip_tail', sizeBytes, problem: `it has ${size - sizeBytes} bytes behind the ${sizeBytes} that its index knows` }
}

/** Files without their rows. */
async function checkFolder ({ dataFolder, isRunning, onFinding }: CheckOptions, reads: ReturnType<typeof checkReads>): Promise<void> {
  for await (const { name } of await opendir(join(dataFolder, EVIDENCE_FOLDER), { bufferSize: 1000 })) {
    const path = `${EVIDENCE_FOLDER}/${name}`
    const isPart = PART_NAME.test(name)
    if (!isPart && (!EVIDENCE_NAME.test(name) || reads.isKept(path) || reads.isGarbage(path))) continue
    if (isRunning && await isYoung(join(dataFolder, path))) continue
    onFinding(isPart
      ? { kind: 'unfinished_file', subject: path, problem: 'it was not written to its end' }
      : { kind: 'unclaimed_file', subject: path, problem: 'no event has it' })
  }
}

/** Thumbnails of frames that are not kept. */
async function checkThumbnails ({ dataFolder, isRunning, onFinding }: CheckOptions, reads: ReturnType<typeof checkReads>): Promise<void> {
  const folder = dirname(thumbnailPath(`${EVIDENCE_FOLDER}/any.jpg`))
  if (await sizeOf(join(dataFolder, folder)) === undefined) return
  for await (const { name } of await opendir(join(dataFolder, folder), { bufferSize: 1000 })) {
    if (reads.isKept(`${EVIDENCE_FOLDER}/${name}`) || reads.isGarbage(`${EVIDENCE_FOLDER}/${name}`)) continue
    if (isRunning && await isYoung(join(dataFolder, folder, name))) continue
    onFinding({ kind: 'stale_thumbnail', subject: `${folder}/${name}`, problem: 'its frame is not kept' })
  }
}

/** Undefined where there is no such file. */
async function sizeOf (path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return undefined
    throw error
  }
}

/** What is gone again was just being renamed. */
async function isYoung (path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs < YOUNG_MS
  } catch {
    return true
  }
}
