import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { LedgerReader } from './ledger-reader.js'
import { mustBeKept, type SentFrame } from './journal.js'
import type { UploadingCamera } from './uploading-camera.js'

interface KeptFile { path: string, sha256: string, size_bytes: number }

interface Clip extends KeptFile { clip_id: number, is_closed: number }

const FRAMES = 'oil_spill_frames'
const UNCLAIMED = 'unclaimed_frames'
/** Below the frames. They are no evidence, and made again when they are asked for. */
const THUMBNAILS = 'thumbnails'

/**
 * Compares a data folder with what cameras were told, from outside of the server, while nothing is sent: after a start,
 * when what a crash left has been swept. What was found right once is not read again: a new check reads everything.
 */
export class DataCheck {
  readonly #folder: string
  readonly #ledger = new LedgerReader()
  /** Files that were compared with their rows. */
  readonly #compared = new Set<string>()
  readonly #unclaimed = new Map<string, string>()
  /** How many detections there are of each frame. */
  readonly #detections = new Map<string, number>()
  #newestDetection = 0
  readonly #judged = new Map<UploadingCamera, number>()

  constructor (folder: string) {
    this.#folder = folder
  }

  /** Says all that is wrong. Cameras take over whether an event of theirs is open. */
  faults (cameras: readonly UploadingCamera[]): string[] {
    const database = new Database(join(this.#folder, 'videostream.db'), { readonly: true })
    try {
      return database.transaction(() => [
        ...this.#databaseFaults(database),
        ...this.#ledger.read(database),
        ...this.#eventFaults(database),
        ...this.#fileFaults(database),
        ...this.#clipFaults(database),
        ...this.#unclaimedFaults(),
        ...this.#journalFaults(database, cameras),
        ...stateFaults(database, cameras)
      ])()
    } finally {
      database.close()
    }
  }

  /** How many detections were found. */
  get detections (): number {
    return [...this.#detections.values()].reduce((sum, each) => sum + each, 0)
  }

  /** How many whole frames without a row were set aside. */
  get unclaimed (): number {
    return this.#unclaimed.size
  }

  #databaseFaults (database: Database.Database): string[] {
    const integrity = String(database.pragma('integrity_check', { simple: true }))
    const foreign = database.pragma('foreign_key_check') as unknown[]
    return [...integrity === 'ok' ? [] : [`the database is damaged: ${integrity}`], ...foreign.length === 0 ? [] : [`${foreign.length} rows refer to none`]]
  }

  #eventFaults (database: Database.Database): string[] {
    const rows = database.prepare<[], { id: number, [column: string]: unknown }>('SELECT * FROM oil_spill_events').all()
    const wrong = rows.filter(row => {
      const told = Object.entries(Object(this.#ledger.newest.get(row.id)))
      return told.length === 0 || told.some(([column, value]) => !(column in row) || row[column] !== value)
    })
    const gone = [...this.#ledger.newest.keys()].filter(id => !rows.some(each => each.id === id))
    return [...wrong.map(({ id }) => `event ${id} is not as the ledger says last`), ...gone.map(id => `event ${id} of the ledger has no row`)]
  }

  /** No row without its file, no file without a row, and no file that was begun. */
  #fileFaults (database: Database.Database): string[] {
    const rows = database.prepare<[], KeptFile>(`
      SELECT frame_path AS path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes FROM oil_spill_events WHERE evidence_state = 'kept'
       UNION SELECT frame_path, sha256, size_bytes FROM detections WHERE frame_path IS NOT NULL`).all()
    const clips = database.prepare<[], string>('SELECT path FROM clips').pluck().all()
    const known = new Set([...rows.map(({ path }) => path), ...clips])
    const files = readdirSync(join(this.#folder, FRAMES)).filter(name => name !== THUMBNAILS).map(name => `${FRAMES}/${name}`)
    const there = new Set(files)
    return [
      ...rows.filter(({ path }) => !there.has(path)).map(({ path }) => `${path} has a row but is not there`),
      ...files.filter(path => !known.has(path)).map(path => `${path} has no row`),
      ...rows.filter(({ path }) => there.has(path) && !this.#compared.has(path)).flatMap(row => this.#compare(row))
    ]
  }

  #compare ({ path, sha256, size_bytes: sizeBytes }: KeptFile): string[] {
    this.#compared.add(path)
    const bytes = readFileSync(join(this.#folder, path))
    return bytes.length === sizeBytes && sha256Of(bytes) === sha256 ? [] : [`${path} is not what its row says`]
  }

  /** Every clip is as long as its index, and each frame in it is what the index says. */
  #clipFaults (database: Database.Database): string[] {
    const frames = database.prepare<[number], { number: number, offset_bytes: number, size_bytes: number, sha256: string }>(
      'SELECT number, offset_bytes, size_bytes, sha256 FROM clip_frames WHERE clip_id = ? ORDER BY number')
    const clips = database.prepare<[], Clip>('SELECT clip_id, path, size_bytes, sha256, closed_at_ms IS NOT NULL AS is_closed FROM clips').all()
    return clips.filter(({ path }) => !this.#compared.has(path)).flatMap(({ clip_id: clipId, path, size_bytes: sizeBytes, sha256, is_closed: isClosed }) => {
      const file = join(this.#folder, path)
      if (!existsSync(file)) return [`${path} has a row but is not there`]
      const bytes = readFileSync(file)
      const faults = bytes.length === sizeBytes ? [] : [`${path} has ${bytes.length} bytes, and its index ${sizeBytes}`]
      if (isClosed === 1 && sha256Of(bytes) !== sha256) faults.push(`${path} is not what its row says`)
      let end = 0
      for (const [index, frame] of frames.all(clipId).entries()) {
        if (frame.number !== index + 1 || frame.offset_bytes !== end) faults.push(`frame ${frame.number} of ${path} does not follow the one before`)
        end = frame.offset_bytes + frame.size_bytes
        if (sha256Of(bytes.subarray(frame.offset_bytes, end)) !== frame.sha256) faults.push(`frame ${frame.number} of ${path} is not what the index says`)
      }
      if (end !== sizeBytes) faults.push(`the index of ${path} ends at ${end} instead of ${sizeBytes}`)
      if (isClosed === 1) this.#compared.add(path)
      return faults
    })
  }

  /** What was set aside stays there as it was. */
  #unclaimedFaults (): string[] {
    const folder = join(this.#folder, UNCLAIMED)
    const now = new Map((existsSync(folder) ? readdirSync(folder) : []).map(name => [name, sha256Of(readFileSync(join(folder, name)))]))
    const faults = [...this.#unclaimed].filter(([name, sha256]) => now.get(name) !== sha256).map(([name]) => `${UNCLAIMED}/${name} was deleted or altered`)
    for (const [name, sha256] of now) this.#unclaimed.set(name, sha256)
    return faults
  }

  /** Whatever was acknowledged is there, and whatever has a name only once. */
  #journalFaults (database: Database.Database, cameras: readonly UploadingCamera[]): string[] {
    const rows = database.prepare<[number], { id: number, sha256: string }>('SELECT id, sha256 FROM detections WHERE id > ? ORDER BY id').all(this.#newestDetection)
    for (const { id, sha256 } of rows) {
      this.#newestDetection = id
      this.#detections.set(sha256, (this.#detections.get(sha256) ?? 0) + 1)
    }
    return cameras.flatMap(camera => {
      const from = this.#judged.get(camera) ?? 0
      // Frames that were not acknowledged may come again in the next round.
      this.#judged.set(camera, Math.max(0, camera.journal.length - 1))
      return camera.journal.slice(from).flatMap(frame => this.#frameFaults(frame))
    })
  }

  #frameFaults (frame: SentFrame): string[] {
    const count = this.#detections.get(frame.sha256) ?? 0
    const name = `frame ${JSON.stringify(frame.headers)} of ${frame.cameraId}`
    if (!frame.spill) return count === 0 ? [] : [`${name} reported no spill and is a detection`]
    return [
      ...mustBeKept(frame) && count === 0 ? [`${name} was acknowledged and is lost`] : [],
      ...count > 1 && (frame.named || !frame.repeated) ? [`${name} is there ${count} times`] : [],
      ...frame.opens && frame.status === 200 && !this.#ledger.opened.has(frame.sha256) ? [`${name} was acknowledged and no event opened with it`] : []
    ]
  }
}

/** An event is open exactly where the last frame that was acknowledged says so. Cameras whose last frame was not take over what is so. */
function stateFaults (database: Database.Database, cameras: readonly UploadingCamera[]): string[] {
  const open = database.prepare<[], string>('SELECT camera_id FROM oil_spill_events WHERE ended_at_ms IS NULL').pluck().all()
  return [
    ...new Set(open).size === open.length ? [] : ['a camera has several open events'],
    ...cameras.flatMap(camera => {
      const found = open.includes(camera.cameraId) ? 'open' : 'closed'
      const expected = camera.state
      if (camera.isGapless) camera.state = found
      return expected === 'unknown' || expected === found ? [] : [`the event of ${camera.cameraId} is ${found}, and by what was acknowledged it is ${expected}`]
    })
  ]
}

function sha256Of (bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
