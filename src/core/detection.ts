/** What the state machine keeps of an event that is open. */
export interface OpenRun {
  readonly startedAtMs: number
  readonly lastDetectedAtMs: number
  readonly lastDetectedMonotonicMs: number
  /** When the first frame after the last detection was taken that showed no spill; undefined while there is none. */
  readonly clearedAtMs: number | undefined
  /** True from a restart until the next detection: nobody knows what happened in between. */
  readonly resumed: boolean
}

/** One frame's report. */
export interface Sighting {
  readonly spillReported: boolean
  /** When the frame was taken, in milliseconds since 1970. */
  readonly atMs: number
  /** Whether the camera said when that was. Then it counts how far frames lie apart, and not when they came. */
  readonly captured: boolean
  /** When it was received, on the clock that never jumps. */
  readonly monotonicMs: number
}

/** What a sighting means. Nothing has moved yet: whoever stores the change takes on `next` after that. */
export interface Decision {
  /** The open event ends, at this moment. */
  readonly endsAtMs?: number
  /** When the first frame after its last detection was taken that showed no spill, where one is known. */
  readonly clearedAtMs?: number
  /** A new event opens with this sighting, after the end of the other where there is one. */
  readonly opens: boolean
  /** The state when the change is stored, or when there is none to store. */
  readonly next: OpenRun | undefined
  /** The state when the change could not be stored: the next sighting tries again. */
  readonly otherwise: OpenRun | undefined
}

/**
 * Says what a sighting means for a camera's event. An event is one unbroken run of detections: it opens at the first
 * frame that reports a spill and ends at the first that does not, or, with a gap, once none reported one for that long.
 * Its end is the first frame without a spill after the last detection, or that detection where no such frame came.
 *
 * @param open the event that is open, or undefined
 * @param gapMs how long a run may go without a detection; 0 ends it at the first frame without one
 */
export function decide (open: OpenRun | undefined, sighting: Sighting, gapMs: number): Decision {
  if (open === undefined) {
    return sighting.spillReported
      ? { opens: true, next: runFrom(sighting), otherwise: undefined }
      : { opens: false, next: undefined, otherwise: undefined }
  }
  const lapsed = hasLapsed(open, sighting, gapMs)
  if (sighting.spillReported) {
    return lapsed
      ? { ...ending(open), opens: true, next: runFrom(sighting), otherwise: open }
      : { opens: false, next: continued(open, sighting), otherwise: open }
  }
  const cleared: OpenRun = { ...open, clearedAtMs: open.clearedAtMs ?? sighting.atMs }
  return lapsed || gapMs === 0
    ? { ...ending(cleared), opens: false, next: undefined, otherwise: cleared }
    : { opens: false, next: cleared, otherwise: cleared }
}

/** Says whether an event ends because no detection came for the gap, with no frame to tell it; undefined where it does not. */
export function decideSilence (open: OpenRun, monotonicMs: number, gapMs: number): Decision | undefined {
  if (gapMs === 0 || monotonicMs - open.lastDetectedMonotonicMs < gapMs) return undefined
  return { ...ending(open), opens: false, next: undefined, otherwise: open }
}

/** Takes up an event that was open when the server last stopped. */
export function resumeRun (event: { startedAtMs: number, lastDetectedAtMs: number }, now: { nowMs: number, monotonicMs: number }): OpenRun {
  // A clock that was set back must not make the last detection lie in the future.
  const sinceMs = Math.max(0, now.nowMs - event.lastDetectedAtMs)
  return {
    startedAtMs: event.startedAtMs,
    lastDetectedAtMs: event.lastDetectedAtMs,
    lastDetectedMonotonicMs: now.monotonicMs - sinceMs,
    clearedAtMs: undefined,
    resumed: true
  }
}

/** Takes into an open run a detection that came late. Its place on the clock that never jumps is told from the last one's. */
export function withLateDetection (open: OpenRun, takenAtMs: number): OpenRun {
  const laterMs = Math.max(0, takenAtMs - open.lastDetectedAtMs)
  const isStillClear = open.clearedAtMs !== undefined && open.clearedAtMs > takenAtMs
  return {
    ...open,
    startedAtMs: Math.min(open.startedAtMs, takenAtMs),
    clearedAtMs: isStillClear ? open.clearedAtMs : undefined,
    lastDetectedAtMs: open.lastDetectedAtMs + laterMs,
    lastDetectedMonotonicMs: open.lastDetectedMonotonicMs + laterMs
  }
}

function runFrom (sighting: Sighting): OpenRun {
  return {
    startedAtMs: sighting.atMs,
    lastDetectedAtMs: sighting.atMs,
    lastDetectedMonotonicMs: sighting.monotonicMs,
    clearedAtMs: undefined,
    resumed: false
  }
}

function continued (open: OpenRun, sighting: Sighting): OpenRun {
  return {
    ...runFrom(sighting),
    startedAtMs: open.startedAtMs,
    lastDetectedAtMs: Math.max(open.lastDetectedAtMs, sighting.atMs)
  }
}

function hasLapsed (open: OpenRun, { atMs, captured, monotonicMs }: Sighting, gapMs: number): boolean {
  if (gapMs === 0) return open.clearedAtMs !== undefined
  return (captured ? atMs - open.lastDetectedAtMs : monotonicMs - open.lastDetectedMonotonicMs) >= gapMs
}

function ending (open: OpenRun): Pick<Decision, 'endsAtMs' | 'clearedAtMs'> {
  return { endsAtMs: endOf(open), ...(open.clearedAtMs !== undefined && { clearedAtMs: open.clearedAtMs }) }
}

/** Nobody watched between a restart and the first frame after it, so the last detection is all that is known. */
function endOf (open: OpenRun): number {
  const endMs = open.resumed ? open.lastDetectedAtMs : open.clearedAtMs ?? open.lastDetectedAtMs
  return Math.max(open.startedAtMs, open.lastDetectedAtMs, endMs)
}
