import { parseCaptureTime } from './capture-time.js'
import { parseDecimal } from './decimal.js'
import { parseSpillHeader, type DetectionBox, type FrameDetails, type FrameReport } from './frame.js'

/** Headers of a request or of a part, by lower-case name. */
export type Headers = Readonly<Record<string, unknown>>

/** A header that cannot be read, and what it should be, as the end of a sentence. */
export interface HeaderProblem { readonly header: string, readonly expected: string }

/** What a detector may report in one frame. */
export const MAX_BOXES = 100

const MAX_LABEL_LENGTH = 64
const NO_DETAILS: FrameDetails = {}

/** The headers beside `X-Oil-Spill-Detected`. Most cameras send none of them. */
const OPTIONAL_HEADERS = [
  'x-capture-timestamp', 'x-frame-sequence', 'idempotency-key', 'x-detection-confidence', 'x-detection-boxes',
  'x-model-version', 'x-latitude', 'x-longitude', 'x-heading'
] as const

/** Thrown and caught in this file only. */
class Unreadable extends Error {
  readonly problem: HeaderProblem
  constructor (header: string, expected: string) {
    super(header)
    this.problem = { header, expected }
  }
}

/**
 * Reads what a camera says of a frame. A header that cannot be read is a problem and never left out: what it was meant
 * to say is not known.
 */
export function parseFrameHeaders (headers: Headers): FrameReport | HeaderProblem {
  const spillReported = parseSpillHeader(headers['x-oil-spill-detected'])
  if (spillReported === undefined) return { header: 'X-Oil-Spill-Detected', expected: 'true, false, 1 or 0, or be left out for false' }
  if (OPTIONAL_HEADERS.every(name => headers[name] === undefined)) {
    return { spillReported, capturedAtMs: undefined, frameSequence: undefined, idempotencyKey: undefined, details: NO_DETAILS }
  }
  try {
    return {
      spillReported,
      capturedAtMs: read(headers, 'X-Capture-Timestamp', parseCaptureTime, 'RFC 3339, such as 2026-03-01T12:00:00.123Z, or seconds since 1970'),
      frameSequence: read(headers, 'X-Frame-Sequence', parseSequence, `a whole number from 0 to ${Number.MAX_SAFE_INTEGER}`),
      idempotencyKey: read(headers, 'Idempotency-Key', ascii(255), '1 to 255 printable ASCII characters'),
      details: readDetails(headers)
    }
  } catch (error) {
    if (error instanceof Unreadable) return error.problem
    throw error
  }
}

function readDetails (headers: Headers): FrameDetails {
  const confidence = read(headers, 'X-Detection-Confidence', between(0, 1), 'a number from 0 to 1')
  const boxes = read(headers, 'X-Detection-Boxes', parseBoxes,
    `a JSON array of at most ${MAX_BOXES} boxes such as {"x":0.1,"y":0.2,"width":0.3,"height":0.4}, relative to the picture, from 0 to 1`)
  const modelVersion = read(headers, 'X-Model-Version', ascii(128), '1 to 128 printable ASCII characters')
  const latitude = read(headers, 'X-Latitude', between(-90, 90), 'degrees from -90 to 90')
  const longitude = read(headers, 'X-Longitude', between(-180, 180), 'degrees from -180 to 180')
  const heading = read(headers, 'X-Heading', between(0, 360), 'degrees from 0 to 360')
  return {
    ...(confidence !== undefined && { confidence }),
    ...(boxes !== undefined && { boxes }),
    ...(modelVersion !== undefined && { modelVersion }),
    ...(latitude !== undefined && { latitude }),
    ...(longitude !== undefined && { longitude }),
    ...(heading !== undefined && { heading })
  }
}

function read<T> (headers: Headers, name: string, parse: (text: string) => T | undefined, expected: string): T | undefined {
  const value = headers[name.toLowerCase()]
  if (value === undefined) return undefined
  const parsed = typeof value === 'string' ? parse(value.trim()) : undefined
  if (parsed === undefined) throw new Unreadable(name, expected)
  return parsed
}

function parseSequence (text: string): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : undefined
  return Number.isSafeInteger(value) ? value : undefined
}

function ascii (maxLength: number): (text: string) => string | undefined {
  return text => text.length >= 1 && text.length <= maxLength && /^[\x20-\x7e]*$/.test(text) ? text : undefined
}

function between (least: number, most: number): (text: string) => number | undefined {
  return text => {
    const value = parseDecimal(text) ?? parseExponent(text)
    return isBetween(value, least, most) ? value : undefined
  }
}

/** Detectors print small confidences as `8.5e-05`. */
function parseExponent (text: string): number | undefined {
  return /^-?\d+(\.\d+)?e[+-]?\d{1,3}$/i.test(text) ? Number(text) : undefined
}

function isBetween (value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && value >= least && value <= most
}

/** Reads boxes as JSON. Undefined where they are not as documented. */
function parseBoxes (text: string): DetectionBox[] | undefined {
  const values = parseJson(text)
  if (!Array.isArray(values) || values.length > MAX_BOXES) return undefined
  const boxes = values.map(toBox)
  return boxes.every(box => box !== undefined) ? boxes : undefined
}

function parseJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function toBox (value: unknown): DetectionBox | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { x, y, width, height, label, confidence }: Record<string, unknown> = { ...value }
  if (!isBetween(x, 0, 1) || !isBetween(y, 0, 1) || !isBetween(width, 0, 1) || !isBetween(height, 0, 1)) return undefined
  if (label !== undefined && (typeof label !== 'string' || label.length > MAX_LABEL_LENGTH)) return undefined
  if (confidence !== undefined && !isBetween(confidence, 0, 1)) return undefined
  return { x, y, width, height, ...(label !== undefined && { label }), ...(confidence !== undefined && { confidence }) }
}
