/** What is known of an event's place in time. Milliseconds since 1970, UTC. */
export interface EventSpan {
  readonly id: number
  readonly startedAtMs: number
  readonly lastDetectedAtMs: number
  /** The newest frame without a spill that is known from before its start; null where none is. */
  readonly clearBeforeMs: number | null
  /** The first frame without a spill that is known from after its last detection; null where none is. */
  readonly clearAfterMs: number | null
}

/** How far a run of detections may reach over time of which no frame is known. */
export interface Reach {
  /** How long a run may go without a detection; 0 where the first frame without one ends it. */
  readonly gapMs: number
  /** Where there is no gap: a camera that is silent for longer than this counts as offline, and its run as broken. */
  readonly silenceMs: number
}

/** Where a late detection belongs: in an event, between two that are one then, or in none yet. */
export type LatePlace =
  | { readonly kind: 'joins', readonly event: EventSpan }
  | { readonly kind: 'bridges', readonly first: EventSpan, readonly second: EventSpan }
  | { readonly kind: 'opens' }

/**
 * Says where a detection belongs that came after newer frames, since its camera kept it over an outage. Only its two
 * neighbours can have it: events of one camera do not overlap.
 *
 * It belongs to an event if the event would have reached it, had it come in time: with a gap, if less than that lies
 * between them; without one, if no frame without a spill is known to lie between them, and the camera was not silent
 * for so long that nobody can call it one run.
 *
 * @param before the event that started last at or before this time
 * @param after the event that started first after it
 */
export function placeOf (takenAtMs: number, before: EventSpan | undefined, after: EventSpan | undefined, reach: Reach): LatePlace {
  const joinsBefore = before !== undefined && reachesBack(takenAtMs, before, reach)
  const joinsAfter = after !== undefined && reachesOn(takenAtMs, before, after, reach)
  if (joinsBefore && joinsAfter) return { kind: 'bridges', first: before, second: after }
  if (joinsBefore) return { kind: 'joins', event: before }
  return joinsAfter ? { kind: 'joins', event: after } : { kind: 'opens' }
}

function reachesBack (takenAtMs: number, { lastDetectedAtMs, clearAfterMs }: EventSpan, { gapMs, silenceMs }: Reach): boolean {
  const distanceMs = takenAtMs - lastDetectedAtMs
  if (distanceMs <= 0) return true
  return gapMs > 0 ? distanceMs < gapMs : distanceMs <= silenceMs && (clearAfterMs === null || takenAtMs < clearAfterMs)
}

function reachesOn (takenAtMs: number, before: EventSpan | undefined, after: EventSpan, { gapMs, silenceMs }: Reach): boolean {
  const distanceMs = after.startedAtMs - takenAtMs
  if (gapMs > 0) return distanceMs < gapMs
  const isClear = (atMs: number | null | undefined): boolean => typeof atMs === 'number' && atMs > takenAtMs && atMs < after.startedAtMs
  return distanceMs <= silenceMs && !isClear(after.clearBeforeMs) && !isClear(before?.clearAfterMs)
}
