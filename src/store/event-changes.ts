import type { LedgerPayload } from '../core/ledger.js'
import type { Connection } from './database.js'
import type { Ledger } from './ledger-statements.js'

/** What the ledger tells of an event's row each time it changes, named as its columns. */
interface EventState {
  camera_id: string
  started_at_ms: number
  last_detected_at_ms: number
  ended_at_ms: number | null
  merged_into: number | null
  frame_path: string
  frame_sha256: string
  frame_size_bytes: number
  evidence_state: string
  verdict: string | null
  held: number
  acknowledged_at_ms: number | null
  acknowledged_by: string | null
}

/** What several queries do to events, and how the ledger is told of it. */
export function eventChanges (database: Connection, { append }: Ledger) {
  const stateOf = database.prepare<[number], EventState>(`
    SELECT camera_id, started_at_ms, last_detected_at_ms, ended_at_ms, merged_into, frame_path, frame_sha256, frame_size_bytes, evidence_state,
           verdict, held, acknowledged_at_ms, acknowledged_by
      FROM oil_spill_events WHERE id = ?`)
  const openOf = database.prepare<[string], number>('SELECT id FROM oil_spill_events WHERE camera_id = ? AND ended_at_ms IS NULL').pluck()
  const end = database.prepare<[number]>('UPDATE oil_spill_events SET ended_at_ms = last_detected_at_ms WHERE id = ?')

  /**
   * Has the ledger tell what happened to an event and how its row is after it, so that the newest entry of an event is
   * its row. To be called after each change of a row.
   * @param by who did it; its camera where nothing is said
   */
  function tell (action: string, eventId: number, details: LedgerPayload = {}, by?: string): void {
    const event = stateOf.get(eventId)
    if (event !== undefined) append({ actor: by ?? `camera:${event.camera_id}`, action, subject: `event:${eventId}`, payload: { ...details, event: { ...event } } })
  }

  return {
    tell,
    /** Ends the event of a camera that is open, with its last detection. */
    endOpen (cameraId: string): void {
      const eventId = openOf.get(cameraId)
      if (eventId === undefined) return
      end.run(eventId)
      tell('event.ended', eventId, {}, 'server')
    }
  }
}
