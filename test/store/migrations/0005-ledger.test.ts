import { join } from 'node:path'
import Database from 'better-sqlite3'
import t from 'tap'
import { openDatabase } from '../../../src/store/database.js'
import { events } from '../../../src/store/migrations/0001-events.js'
import { temporaryFolder } from '../../helper.js'

t.test('events that are older than the ledger are taken up as they are', async t => {
  const path = join(temporaryFolder(t), 'videostream.db')
  const older = new Database(path)
  older.exec(events)
  older.pragma('application_id = 0x56535452')
  older.pragma('user_version = 1')
  older.exec(`INSERT INTO oil_spill_events (camera_id, frame_path, frame_sha256, frame_size_bytes, frame_width, frame_height, started_at_ms, last_detected_at_ms)
    VALUES ('default', 'oil_spill_frames/a.jpg', '${'a'.repeat(64)}', 1000, 640, 480, 10000, 12000)`)
  older.close()
  const database = openDatabase(path)
  t.teardown(() => { database.close() })
  t.strictSame(database.prepare('SELECT sequence, actor, action, subject, payload FROM ledger').raw().all(), [[
    1, 'server', 'event.adopted', 'event:1',
    `{"event":{"camera_id":"default","ended_at_ms":null,"evidence_state":"kept","frame_path":"oil_spill_frames/a.jpg","frame_sha256":"${'a'.repeat(64)}",` +
      '"frame_size_bytes":1000,"last_detected_at_ms":12000,"merged_into":null,"started_at_ms":10000}}'
  ]])
})
