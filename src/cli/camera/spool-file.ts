import { createHash } from 'node:crypto'
import type { Shot } from './frame.js'
import { asObject } from './json.js'

/** What the name of a spooled frame tells, so that a start need not read every file. */
export interface SpoolName {
  readonly sequence: number
  /** The sequence number of the first frame of its run: of the detections that followed each other without a break. */
  readonly runId: number
  /** Whether it is the frame without a spill that ended the run. */
  readonly isClear: boolean
}

/**
 * Such as `0001772366400123-0001772366400100.frame`, or `.clear` for one without a spill: names in their order are frames
 * in theirs.
 */
export function formatSpoolName ({ sequence, runId, isClear }: SpoolName): string {
  return `${String(sequence).padStart(16, '0')}-${String(runId).padStart(16, '0')}.${isClear ? 'clear' : 'frame'}`
}

/** Undefined where it is not the name of a spooled frame. */
export function parseSpoolName (name: string): SpoolName | undefined {
  const [, sequence, runId, kind] = /^(\d{16})-(\d{16})\.(frame|clear)$/.exec(name) ?? []
  return sequence === undefined || runId === undefined ? undefined : { sequence: Number(sequence), runId: Number(runId), isClear: kind === 'clear' }
}

/** A spooled frame is one line of JSON with what is sent of it, and then the JPEG: `tail -n +2 FILE` gives the picture. */
export function encodeSpoolFile ({ jpeg, sequence, headers }: Shot): Buffer[] {
  return [Buffer.from(`${JSON.stringify({ version: 1, sequence, sha256: sha256(jpeg), headers })}\n`), jpeg]
}

/**
 * Reads a spooled frame.
 * @throws Error that says what is wrong with it, if it is not as it was written
 */
export function decodeSpoolFile (bytes: Buffer): Shot {
  const end = bytes.indexOf('\n')
  if (end === -1) throw new Error('its first line has no end')
  const { version, sequence, headers, sha256: expected } = parseHead(bytes.toString('utf8', 0, end))
  if (version !== 1) throw new Error(`version ${String(version)} is not known`)
  if (typeof sequence !== 'number' || !isHeaders(headers)) throw new Error('its first line lacks something')
  const jpeg = bytes.subarray(end + 1)
  if (sha256(jpeg) !== expected) throw new Error('its picture is not the one that was written')
  return { jpeg, spillDetected: headers['X-Oil-Spill-Detected'] !== 'false', sequence, headers }
}

function parseHead (line: string): Record<string, unknown> {
  try {
    return asObject(JSON.parse(line)) ?? {}
  } catch {
    throw new Error('its first line is not JSON')
  }
}

function isHeaders (value: unknown): value is Record<string, string> {
  return Object.entries(asObject(value) ?? { '': 0 })
    .every(([name, text]) => /^[A-Za-z-]+$/.test(name) && typeof text === 'string' && /^[\x20-\x7e]*$/.test(text))
}

function sha256 (bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
