import type { Box, FrameDetails } from './frame.js'
import { asObject } from './json.js'

/** What a detector says of one frame. */
export interface Detection {
  spillDetected: boolean
  details: FrameDetails
  /** What was left out since the server would not take it, each a line for people. */
  complaints: string[]
}

const maxBoxes = 100
const maxLabelLength = 64

/** What rounding puts outside of the picture still counts as its edge. */
const edgeTolerance = 0.01

/**
 * Reads what a detector says: one JSON object such as `{"spill": true, "confidence": 0.9, "boxes": [{"x": 0.1, "y": 0.2,
 * "width": 0.3, "height": 0.4, "label": "oil", "confidence": 0.9}], "model_version": "7"}`. Only `spill` has to be
 * there. Any other value that makes no sense is left out and complained of: a spill is reported whatever its box.
 * @throws Error if it does not say whether there is a spill
 */
export function parseDetection (text: string): Detection {
  const { spill, confidence, boxes, model_version: modelVersion } = parseObject(text)
  if (typeof spill !== 'boolean') throw new Error(`it did not say {"spill": true} or {"spill": false}, but ${shorten(text)}`)
  const complaints: string[] = []
  const details: FrameDetails = {}
  if (isFraction(confidence)) details.confidence = confidence
  else if (isGiven(confidence)) complaints.push(`confidence must be a number from 0 to 1, not ${shorten(JSON.stringify(confidence))}`)
  if (typeof modelVersion === 'string' && /^[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?$/.test(modelVersion)) details.modelVersion = modelVersion
  else if (isGiven(modelVersion)) complaints.push(`model_version must be 1 to 128 ASCII characters, not ${shorten(JSON.stringify(modelVersion))}`)
  if (Array.isArray(boxes)) details.boxes = readBoxes(boxes, complaints)
  else if (isGiven(boxes)) complaints.push(`boxes must be a list, not ${shorten(JSON.stringify(boxes))}`)
  return { spillDetected: spill, details, complaints }
}

function parseObject (text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error(text.trim() === '' ? 'it said nothing' : `it did not say one JSON object, but ${shorten(text)}`)
  }
  return asObject(value) ?? {}
}

function readBoxes (values: unknown[], complaints: string[]): Box[] {
  const boxes = values.flatMap(value => {
    const box = readBox(value)
    if (box === undefined) {
      complaints.push('each box must have x, y, width and height from 0 to 1, relative to the picture (and a label of at ' +
        `most ${maxLabelLength} characters and a confidence from 0 to 1, if any), not ${shorten(JSON.stringify(value))}`)
    }
    return box ?? []
  })
  if (boxes.length <= maxBoxes) return boxes
  complaints.push(`there may be at most ${maxBoxes} boxes, not ${boxes.length}`)
  return boxes.toSorted((a, b) => (b.confidence ?? 0) - (a.confidence ?? 0)).slice(0, maxBoxes)
}

function readBox (value: unknown): Box | undefined {
  const { x, y, width, height, label, confidence } = asObject(value) ?? {}
  const [left, top, wide, high] = [x, y, width, height].map(toEdge)
  if (left === undefined || top === undefined || wide === undefined || high === undefined) return undefined
  const box: Box = { x: left, y: top, width: wide, height: high }
  if (typeof label === 'string' && label.length <= maxLabelLength) box.label = label
  else if (isGiven(label)) return undefined
  if (isFraction(confidence)) box.confidence = confidence
  else if (isGiven(confidence)) return undefined
  return box
}

/** A measure, to four digits: a tenth of a pixel in a thousand. */
function toEdge (value: unknown): number | undefined {
  if (typeof value !== 'number' || !(value >= -edgeTolerance && value <= 1 + edgeTolerance)) return undefined
  return Math.round(Math.min(1, Math.max(0, value)) * 1e4) / 1e4
}

function isFraction (value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1
}

function isGiven (value: unknown): boolean {
  return value !== undefined && value !== null
}

function shorten (text: string): string {
  const line = text.trim().replace(/\s+/g, ' ')
  return line.length > 100 ? `${line.slice(0, 100)}...` : line
}
