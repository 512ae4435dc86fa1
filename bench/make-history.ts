import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { createRandom } from '../src/cli/camera/random.js'
import { openDatabase, type Connection } from '../src/store/database.js'
import { MIGRATIONS } from '../src/store/migrations/index.js'
import { projectRoot } from './paths.js'

/** How many events the history has that is measured. */
export const HISTORY_EVENTS = 1_000_000

/** Cameras that they are from. */
export const HISTORY_CAMERAS = 200

const SEED = 1
const FIRST_START_MS = Date.UTC(2022, 0, 1)
/** Between the starts of two events, on the whole: a million of them in four years. */
const STEP_MS = 126_000
/** The schema that has events and detections, and nothing yet that is made of them. */
const PLAIN_SCHEMA = 4
/** Every so many events one was reviewed. */
const REVIEWED_EACH = 5
const WORDS = ['sheen', 'slick', 'algae', 'wake', 'glint', 'rainbow', 'patches', 'tanker', 'platform', 'drifting', 'north', 'harbour', 'calm', 'night', 'unclear', 'sample']

/**
 * A data folder whose history has so many events, with two detections each, a fifth of them reviewed, and every one in
 * the ledger. It is made on the first run, in some minutes, and kept with other caches under node_modules. Only events
 * and detections are written here: everything that the server makes of them its own migrations make.
 */
export function historyFolder (events: number): string {
  const folder = join(projectRoot, 'node_modules', '.cache', 'videostream-bench', `history-${events}-schema-${MIGRATIONS.length}`)
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const unfinished = mkdtempSync(`${folder}-`)
  try {
    makeHistory(join(unfinished, 'videostream.db'), events)
    renameSync(unfinished, folder)
    return folder
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true })
    throw error
  }
}

/** The camera of this number. */
export function historyCamera (number: number): string { return `site-${number}` }

function makeHistory (path: string, events: number): void {
  const random = createRandom(SEED)
  const plain = new Database(path)
  plain.pragma('journal_mode = OFF')
  plain.pragma('synchronous = OFF')
  for (const migration of MIGRATIONS.slice(0, PLAIN_SCHEMA)) {
    if (typeof migration !== 'string') throw new Error('the plain schema is not plain')
    plain.exec(migration)
  }
  plain.transaction(() => { addEvents(plain, events, random) })()
  plain.pragma(`user_version = ${PLAIN_SCHEMA}`)
  plain.pragma(`application_id = ${0x56535452}`)
  plain.close()
  const database = openDatabase(path)
  database.pragma('synchronous = OFF')
  database.transaction(() => { review(database, events, random) })()
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
}

function addEvents (database: Connection, events: number, random: () => number): void {
  const camera = database.prepare('INSERT INTO cameras (camera_id, name, site, latitude, longitude, created_at_ms) VALUES (?, ?, ?, ?, ?, ?)')
  for (let number = 0; number < HISTORY_CAMERAS; number++) {
    camera.run(historyCamera(number), `Camera ${number}`, `Site ${number % 20}`, 50 + 12 * random(), -5 + 17 * random(), FIRST_START_MS)
  }
  const event = database.prepare(`
    INSERT INTO oil_spill_events (id, camera_id, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height, started_at_ms, last_detected_at_ms, ended_at_ms)
    VALUES (?, ?, ?, ?, ?, 1280, 720, ?, ?, ?)`)
  const detection = database.prepare(`
    INSERT INTO detections (event_id, camera_id, taken_at_ms, received_at_ms, frame_path, sha256, size_bytes, width, height, confidence, model_version)
    VALUES (?, ?, ?, ?, ?, ?, ?, 1280, 720, ?, 'bench 1')`)
  for (let id = 1; id <= events; id++) {
    const cameraId = historyCamera((id * 7) % HISTORY_CAMERAS)
    const startedAtMs = FIRST_START_MS + id * STEP_MS + Math.floor(random() * STEP_MS)
    const lastMs = startedAtMs + Math.floor(random() * 600_000)
    const sizeBytes = 50_000 + Math.floor(random() * 100_000)
    const path = `oil_spill_frames/oil_spill_${new Date(startedAtMs).toISOString().replace(/[-:]/g, '').replace('T', '_').slice(0, 15)}_${id}.jpg`
    event.run(id, cameraId, path, sha256(`${id} 1`), sizeBytes, startedAtMs, lastMs, lastMs + 1000)
    detection.run(id, cameraId, startedAtMs, startedAtMs, path, sha256(`${id} 1`), sizeBytes, random())
    detection.run(id, cameraId, lastMs, lastMs, null, sha256(`${id} 2`), sizeBytes, random())
  }
}

function review (database: Connection, events: number, random: () => number): void {
  const insert = database.prepare('INSERT INTO reviews (event_id, at_ms, reviewer, verdict, look_alike, notes) VALUES (?, ?, ?, ?, ?, ?)')
  const update = database.prepare('UPDATE oil_spill_events SET verdict = ? WHERE id = ?')
  for (let id = REVIEWED_EACH; id <= events; id += REVIEWED_EACH) {
    const verdict = random() < 0.6 ? 'false_positive' : random() < 0.8 ? 'confirmed' : 'unsure'
    const notes = Array.from({ length: 5 }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ')
    insert.run(id, FIRST_START_MS + id * STEP_MS + 3_600_000, 'olga', verdict, verdict === 'false_positive' ? 'algal_bloom' : null, notes)
    update.run(verdict, id)
  }
}

function sha256 (text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
