import { createHash } from 'node:crypto'
import { open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Connection } from './database.js'
import { errorCode } from './storage-errors.js'
import type { Verification, VerifySummary } from './verify.js'

/** A file with one frame in it. */
interface FrameFile { path: string, sha256: string, size_bytes: number }

interface ClipFile { clip_id: number, path: string, size_bytes: number, sha256: string | null, closed_at_ms: number | null }

interface FrameRow { number: number, offset_bytes: number, size_bytes: number, sha256: string }

const CHUNK_BYTES = 1024 * 1024

const SINCE = '(SELECT max(sequence) FROM ledger WHERE subject = \'event:\' || oil_spill_events.id) >= ?'

/** Files of evidence that should be there: of each event, and of detections whose frame was an opening one before an earlier one came. */
const FRAME_FILES = `
  SELECT frame_path AS path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes FROM oil_spill_events WHERE evidence_state = 'kept' AND ${SINCE}
  UNION ALL
  SELECT detections.frame_path, detections.sha256, detections.size_bytes FROM detections JOIN oil_spill_events ON oil_spill_events.id = event_id
   WHERE detections.frame_path IS NOT NULL AND evidence_state <> 'deleted' AND ${SINCE}
     AND detections.frame_path NOT IN (SELECT frame_path FROM oil_spill_events AS others WHERE others.frame_path = detections.frame_path)`

const CLIP_FILES = `
  SELECT clip_id, path, size_bytes, sha256, closed_at_ms FROM clips JOIN oil_spill_events ON oil_spill_events.id = event_id
   WHERE evidence_state <> 'deleted' AND ${SINCE} ORDER BY clip_id`

/**
 * Reads every file of evidence and compares it with its rows.
 * @param openNow the history as it is now: what retention has deleted meanwhile is not missing
 */
export async function verifyFiles (verification: Verification, openNow: (() => Connection) | undefined): Promise<Pick<VerifySummary, 'files' | 'bytes'>> {
  const { database, folder, report, isWhole } = verification
  const since = isWhole ? Number.MIN_SAFE_INTEGER : verification.since
  const framesOf = database.prepare<[number], FrameRow>('SELECT number, offset_bytes, size_bytes, sha256 FROM clip_frames WHERE clip_id = ? ORDER BY number')
  const reader = new FileReader()
  let files = 0

  async function check (path: string, read: (file: FileHandle) => Promise<string | undefined>): Promise<void> {
    files += 1
    const problem = await reader.with(join(folder, path), read)
    if (problem !== undefined && !isDeletedNow(path, openNow)) report(path, problem)
  }

  for (const each of database.prepare<[number, number], FrameFile>(FRAME_FILES).iterate(since, since)) {
    await check(each.path, async file => await frameProblem(reader, file, each))
  }
  for (const clip of database.prepare<[number], ClipFile>(CLIP_FILES).iterate(since)) {
    await check(clip.path, async file => await clipProblem(reader, file, clip, framesOf.iterate(clip.clip_id)))
  }
  return { files, bytes: reader.bytes }
}

async function frameProblem (reader: FileReader, file: FileHandle, { sha256, size_bytes: sizeBytes }: FrameFile): Promise<string | undefined> {
  const hash = createHash('sha256')
  const read = await reader.read(file, 0, sizeBytes, chunk => { hash.update(chunk) })
  if (read < sizeBytes) return `ends at byte ${read}, but the frame has ${sizeBytes} bytes`
  const { size } = await file.stat()
  if (size > sizeBytes) return `has ${size - sizeBytes} bytes too many behind byte ${sizeBytes - 1}`
  return hash.digest('hex') === sha256 ? undefined : `the frame (bytes 0-${sizeBytes - 1}) differs: its SHA-256 is not the recorded one`
}

/** One frame behind the other, without anything between them; of a clip that grows there may be more. */
async function clipProblem (reader: FileReader, file: FileHandle, clip: ClipFile, frames: Iterable<FrameRow>): Promise<string | undefined> {
  const whole = createHash('sha256')
  let end = 0
  for (const { number, offset_bytes: offset, size_bytes: sizeBytes, sha256 } of frames) {
    if (offset !== end) return `frame ${number} begins at byte ${offset} by the index, but the one before it ends at byte ${end}`
    end += sizeBytes
    const hash = createHash('sha256')
    const read = await reader.read(file, offset, sizeBytes, chunk => {
      hash.update(chunk)
      whole.update(chunk)
    })
    if (read < sizeBytes) return `frame ${number} (bytes ${offset}-${end - 1}) is cut off at byte ${offset + read}`
    if (hash.digest('hex') !== sha256) return `frame ${number} (bytes ${offset}-${end - 1}) differs`
  }
  if (end !== clip.size_bytes) return `has ${clip.size_bytes} bytes by its row, but its frames have ${end}`
  if (clip.closed_at_ms === null) return undefined
  const { size } = await file.stat()
  if (size > end) return `has ${size - end} bytes too many from byte ${end} on`
  return whole.digest('hex') === clip.sha256 ? undefined : 'its SHA-256 is not the recorded one, though that of each frame is'
}

/** Reads files piece by piece into one and the same memory. */
class FileReader {
  readonly #memory = Buffer.alloc(CHUNK_BYTES)
  /** So many were read. */
  bytes = 0

  /** What is wrong with a file, where it can be read at all. */
  async with (path: string, read: (file: FileHandle) => Promise<string | undefined>): Promise<string | undefined> {
    let file: FileHandle | undefined
    try {
      file = await open(path, 'r')
      return await read(file)
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return 'is missing'
      if (error instanceof Error && 'syscall' in error) return `cannot be read (${errorCode(error)})`
      throw error
    } finally {
      await file?.close()
    }
  }

  /** Hands over so many bytes of a file. Returns how many there were. */
  async read (file: FileHandle, offset: number, length: number, take: (chunk: Buffer) => void): Promise<number> {
    let done = 0
    while (done < length) {
      const { bytesRead } = await file.read(this.#memory, 0, Math.min(CHUNK_BYTES, length - done), offset + done)
      if (bytesRead === 0) break
      take(this.#memory.subarray(0, bytesRead))
      done += bytesRead
    }
    this.bytes += done
    return done
  }
}

/** Whether the history says by now that the evidence was deleted. */
function isDeletedNow (path: string, openNow: (() => Connection) | undefined): boolean {
  const database = openNow?.()
  if (database === undefined) return false
  try {
    const state = database.prepare<{ path: string }, string>(`
      SELECT evidence_state FROM oil_spill_events
       WHERE frame_path = :path OR id IN (SELECT event_id FROM detections WHERE frame_path = :path UNION ALL SELECT event_id FROM clips WHERE path = :path)`).pluck()
    return state.all({ path }).includes('deleted')
  } finally {
    database.close()
  }
}
