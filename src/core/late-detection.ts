/** What is known of an event's place in time. Milliseconds since 1970, UTC. */
export interface EventSpan {
  readonly id: number
  readonly startedAtMs: number
  readonly lastDetectedAtMs: number
  /** The newest frame without a spill that is known from before its start; null where none is. */
  readonly clearBeforeMs: number | null
  /** The first frame without a spill that is known from after its last detection; null where none is. */
  readonly clearAfterMs: number | null
  /** Whether there was no room for its opening frame: the next of its frames that can be kept takes that one's place. */
  readonly lacksEvidence: boolean
}

/** How far a run of detections may reach over time of which no frame is known. */
export interface Reach {
  /** How long a run may go without a detection; 0 where the first frame without one ends it. */
  readonly gapMs: number
  /** Where there is no gap: a camera that is silent for longer than this counts as offline, and its run as broken. */
  readonly silenceMs: number
}

/**
 * Where a late detection belongs: in an event, between two that are one then, or in none yet. Of one that opens an event
 * it is told which frames without a spill are known next to it; null where none is, or only one after a silence.
 */
export type LatePlace =
  | { readonly kind: 'joins', readonly event: EventSpan }
  | { readonly kind: 'bridges', readonly first: EventSpan, readonly second: EventSpan }
  | { readonly kind: 'opens', readonly clearBeforeMs: number | null, readonly clearAfterMs: number | null }

/** What is known of a camera around a moment. */
export interface Surroundings {
  /** The event that started last at or before it. */
  readonly before: EventSpan | undefined
  /** The event that started first after it. */
  readonly after: EventSpan | undefined
  /** When frames without a spill were taken that are remembered, in any order. */
  readonly clearTimesMs: readonly number[]
}

/**
 * Says where a detection belongs that came after newer frames, since its camera kept it over an outage. Only its two
 * neighbours can have it: events of one camera do not overlap.
 *
 * It belongs to an event if the event would have reached it, had it come in time: with a gap, if less than that lies
 * between them; without one, if no frame without a spill is known to lie between them, and the camera was not silent
 * for so long that nobody can call it one run.
 */
export function placeOf (takenAtMs: number, { before, after, clearTimesMs }: Surroundings, reach: Reach): LatePlace {
  const known = [before?.clearBeforeMs, before?.clearAfterMs, after?.clearBeforeMs, after?.clearAfterMs, ...clearTimesMs]
  const clear = known.filter(atMs => typeof atMs === 'number')
  // Until the frame that ended it an event goes on, however long the camera was silent.
  const isWithin = before !== undefined && before.clearAfterMs !== null && takenAtMs < before.clearAfterMs
  const joinsBefore = before !== undefined && reaches(before.lastDetectedAtMs, takenAtMs, clear, isWithin ? { ...reach, silenceMs: Infinity } : reach)
  const joinsAfter = after !== undefined && reaches(takenAtMs, after.startedAtMs, clear, reach)
  if (joinsBefore && joinsAfter) return { kind: 'bridges', first: before, second: after }
  if (joinsBefore) return { kind: 'joins', event: before }
  if (joinsAfter) return { kind: 'joins', event: after }
  const [clearBeforeMs, clearAfterMs] = [Math.max(...clear.filter(atMs => atMs < takenAtMs)), Math.min(...clear.filter(atMs => atMs > takenAtMs))]
  // One that was taken after a long silence does not end the event, which would then go on until it.
  const isNear = clearAfterMs - takenAtMs <= (reach.gapMs > 0 ? reach.gapMs : reach.silenceMs)
  return { kind: 'opens', clearBeforeMs: orNull(clearBeforeMs), clearAfterMs: isNear ? clearAfterMs : null }
}

/** Whether a run of detections goes from one moment to another. */
function reaches (fromMs: number, toMs: number, clear: readonly number[], { gapMs, silenceMs }: Reach): boolean {
  const distanceMs = toMs - fromMs
  if (distanceMs <= 0) return true
  return gapMs > 0 ? distanceMs < gapMs : distanceMs <= silenceMs && !clear.some(atMs => atMs > fromMs && atMs < toMs)
}

function orNull (ms: number): number | null {
  return Number.isFinite(ms) ? ms : null
}
