import type { SignedHead } from '../core/checkpoint.js'
import { contentHash } from '../core/ledger.js'
import type { PublicKey } from './checkpoint-queries.js'
import type { Connection } from './database.js'
import { CLIP_FRAME_COLUMNS, DETECTION_COLUMNS } from './evidence-digests.js'
import { payloadOf, type LedgerTableRow } from './verify-ledger.js'

/** A row as it stands in a table. */
export interface PlainRow { readonly [column: string]: string | number | null }

/** A file of evidence that an event has, or had. */
export interface BundleFile {
  readonly kind: 'frame' | 'clip'
  /** Below the data folder. */
  readonly path: string
  /** Null for a clip that grows. */
  readonly sha256: string | null
  /** Of a clip that grows as far as its index goes. */
  readonly size_bytes: number
  readonly state: 'kept' | 'missing' | 'deleted'
}

/** All that is known of an event but what may be much. */
export interface BundlePlan {
  readonly event: PlainRow
  /** Events that turned out to be a part of it. */
  readonly parts: readonly PlainRow[]
  readonly camera: PlainRow | undefined
  readonly clips: readonly PlainRow[]
  readonly reviews: readonly PlainRow[]
  readonly files: readonly BundleFile[]
  /** Subjects of the ledger that are shown. */
  readonly subjects: readonly string[]
  /** The first and the last detection, 0 where there is none. */
  readonly detections: { readonly first: number, readonly last: number }
  readonly keys: readonly PublicKey[]
  /** How far the ledger is told of. */
  readonly head: SignedHead
}

/** Where the telling of the ledger goes on: behind this row, up to the signed head that is under way. */
export interface LedgerPosition { readonly after: number, readonly proof: SignedHead | undefined }

/** Some lines of the ledger, and where it goes on; undefined at the end. */
export interface LedgerPage { readonly rows: ReadonlyArray<Record<string, unknown>>, readonly next: LedgerPosition | undefined }

const HEAD = 'sequence, hash, at_ms AS atMs, key_id AS keyId, signature'
const EVENT_FILES = `
  SELECT 'frame' AS kind, frame_path AS path, frame_sha256 AS sha256, frame_size_bytes AS size_bytes, evidence_state AS state
    FROM oil_spill_events WHERE id = :id OR merged_into = :id
  UNION ALL
  SELECT 'frame', frame_path, sha256, size_bytes, (SELECT iif(evidence_state = 'deleted', 'deleted', 'kept') FROM oil_spill_events WHERE id = :id)
    FROM detections WHERE event_id = :id AND frame_path IS NOT NULL AND NOT EXISTS (SELECT 1 FROM oil_spill_events WHERE frame_path = detections.frame_path)
  UNION ALL
  SELECT 'clip', path, sha256, size_bytes, (SELECT iif(evidence_state = 'deleted', 'deleted', 'kept') FROM oil_spill_events WHERE id = :id)
    FROM clips WHERE event_id = :id`

/** Every statement for what is handed to a third party, prepared once. They read a piece at a time, and nothing that is written later. */
export function bundleQueries (database: Connection) {
  const event = database.prepare<[number], PlainRow>('SELECT * FROM oil_spill_events WHERE id = ?')
  const parts = database.prepare<[number], PlainRow>('SELECT * FROM oil_spill_events WHERE merged_into = ? ORDER BY id')
  const camera = database.prepare<[string], PlainRow>('SELECT camera_id, name, site, latitude, longitude, heading FROM cameras WHERE camera_id = ?')
  const clips = database.prepare<[number], PlainRow>('SELECT * FROM clips WHERE event_id = ? ORDER BY clip_id')
  const reviews = database.prepare<{ id: number }, PlainRow>(
    'SELECT * FROM reviews WHERE event_id IN (SELECT id FROM oil_spill_events WHERE id = :id OR merged_into = :id) ORDER BY review_id')
  const files = database.prepare<{ id: number }, BundleFile>(EVENT_FILES)
  const extent = database.prepare<[number], { first: number, last: number }>('SELECT coalesce(min(id), 0) AS first, coalesce(max(id), 0) AS last FROM detections WHERE event_id = ?')
  const keys = database.prepare<[], PublicKey>(`
    SELECT payload ->> 'key_id' AS keyId, payload ->> 'public_key' AS publicKey, sequence AS since FROM ledger
     WHERE subject = 'server' AND action = 'key.made' ORDER BY sequence`)
  const head = database.prepare<[], SignedHead>(`SELECT ${HEAD} FROM ledger_head`)
  const checkpoint = database.prepare<[number, number], SignedHead>(
    `SELECT ${HEAD} FROM ledger_checkpoints JOIN ledger USING (sequence, hash) WHERE sequence >= ? AND sequence < ? ORDER BY sequence LIMIT 1`.replace('at_ms AS', 'ledger_checkpoints.at_ms AS'))
  const nextOf = database.prepare<{ subjects: string, after: number, last: number }, number | null>(`
    SELECT min((SELECT sequence FROM ledger WHERE subject = each.value AND sequence > :after AND sequence <= :last ORDER BY sequence LIMIT 1))
      FROM json_each(:subjects) AS each`).pluck()
  const rows = database.prepare<[number, number], LedgerTableRow>(`
    SELECT sequence, at_ms, actor, action, subject, payload, salt, previous_hash, hash FROM ledger WHERE sequence BETWEEN ? AND ? ORDER BY sequence`)
  const detections = database.prepare<[number, number, number], PlainRow>(
    `SELECT ${DETECTION_COLUMNS} FROM detections WHERE id BETWEEN ? AND ? AND +event_id = ? ORDER BY id`)
  const frames = database.prepare<[number, number, number], PlainRow>(
    `SELECT clip_id, role, ${CLIP_FRAME_COLUMNS} FROM clip_frames WHERE clip_id = ? AND number > ? ORDER BY number LIMIT ?`)

  return {
    /** What is known of an event now, or of the one that it has become a part of; undefined where there is none. */
    planOfBundle (eventId: number): BundlePlan | undefined {
      const named = event.get(eventId)
      const id = Number(named?.['merged_into'] ?? eventId)
      const [row, signed] = [event.get(id), head.get()]
      if (row === undefined || signed === undefined) return undefined
      const merged = parts.all(id)
      return {
        event: row,
        parts: merged,
        camera: camera.get(String(row['camera_id'])),
        clips: clips.all(id),
        reviews: reviews.all({ id }),
        files: files.all({ id }),
        subjects: [id, ...merged.map(each => each['id'])].map(each => `event:${each}`),
        detections: extent.get(id) ?? { first: 0, last: 0 },
        keys: keys.all(),
        head: signed
      }
    },
    /**
     * The entries of some subjects, each with the chain from it to the next signed head. Of entries on anything else only
     * their place is told and the hash of what they say.
     */
    ledgerOfBundle (subjects: readonly string[], { after, proof }: LedgerPosition, last: SignedHead, limit: number): LedgerPage {
      const isUnderWay = proof !== undefined && after < proof.sequence
      const first = isUnderWay ? after + 1 : nextOf.get({ subjects: JSON.stringify(subjects), after, last: last.sequence })
      if (first === null || first === undefined) return { rows: [], next: undefined }
      const end = isUnderWay ? proof : checkpoint.get(first, last.sequence) ?? last
      const page = rows.all(first, Math.min(first + limit - 1, end.sequence))
      return { rows: page.map(row => subjects.includes(row.subject) ? shown(row) : withheld(row)), next: { after: Math.min(first + limit - 1, end.sequence), proof: end } }
    },
    /** The detections of an event of which the numbers are in a range. */
    detectionsOfBundle (eventId: number, first: number, last: number): PlainRow[] { return detections.all(first, last, eventId) },
    /** At most `limit` frames of a clip behind a number. */
    framesOfBundle (clipId: number, after: number, limit: number): PlainRow[] { return frames.all(clipId, after, limit) }
  }
}

function shown (row: LedgerTableRow): Record<string, unknown> {
  return { ...row, payload: payloadOf(row) ?? row.payload }
}

function withheld (row: LedgerTableRow): Record<string, unknown> {
  const { sequence, at_ms: atMs, actor, action, subject, salt, previous_hash: previousHash, hash } = row
  return { sequence, content_hash: contentHash({ salt, atMs, actor, action, subject, payload: payloadOf(row) ?? {} }), previous_hash: previousHash, hash }
}
