import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Database from 'better-sqlite3'
import t from 'tap'
import { EVIDENCE_FOLDER, evidencePath } from '../../src/core/event.js'
import { APPLICATION_ID } from '../../src/store/database.js'
import { MIGRATIONS } from '../../src/store/migrations/index.js'
import { jpeg, temporaryFolder } from '../helper.js'
import { randomFrom } from '../random.js'
import { DataCheck } from './crash/data-check.js'
import { CrashLane } from './crash/lane.js'
import { commented } from './crash/uploading-camera.js'
import { KillableServer } from './killable-server.js'

/** How often the server is killed; more by `VIDEOSTREAM_CRASH_ROUNDS`. */
const ROUNDS = Number(process.env['VIDEOSTREAM_CRASH_ROUNDS'] ?? 200)

/** What is random follows from this, but for how fast the machine is. */
const SEED = Number(process.env['VIDEOSTREAM_CRASH_SEED'] ?? Date.now() % 1_000_000)

/** How long a round may take on a slow machine. */
const ROUND_MS = 10_000

/** Events of the history that is brought up to date. */
const EVENTS = 2000

t.comment(`VIDEOSTREAM_CRASH_SEED=${SEED} VIDEOSTREAM_CRASH_ROUNDS=${ROUNDS}`)
t.setTimeout(120_000 + ROUNDS * ROUND_MS)

t.test('whenever the server is killed, all that it acknowledged is there after the next start', async t => {
  t.setTimeout(0)
  const folder = temporaryFolder(t)
  const lanes = [
    await CrashLane.start(t, SEED, { dataDir: join(folder, 'gapless'), gapSeconds: 0 }),
    await CrashLane.start(t, SEED + 100, { dataDir: join(folder, 'gap'), gapSeconds: 0.2 })
  ]
  await Promise.all(lanes.map(async (lane, index) => {
    for (let round = index; round < ROUNDS; round += lanes.length) {
      const faults = await lane.round()
      if (faults.length === 0) continue
      t.strictSame(faults, [], `round ${round} of seed ${SEED}`)
      return
    }
  }))
  for (const lane of lanes) {
    const { faults, check } = await lane.checkAll()
    t.strictSame(faults, [], 'everything once more')
    t.comment(`${lane.sent} frames sent, ${check.detections} detections, ${lane.killedStarts} starts killed, ${check.unclaimed} frames set aside`)
    t.ok(check.detections > ROUNDS, 'there was something to lose')
    const statuses = new Set(lane.cameras.flatMap(({ journal }) => journal.map(({ status }) => status)))
    t.strictSame([...statuses].filter(each => each !== undefined), [200], 'no frame was refused')
  }
})

t.test('a start that is killed while it brings an older history up to date loses nothing', async t => {
  t.setTimeout(0)
  const random = randomFrom(SEED + 200)
  const dataDir = join(temporaryFolder(t), 'data')
  const before = olderHistory(dataDir, EVENTS)
  const older = readFileSync(join(dataDir, 'videostream.db'))
  const server = await KillableServer.start(t, dataDir, { NODE_OPTIONS: '' })
  const beganMs = performance.now()
  await server.kill()
  await server.restart()
  const startMs = performance.now() - beganMs
  for (let round = 0; round < Math.max(1, ROUNDS / 25); round += 1) {
    await server.kill()
    for (const name of readdirSync(dataDir).filter(name => name.startsWith('videostream.db') || name === 'ledger_key.pem')) rmSync(join(dataDir, name))
    writeFileSync(join(dataDir, 'videostream.db'), older)
    litter(dataDir, round)
    for (let killed = 0; killed <= random(3); killed += 1) {
      const starting = server.restart().catch(() => {})
      await setTimeout(startMs / 3 + random(Math.ceil(startMs)))
      await server.kill()
      await starting
    }
    await server.restart()
    t.strictSame(new DataCheck(dataDir).faults([]), [], `round ${round} of seed ${SEED}`)
    t.strictSame(eventsOf(dataDir), before)
    t.ok(readdirSync(join(dataDir, 'unclaimed_frames')).length > round, 'whole frames that no event has were set aside')
  }
})

/** A history as the version before the ledger left it, with its evidence. Returns its events. */
function olderHistory (dataDir: string, events: number): unknown[] {
  mkdirSync(join(dataDir, EVIDENCE_FOLDER), { recursive: true })
  const database = new Database(join(dataDir, 'videostream.db'))
  for (const migration of MIGRATIONS.slice(0, 3)) database.exec(String(migration))
  database.pragma('user_version = 3')
  database.pragma(`application_id = ${APPLICATION_ID}`)
  const insert = database.prepare(`
    INSERT INTO oil_spill_events (camera_id, started_at_ms, last_detected_at_ms, ended_at_ms, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height)
    VALUES ('default', ?, ?, ?, ?, ?, ?, 16, 8)`)
  database.transaction(() => {
    for (let nth = 0; nth < events; nth += 1) {
      const startedAtMs = Date.UTC(2023, 5, 23) + nth * 10_000
      const picture = commented(jpeg(), `older ${nth}`)
      const path = evidencePath(startedAtMs, 1)
      writeFileSync(join(dataDir, path), picture)
      insert.run(startedAtMs, startedAtMs, nth === events - 1 ? null : startedAtMs + 5000, path, createHash('sha256').update(picture).digest('hex'), picture.length)
    }
  })()
  database.close()
  return eventsOf(dataDir)
}

function eventsOf (dataDir: string): unknown[] {
  const database = new Database(join(dataDir, 'videostream.db'), { readonly: true })
  try {
    return database.prepare('SELECT id, camera_id, started_at_ms, last_detected_at_ms, ended_at_ms, frame_path, frame_sha256 FROM oil_spill_events ORDER BY id').all()
  } finally {
    database.close()
  }
}

/** What a crash can leave: a file that was begun, and a whole one without a row. */
function litter (dataDir: string, nth: number): void {
  const folder = join(dataDir, EVIDENCE_FOLDER)
  writeFileSync(join(folder, '.oil_spill_20230101_000000.jpg.part'), 'begun')
  writeFileSync(join(folder, `oil_spill_20230101_0000${String(nth).padStart(2, '0')}.jpg`), commented(jpeg(), `unclaimed ${nth}`))
}
