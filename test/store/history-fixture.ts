import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Json } from '../../src/core/canonical-json.js'
import { digestOf, type LedgerPayload } from '../../src/core/ledger.js'
import { checkpointQueries } from '../../src/store/checkpoint-queries.js'
import { openDatabase, type Connection } from '../../src/store/database.js'
import { eventChanges } from '../../src/store/event-changes.js'
import { eventQueries } from '../../src/store/event-queries.js'
import { CLIP_FRAME_COLUMNS } from '../../src/store/evidence-digests.js'
import { ledgerKeyOf } from '../../src/store/ledger-key.js'
import { ledgerStatements } from '../../src/store/ledger-statements.js'
import type { Random } from '../random.js'
import { endOf, newDetection, newEvent } from './support.js'

/** A history that is written as the server writes it, without its threads. */
export interface HistoryFixture {
  readonly folder: string
  readonly database: Connection
  /** Every file of evidence that is kept, below the folder. */
  readonly files: string[]
}

interface Clip { readonly clipId: number, readonly path: string, bytes: Buffer, frames: number }

/** A database in memory with the content of another one, for a test to alter. */
export function copyOf (database: Connection): Connection {
  const bytes = database.serialize()
  bytes.fill(1, 18, 20) // not in WAL mode, which needs a file
  return new Database(bytes)
}

/**
 * Makes a data folder with all that can happen to events: ones that end, are joined by late detections, merged and
 * reopened; clips that were closed and one that grows; reviews and holds; evidence that is missing and deleted.
 */
export function makeHistory (folder: string, random: Random): HistoryFixture {
  mkdirSync(join(folder, 'oil_spill_frames'), { recursive: true })
  const key = ledgerKeyOf(folder)
  const database = openDatabase(join(folder, 'videostream.db'))
  const ledger = ledgerStatements(database)
  const events = eventQueries(database, ledger)
  const checkpoints = checkpointQueries(database)
  const { tell } = eventChanges(database, ledger)
  const files: string[] = []
  const change = <T>(action: () => T): T => database.transaction(() => {
    const result = action()
    ledger.seal(key)
    return result
  })()

  const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
  const bytesOf = (length: number): Buffer => Buffer.from(Array.from({ length }, () => random(256)))

  /** Writes the file of an event's opening frame, or of a late one. */
  function evidence (name: string) {
    const bytes = bytesOf(200 + random(400))
    const framePath = `oil_spill_frames/${name}.jpg`
    writeFileSync(join(folder, framePath), bytes)
    files.push(framePath)
    return { framePath, sha256: sha256(bytes), sizeBytes: bytes.length, width: 640, height: 480 }
  }

  function open (nth: number): number {
    const { detection, ...event } = newEvent(nth)
    const kept = evidence(`oil_spill_20230623_${String(nth).padStart(6, '0')}`)
    // Of every other event only the camera says where it was seen.
    const details = nth % 40 === 0 ? { confidence: 0.75, latitude: 59.5, longitude: 2.25 + nth } : {}
    const opened = change(() => events.changeEvent(undefined, { ...event, evidence: kept, detection: { ...detection, details, sha256: kept.sha256, sizeBytes: kept.sizeBytes } }))
    return opened?.id ?? 0
  }

  const goOn = (eventId: number, ...nth: number[]): void => {
    change(() => { events.addDetections(nth.map(each => ({ eventId, detection: newDetection(each, { details: { confidence: 0.5, modelVersion: `m${each}` } }) }))) })
  }
  const end = (eventId: number, nth: number): void => { change(() => events.changeEvent(endOf(eventId, newDetection(nth).takenAtMs), undefined)) }

  function startClip (eventId: number): Clip {
    const path = `oil_spill_frames/clip_${eventId}.mjpeg`
    const { lastInsertRowid } = database.prepare('INSERT INTO clips (event_id, path, size_bytes) VALUES (?, ?, 0)').run(eventId, path)
    files.push(path)
    return { clipId: Number(lastInsertRowid), path, bytes: Buffer.alloc(0), frames: 0 }
  }

  /** Adds frames to a clip, with one entry for all of them. */
  function film (eventId: number, clip: Clip, count: number): void {
    const insert = database.prepare(`
      INSERT INTO clip_frames (clip_id, number, offset_bytes, size_bytes, sha256, taken_at_ms, captured_at_ms, received_at_ms, role, width, height, confidence, boxes)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 640, 480, ?, NULL)`)
    change(() => {
      for (let nth = 0; nth < count; nth += 1) {
        const bytes = bytesOf(100 + random(300))
        const { takenAtMs } = newDetection(clip.frames)
        clip.frames += 1
        insert.run(clip.clipId, clip.frames, clip.bytes.length, bytes.length, sha256(bytes), takenAtMs, null, takenAtMs, 'during', 0.25)
        clip.bytes = Buffer.concat([clip.bytes, bytes])
      }
      database.prepare('UPDATE clips SET size_bytes = ? WHERE clip_id = ?').run(clip.bytes.length, clip.clipId)
      const rows = database.prepare<[number, number], Record<string, Json>>(
        `SELECT ${CLIP_FRAME_COLUMNS} FROM clip_frames WHERE clip_id = ? AND number > ? ORDER BY number`).all(clip.clipId, clip.frames - count)
      tell('event.continued', eventId, {
        frames: { clip_id: clip.clipId, first_number: clip.frames - count + 1, last_number: clip.frames, count, digest: digestOf(rows) }
      })
    })
    writeFileSync(join(folder, clip.path), clip.bytes)
  }

  function closeClip (eventId: number, { clipId, bytes }: Clip): void {
    change(() => {
      database.prepare('UPDATE clips SET sha256 = ?, closed_at_ms = ? WHERE clip_id = ?').run(sha256(bytes), Date.now(), clipId)
      const clip = database.prepare<[number], Record<string, Json>>('SELECT clip_id, path, size_bytes, truncated, sha256 FROM clips WHERE clip_id = ?').get(clipId) ?? {}
      database.prepare('UPDATE clip_frames SET role = \'opening\' WHERE clip_id = ? AND number = 1').run(clipId)
      const rows = database.prepare<[number], Record<string, Json>>(`SELECT role, ${CLIP_FRAME_COLUMNS} FROM clip_frames WHERE clip_id = ? ORDER BY number`).all(clipId)
      tell('clip.closed', eventId, { clip: { ...clip, frames: rows.length, digest: digestOf(rows) } })
    })
  }

  function review (eventId: number, verdict: string): void {
    change(() => {
      const { lastInsertRowid } = database.prepare(
        'INSERT INTO reviews (event_id, at_ms, reviewer, verdict, notes) VALUES (?, ?, \'anna\', ?, \'seen from the bridge\')').run(eventId, Date.now(), verdict)
      database.prepare('UPDATE oil_spill_events SET verdict = ? WHERE id = ?').run(verdict, eventId)
      const row = database.prepare<[number], LedgerPayload>('SELECT review_id, event_id, at_ms, reviewer, verdict, look_alike, oil_appearance_code, notes FROM reviews WHERE review_id = ?').get(Number(lastInsertRowid)) ?? {}
      tell('event.reviewed', eventId, { review: row }, 'user:anna')
    })
  }

  function hold (eventId: number): void {
    change(() => {
      const row = database.prepare<[number], LedgerPayload>(
        'INSERT INTO holds (event_id, at_ms, username, held, reason) VALUES (?, 0, \'anna\', 1, \'the court wants it\') RETURNING hold_id, event_id, at_ms, username, held, reason').all(eventId)[0] ?? {}
      database.prepare('UPDATE oil_spill_events SET held = 1 WHERE id = ?').run(eventId)
      tell('event.held', eventId, { hold: row }, 'user:anna')
    })
  }

  const setColumns = (eventId: number, columns: string, action: string): void => {
    change(() => {
      database.prepare(`UPDATE oil_spill_events SET ${columns} WHERE id = ?`).run(eventId)
      tell(action, eventId, {}, 'user:anna')
    })
  }

  change(() => { ledger.takeKey(key) })
  change(() => {
    database.exec('UPDATE cameras SET latitude = 58.5, longitude = 1.75')
    ledger.append({ actor: 'user:bert', action: 'camera.changed', subject: 'camera:default', payload: { changed: ['latitude', 'longitude'], camera: { latitude: 58.5, longitude: 1.75 } } })
  })
  change(() => ledger.append({ actor: 'user:bert', action: 'login', subject: 'user:bert', payload: { address: '192.0.2.7' } }))
  const first = open(0)
  const clip = startClip(first)
  film(first, clip, 3)
  goOn(first, 1, 2, 3)
  film(first, clip, 4)
  end(first, 4)
  closeClip(first, clip)
  change(() => checkpoints.keepCheckpoint())
  const second = open(20)
  goOn(second, 21)
  end(second, 22)
  const third = open(40)
  const thirdClip = startClip(third)
  film(third, thirdClip, 2)
  closeClip(third, thirdClip)
  end(third, 42)
  // A frame that was taken before the opening one takes its place; one between two events makes them one.
  const late = evidence('oil_spill_20230623_000018')
  change(() => events.joinEvent({
    eventId: second, mergedEventId: null, reopens: false, evidence: late, detection: newDetection(18, { details: { latitude: 59.25, longitude: 2.5 }, sha256: late.sha256, sizeBytes: late.sizeBytes })
  }))
  change(() => events.joinEvent({ eventId: second, mergedEventId: third, reopens: false, evidence: null, detection: newDetection(30) }))
  change(() => { database.prepare('UPDATE clips SET event_id = ? WHERE event_id = ?').run(second, third) })
  change(() => events.joinEvent({ eventId: second, mergedEventId: null, reopens: true, evidence: null, detection: newDetection(44) }))
  end(second, 46)
  review(first, 'unsure')
  review(first, 'confirmed')
  change(() => checkpoints.keepCheckpoint())
  hold(first)
  setColumns(first, 'acknowledged_at_ms = 1, acknowledged_by = \'anna\'', 'event.acknowledged')
  const missing = open(60)
  end(missing, 61)
  setColumns(missing, 'evidence_state = \'missing\'', 'evidence.missing')
  files.splice(files.indexOf('oil_spill_frames/oil_spill_20230623_000060.jpg'), 1)
  const deleted = open(70)
  end(deleted, 71)
  setColumns(deleted, 'evidence_state = \'deleted\'', 'evidence.deleted')
  files.splice(files.indexOf('oil_spill_frames/oil_spill_20230623_000070.jpg'), 1)
  const growing = open(80)
  const growingClip = startClip(growing)
  film(growing, growingClip, 3)
  goOn(growing, 81, 82)
  writeFileSync(join(folder, growingClip.path), Buffer.concat([growingClip.bytes, Buffer.from('not in the index yet')]))
  change(() => checkpoints.keepCheckpoint())
  goOn(growing, 83)
  return { folder, database, files }
}
