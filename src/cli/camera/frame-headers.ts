import type { Box, FrameDetails } from './frame.js'

/** A server, and each proxy before it, takes only so much of a header: nginx 8 KB a line, Node 16 KB in all. */
const maxBoxesBytes = 7000

/** The headers that tell of a frame, but for what its detector found. They are enough to keep a spill. */
const essentialNames = new Set(['X-Oil-Spill-Detected', 'X-Capture-Timestamp', 'X-Frame-Sequence', 'Idempotency-Key'])

/** What the headers of a frame are made of. */
export interface FrameFacts {
  readonly spillDetected: boolean | undefined
  /** Milliseconds since 1970. */
  readonly capturedAtMs: number
  readonly sequence: number
  readonly idempotencyKey: string | undefined
  readonly details: FrameDetails
}

/** Makes the headers of a frame: only printable ASCII, and short enough for servers and proxies. */
export function makeHeaders ({ spillDetected, capturedAtMs, sequence, idempotencyKey, details }: FrameFacts): Record<string, string> {
  const { confidence, boxes, modelVersion, latitude, longitude, heading } = details
  const values: Array<[name: string, value: string | number | boolean | undefined]> = [
    ['X-Oil-Spill-Detected', spillDetected],
    ['X-Capture-Timestamp', new Date(capturedAtMs).toISOString()],
    ['X-Frame-Sequence', sequence],
    ['Idempotency-Key', idempotencyKey],
    ['X-Detection-Confidence', confidence],
    ['X-Detection-Boxes', boxes === undefined ? undefined : boxesHeader(boxes)],
    ['X-Model-Version', modelVersion],
    ['X-Latitude', latitude],
    ['X-Longitude', longitude],
    ['X-Heading', heading]
  ]
  return Object.fromEntries(values.flatMap(([name, value]) => value === undefined ? [] : [[name, String(value)]]))
}

/** The headers without what the detector found, for a server that does not take that. */
export function essentialHeaders (headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => essentialNames.has(name)))
}

/** As many boxes as fit, the surest ones where not all do. */
function boxesHeader (boxes: readonly Box[]): string {
  let text = asciiJson(boxes)
  const surest = boxes.toSorted((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0))
  while (text.length > maxBoxesBytes) {
    surest.length = Math.min(surest.length - 1, Math.floor(surest.length * maxBoxesBytes / text.length))
    text = asciiJson(surest)
  }
  return text
}

/** JSON in which every character that a header cannot carry is escaped. */
function asciiJson (value: unknown): string {
  return JSON.stringify(value).replace(/[\x7f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
