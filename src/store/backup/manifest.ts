import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { StartupError } from '../../errors.js'
import { errorCode, toStartupError } from '../storage-errors.js'
import { writeWhole } from '../whole-file.js'

/** The file that makes a folder a backup. It is written last. */
export const MANIFEST_FILE = 'backup.json'

/** Files of the data folder that others must not read. */
export const SECRET_FILES: readonly string[] = ['camera_password', 'ledger_key.pem']

/** A file of a backup, as it was when it was copied. A clip that still grew may be longer by now: only so much of it counts. */
export interface BackedUpFile {
  /** Below the folder of the backup, with forward slashes. */
  readonly path: string
  readonly size_bytes: number
  /** Lower-case hexadecimal. */
  readonly sha256: string
}

/** How far the ledger went, as the database has it: see LedgerHead in core/ledger.ts. */
export interface BackedUpHead {
  readonly sequence: number
  readonly hash: string
  readonly at_ms: number
  readonly key_id: string
  readonly signature: string
}

/** What `backup.json` says. */
export interface Manifest {
  readonly format: 'videostream-backup'
  readonly format_version: 1
  /** `unfinished` until the first backup into this folder is whole. */
  readonly state: 'complete'
  /** When the database was copied: `YYYY-MM-DDTHH:MM:SS.ffffff`, UTC. */
  readonly made_at: string
  readonly app_version: string
  /** The database's `user_version`. */
  readonly schema_version: number
  /** Tells the histories of servers apart: the hash of the first entry of the ledger. */
  readonly history_id: string | null
  readonly events: number
  readonly database: BackedUpFile
  /** One line of JSON for each file of evidence, ordered by path. */
  readonly list: BackedUpFile
  /** What is in the list, without what retention has deleted since. */
  readonly files: { readonly count: number, readonly bytes: number }
  /** Files of the data folder that must not be read by others, where they were asked for. */
  readonly secrets: readonly BackedUpFile[]
  readonly ledger_head: BackedUpHead | null
}

/**
 * Reads what a folder says of the backup in it.
 * @returns undefined where it is no backup, `unfinished` where none was ever whole
 * @throws StartupError where it cannot be read, is damaged, or is from a newer version
 */
export function readManifest (folder: string): Manifest | 'unfinished' | undefined {
  const path = join(folder, MANIFEST_FILE)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errorCode(error))) return undefined
    throw toStartupError(error, path)
  }
  const value = parse(text)
  if (value?.['format'] !== 'videostream-backup') return value === undefined ? damaged(path) : undefined
  if (typeof value['format_version'] === 'number' && value['format_version'] > 1) {
    throw new StartupError(`${path} was made by a newer version of Videostream: use that version's commands`)
  }
  if (value['state'] === 'unfinished') return 'unfinished'
  return isManifest(value) ? value : damaged(path)
}

/** Makes a backup the last good one: from then on the folder is what this says. */
export function writeManifest (folder: string, manifest: Manifest): void {
  writeWhole(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, undefined, 2)}\n`)
}

/** Marks a new folder as one of ours, before anything else is in it. */
export function markUnfinished (folder: string): void {
  writeWhole(join(folder, MANIFEST_FILE), `${JSON.stringify({ format: 'videostream-backup', format_version: 1, state: 'unfinished' })}\n`)
}

/** Whether this is a path that evidence may have, and no way out of the folder. */
export function isEvidencePath (path: string): boolean {
  return /^(oil_spill_frames|unclaimed_frames)\/[^./\\\0][^/\\\0]*$/.test(path)
}

/** Whether a value describes a file. */
export function isBackedUpFile (value: unknown): value is BackedUpFile {
  return isObject(value) && typeof value['path'] === 'string' && Number.isSafeInteger(value['size_bytes']) &&
    typeof value['sha256'] === 'string' && /^[0-9a-f]{64}$/.test(value['sha256'])
}

function isManifest (value: unknown): value is Manifest {
  return isObject(value) && value['format'] === 'videostream-backup' && value['state'] === 'complete' &&
    typeof value['made_at'] === 'string' && typeof value['schema_version'] === 'number' && typeof value['events'] === 'number' &&
    isPlainFile(value['database']) && isPlainFile(value['list']) && Array.isArray(value['secrets']) && value['secrets'].every(isPlainFile)
}

/** A file in the folder itself. */
function isPlainFile (value: unknown): boolean {
  return isBackedUpFile(value) && /^[^./\\\0][^/\\\0]*$/.test(value.path)
}

function parse (text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject (value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function damaged (path: string): never {
  throw new StartupError(`${path} is damaged: use another backup`)
}
