import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Connection } from '../database.js'
import { UNCLAIMED_FOLDER } from '../evidence-store.js'
import { errorCode } from '../storage-errors.js'

/** A file that a history needs. */
export interface NeededFile {
  /** Below the data folder. */
  readonly path: string
  readonly sizeBytes: number
  /** Null where nobody has hashed it: clips that grow, and frames that no event claims. */
  readonly sha256: string | null
}

/** By the schema's version from which on they hold. What retention has deleted is not needed. */
const QUERIES: ReadonlyArray<readonly [sinceVersion: number, sql: string]> = [
  [4, `
    SELECT frame_path AS path, frame_size_bytes AS sizeBytes, frame_sha256 AS sha256 FROM oil_spill_events WHERE evidence_state = 'kept'
    UNION
    SELECT d.frame_path, d.size_bytes, d.sha256 FROM detections d JOIN oil_spill_events e ON e.id = d.event_id
     WHERE d.frame_path IS NOT NULL AND (e.evidence_state = 'kept' OR (e.evidence_state = 'missing' AND d.frame_path <> e.frame_path))
    UNION
    SELECT c.path, c.size_bytes, c.sha256 FROM clips c JOIN oil_spill_events e ON e.id = c.event_id WHERE e.evidence_state <> 'deleted'
    ORDER BY path`],
  [2, `
    SELECT frame_path AS path, frame_size_bytes AS sizeBytes, frame_sha256 AS sha256 FROM oil_spill_events
    UNION SELECT frame_path, size_bytes, sha256 FROM detections WHERE frame_path IS NOT NULL
    ORDER BY path`],
  [1, 'SELECT frame_path AS path, frame_size_bytes AS sizeBytes, frame_sha256 AS sha256 FROM oil_spill_events ORDER BY path']
]

/** Every file of evidence that a history needs, ordered by path, one after the other. The schema may be an older one. */
export function neededByHistory (database: Connection): IterableIterator<NeededFile> {
  const version = Number(database.pragma('user_version', { simple: true }))
  const sql = QUERIES.find(([sinceVersion]) => version >= sinceVersion)?.[1] ?? 'SELECT NULL AS path, 0 AS sizeBytes, NULL AS sha256 WHERE 0'
  return database.prepare<[], NeededFile>(sql).iterate()
}

/** The frames that a crash left without an event, ordered by path. */
export async function unclaimedFiles (dataFolder: string): Promise<NeededFile[]> {
  const folder = join(dataFolder, UNCLAIMED_FOLDER)
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []
    throw error
  }
  const files: NeededFile[] = []
  for (const name of names.sort()) {
    const found = await stat(join(folder, name)).catch(() => undefined)
    if (found?.isFile() === true) files.push({ path: `${UNCLAIMED_FOLDER}/${name}`, sizeBytes: found.size, sha256: null })
  }
  return files
}
