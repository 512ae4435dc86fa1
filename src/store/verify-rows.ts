import { createHash } from 'node:crypto'
import { canonicalJson, type Json } from '../core/canonical-json.js'
import { digestOf, type LedgerPayload } from '../core/ledger.js'
import { CLIP_FRAME_COLUMNS, DETECTION_COLUMNS } from './evidence-digests.js'
import { isPayload, type LedgerExtent, type LedgerTableRow } from './verify-ledger.js'
import type { Verification } from './verify.js'

/** Rows that an entry tells of: from one number to another, with one hash for all. */
interface Told { readonly first: number, readonly last: number, readonly count: number, readonly digest: string }

/** No row has such a number, but for one that somebody made up. */
const BEFORE_ALL = Number.MIN_SAFE_INTEGER

/** A row whose columns are plain. */
type Row = Record<string, string | number | null>

/**
 * Compares the rows that entries tell of with the entries, one entry after the other: detections, frames of clips,
 * reviews and clips that were closed.
 */
export function rowVerifier (verification: Verification) {
  const { report, isWhole } = verification
  const { detections, unclaimed, frames, index, frameCount, owner, ownerOf, isDeleted, event, review, hold, clip } = statements(verification)
  /** Whether no entry has been passed over, so that what none tells of shows. */
  let sure = isWhole
  /** The last detection that was told of; undefined where it is not known. */
  let told: number | undefined = isWhole ? BEFORE_ALL : undefined
  const counts = { detections: 0, clipFrames: 0, unproved: 0 }
  /** The next frame of each clip that grows. */
  const growing = new Map<number, number>()

  function takeDetections (row: LedgerTableRow, { first, last, count, digest }: Told): void {
    findUntold(first)
    told = last
    const rows = detections.all(first, last)
    counts.detections += rows.length
    const missing = missingIn(rows.map(each => Number(each['id'])), first, last, count)
    if (missing !== undefined) report(`detection row ${missing}`, `is missing: ledger row ${row.sequence} tells of it`)
    else if (digestOf(rows) !== digest) report(first === last ? `detection row ${first}` : `one of the detection rows ${first} to ${last}`, `not as ledger row ${row.sequence} tells of it`)
    const eventId = Number(row.subject.slice('event:'.length))
    for (const { id, event_id: found } of owner.all(first, last)) {
      if (ownerOf(eventId) !== found) report(`detection row ${id}`, `belongs to event ${found}, but ledger row ${row.sequence} tells of it for event ${eventId}`)
    }
  }

  /** Between two that are told of, or behind the last one, there must be no other; those before the first may be older than the ledger. */
  function findUntold (next: number): void {
    if (told === undefined) return
    for (const { id, adopted } of unclaimed.iterate(told, next)) {
      if (told === BEFORE_ALL && adopted === 1) counts.unproved += 1
      else report(`detection row ${id}`, 'no ledger entry tells of it')
    }
  }

  function takeFrames (row: LedgerTableRow, clipId: number, { first, last, count, digest }: Told): void {
    const expected = growing.get(clipId) ?? (sure ? 1 : first)
    growing.set(clipId, last + 1)
    if (isDeleted(row.subject) && clip.get(clipId) === undefined) return
    if (first > expected) report(`frame ${expected} of clip ${clipId}`, 'no ledger entry tells of it')
    const rows = frames.all(clipId, first, last)
    counts.clipFrames += rows.length
    const missing = missingIn(rows.map(each => Number(each['number'])), first, last, count)
    if (missing !== undefined) report(`frame ${missing} of clip ${clipId}`, `is missing: ledger row ${row.sequence} tells of it`)
    else if (digestOf(rows) !== digest) report(first === last ? `frame ${first} of clip ${clipId}` : `one of the frames ${first} to ${last} of clip ${clipId}`, `not as ledger row ${row.sequence} tells of it`)
  }

  function endClip (clipId: number): void {
    const next = growing.get(clipId)
    growing.delete(clipId)
    if (next === undefined) return
    const count = frameCount.get(clipId) ?? 0
    if (count >= next) report(`frame ${next} of clip ${clipId}`, 'no ledger entry tells of it')
  }

  /** One hash for the whole index of a clip that was closed. */
  function indexDigest (clipId: number): string {
    const hash = createHash('sha256')
    for (const row of index.iterate(clipId)) hash.update(`${canonicalJson(row)}\n`)
    return hash.digest('hex')
  }

  /** Everything that an entry says of a row must be so in the row. */
  function compare (name: string, found: Row | undefined, said: LedgerPayload, { sequence }: LedgerTableRow): void {
    if (found === undefined) return report(name, `is missing: ledger row ${sequence} tells of it`)
    const differing = Object.keys(said).find(key => key in found && found[key] !== said[key])
    if (differing !== undefined) report(name, `its ${differing} is not as ledger row ${sequence} tells`)
  }

  function takePayload (row: LedgerTableRow, payload: LedgerPayload): void {
    const { detections, frames, review: reviewed, hold: held, clip: closed } = payload
    const eventId = Number(/^event:(\d+)$/.exec(row.subject)?.[1])
    if ((row.action === 'event.opened' || row.action === 'event.adopted') && event.get(eventId) === undefined) {
      report(`event ${eventId}`, `is missing: ledger row ${row.sequence} tells of it`)
    }
    const toldDetections = toldBy(detections, 'id')
    if (toldDetections !== undefined) takeDetections(row, toldDetections)
    for (const each of [frames ?? []].flat()) {
      const toldFrames = toldBy(each, 'number')
      if (toldFrames !== undefined && isPayload(each)) takeFrames(row, Number(each['clip_id']), toldFrames)
    }
    if (isPayload(reviewed)) compare(`review ${String(reviewed['review_id'])}`, review.get(Number(reviewed['review_id'])), reviewed, row)
    if (isPayload(held)) compare(`hold ${String(held['hold_id'])}`, hold.get(Number(held['hold_id'])), held, row)
    if (row.action === 'clip.closed' && isPayload(closed)) {
      const clipId = Number(closed['clip_id'])
      const { event_id: _, ...rest } = closed // a merge changes it
      endClip(clipId)
      if (isDeleted(row.subject) && clip.get(clipId) === undefined) return
      const found = clip.get(clipId)
      compare(`clip ${clipId}`, found, rest, row)
      if (found?.['closed_at_ms'] === null) report(`clip ${clipId}`, `is not closed, but ledger row ${row.sequence} says so`)
      else if (typeof closed['digest'] === 'string' && indexDigest(clipId) !== closed['digest']) report(`one of the frames of clip ${clipId}`, `not as ledger row ${row.sequence} tells of it`)
    }
  }

  return {
    /** Takes the next entry. @param payload undefined where the row is altered, so that nothing counts that it says */
    take (row: LedgerTableRow, payload: LedgerPayload | undefined): void {
      if (payload === undefined) {
        sure = false
        told = undefined
        growing.clear()
      } else takePayload(row, payload)
    },
    /** Takes the end of the ledger. Returns what was compared. */
    end (): Pick<LedgerExtent, 'detections' | 'clipFrames' | 'unproved'> {
      findUntold(Number.MAX_SAFE_INTEGER)
      for (const clipId of growing.keys()) endClip(clipId)
      return counts
    }
  }
}

function statements ({ database }: Verification) {
  const mergedInto = database.prepare<[number], number | null>('SELECT merged_into FROM oil_spill_events WHERE id = ?').pluck()
  const state = database.prepare<[number], string>('SELECT evidence_state FROM oil_spill_events WHERE id = ?').pluck()
  /** The event that an event has become a part of, or itself. */
  function ownerOf (eventId: number): number {
    let id = eventId
    for (let depth = 0, next = mergedInto.get(id); typeof next === 'number' && depth < 100; depth += 1, next = mergedInto.get(id)) id = next
    return id
  }
  return {
    ownerOf,
    /** Whether the evidence of the event that an entry is about was deleted. */
    isDeleted: (subject: string): boolean => state.get(ownerOf(Number(subject.slice('event:'.length)))) === 'deleted',
    detections: database.prepare<[number, number], Row>(`SELECT ${DETECTION_COLUMNS} FROM detections WHERE id BETWEEN ? AND ? ORDER BY id`),
    owner: database.prepare<[number, number], { id: number, event_id: number }>('SELECT id, event_id FROM detections WHERE id BETWEEN ? AND ? ORDER BY id'),
    unclaimed: database.prepare<[number, number], { id: number, adopted: number }>(`
      SELECT id, EXISTS (SELECT 1 FROM ledger WHERE subject = 'event:' || event_id AND action = 'event.adopted') AS adopted
        FROM detections WHERE id > ? AND id < ? ORDER BY id`),
    frames: database.prepare<[number, number, number], Row>(`SELECT ${CLIP_FRAME_COLUMNS} FROM clip_frames WHERE clip_id = ? AND number BETWEEN ? AND ? ORDER BY number`),
    index: database.prepare<[number], Row>(`SELECT role, ${CLIP_FRAME_COLUMNS} FROM clip_frames WHERE clip_id = ? ORDER BY number`),
    frameCount: database.prepare<[number], number>('SELECT max(number) FROM clip_frames WHERE clip_id = ?').pluck(),
    event: database.prepare<[number], number>('SELECT 1 FROM oil_spill_events WHERE id = ?').pluck(),
    review: database.prepare<[number], Row>('SELECT * FROM reviews WHERE review_id = ?'),
    hold: database.prepare<[number], Row>('SELECT * FROM holds WHERE hold_id = ?'),
    clip: database.prepare<[number], Row>('SELECT * FROM clips WHERE clip_id = ?')
  }
}

/** What a part of a payload says of rows; undefined where it says nothing of them. */
function toldBy (part: Json | undefined, key: 'id' | 'number'): Told | undefined {
  if (!isPayload(part)) return undefined
  return { first: Number(part[`first_${key}`]), last: Number(part[`last_${key}`]), count: Number(part['count']), digest: String(part['digest']) }
}

/** The first number that is not there of those that should be; undefined where there are as many as told. */
function missingIn (numbers: readonly number[], first: number, last: number, count: number): number | undefined {
  if (numbers.length === count) return undefined
  const found = numbers.findIndex((each, at) => each !== first + at)
  return found === -1 ? Math.min(first + numbers.length, last) : first + found
}
