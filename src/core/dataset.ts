import type { Verdict } from './event-filter.js'
import type { DetectionBox } from './frame.js'
import { LOOK_ALIKES } from './review.js'
import { formatDatetime } from './time-format.js'

/** Which reviewed events are exported; null for no matter. Times are milliseconds since 1970, UTC. */
export interface DatasetFilter {
  readonly verdicts: readonly Verdict[]
  readonly camera: string | null
  /** Events that were going on at this time or later. */
  readonly fromMs: number | null
  /** Events that had begun by this time. */
  readonly toMs: number | null
}

/** A reviewed event: the label of its frames. */
export interface ReviewedEvent {
  readonly eventId: number
  readonly cameraId: string
  readonly verdict: Verdict
  readonly lookAlike: string | null
  readonly oilAppearanceCode: number | null
  readonly reviewedAtMs: number
}

/** A frame of a reviewed event that the detector had reported. */
export interface DatasetFrame {
  readonly event: ReviewedEvent
  /** The file that it is in, below the data folder. */
  readonly path: string
  /** Where it begins in a clip; null where the file is the frame. */
  readonly offsetBytes: number | null
  readonly sizeBytes: number
  readonly sha256: string
  readonly width: number
  readonly height: number
  readonly takenAtMs: number
  readonly capturedAtMs: number | null
  readonly receivedAtMs: number
  readonly confidence: number | null
  readonly boxes: readonly DetectionBox[] | null
  readonly modelVersion: string | null
  /** The clip that it is in, and its number there, from 1; null where the file is the frame. */
  readonly clipId: number | null
  readonly clipNumber: number | null
  /** The event that it is the opening frame of; null for none. */
  readonly opens: number | null
}

/** What can be seen, as far as people said. */
export type DatasetLabel = string

const LOOK_ALIKE = 'look_alike'

/** What a frame may be labelled with, in the order of the categories of COCO: oil, all look-alikes, those that nobody named, and what nobody can tell. */
const LABELS: readonly DatasetLabel[] = ['oil_spill', ...LOOK_ALIKES, LOOK_ALIKE, 'unsure']

/** The label of an event's frames. */
export function labelOf ({ verdict, lookAlike }: ReviewedEvent): DatasetLabel {
  if (verdict === 'confirmed') return 'oil_spill'
  return verdict === 'unsure' ? 'unsure' : lookAlike ?? LOOK_ALIKE
}

/** The name of a frame's image in an export: one of its own. */
export function imageName ({ path, clipNumber }: DatasetFrame): string {
  const name = path.slice(path.lastIndexOf('/') + 1)
  return clipNumber === null ? name : `${name.replace(/\.mjpeg$/, '')}_frame_${String(clipNumber).padStart(6, '0')}.jpg`
}

/** A frame with its label, as one line of NDJSON has it. */
export function datasetRow (frame: DatasetFrame) {
  const { event } = frame
  return {
    file_name: imageName(frame),
    image_url: imageUrl(frame),
    path: frame.path,
    offset_bytes: frame.offsetBytes,
    size_bytes: frame.sizeBytes,
    sha256: frame.sha256,
    width: frame.width,
    height: frame.height,
    label: labelOf(event),
    verdict: event.verdict,
    look_alike: event.lookAlike,
    oil_appearance_code: event.oilAppearanceCode,
    reviewed_at: formatDatetime(event.reviewedAtMs),
    confidence: frame.confidence,
    boxes: frame.boxes,
    model_version: frame.modelVersion,
    event_id: event.eventId,
    camera_id: event.cameraId,
    taken_at: formatDatetime(frame.takenAtMs),
    captured_at: frame.capturedAtMs === null ? null : formatDatetime(frame.capturedAtMs),
    received_at: formatDatetime(frame.receivedAtMs)
  }
}

function imageUrl ({ opens, event, clipId, clipNumber }: DatasetFrame): string | null {
  if (opens !== null) return `/api/oil_spill_events/${opens}/frame`
  return clipId === null ? null : `/api/oil_spill_events/${event.eventId}/frames/${clipNumber}?clip=${clipId}`
}

/** What stands in a COCO file before its images. Source: https://cocodataset.org/#format-data. */
export function cocoHead (atMs: number) {
  const at = formatDatetime(atMs)
  return {
    info: { description: 'Frames of reviewed oil-spill events, exported by Videostream', version: '1', year: Number(at.slice(0, 4)), contributor: '', url: '', date_created: at.slice(0, 19) },
    licenses: [{ id: 1, name: 'Property of the operator of the cameras', url: '' }],
    categories: LABELS.map((name, at) => ({ id: at + 1, name, supercategory: name === 'oil_spill' ? 'oil' : name === 'unsure' ? 'unsure' : LOOK_ALIKE }))
  }
}

/** A frame as an image of COCO. Those without a box have no annotation: `label` says of the whole picture what it shows. */
export function cocoImage (imageId: number, frame: DatasetFrame) {
  const { file_name: fileName, width, height, image_url: url, taken_at: takenAt, path: _path, offset_bytes: _offset, boxes: _boxes, ...rest } = datasetRow(frame)
  return { id: imageId, width, height, file_name: fileName, license: 1, coco_url: url ?? '', flickr_url: '', date_captured: takenAt.slice(0, 19).replace('T', ' '), ...rest }
}

/** The boxes of a frame as annotations of COCO, in pixels, within the picture; those without an area are left out. */
export function cocoAnnotations (firstId: number, imageId: number, { boxes, width, height, event }: DatasetFrame) {
  const category = LABELS.indexOf(labelOf(event)) + 1
  return (boxes ?? []).flatMap(box => {
    const [left, right] = [clamp(box.x), clamp(box.x + box.width)].map(x => x * width)
    const [top, bottom] = [clamp(box.y), clamp(box.y + box.height)].map(y => y * height)
    if (left === undefined || right === undefined || top === undefined || bottom === undefined || right <= left || bottom <= top) return []
    const bbox = [left, top, right - left, bottom - top].map(pixels)
    return [{ bbox, score: box.confidence ?? null, detector_label: box.label ?? null }]
  }).map(({ bbox, ...rest }, at) => ({
    id: firstId + at, image_id: imageId, category_id: category, bbox, area: pixels((bbox[2] ?? 0) * (bbox[3] ?? 0)), iscrowd: 0, segmentation: [], ...rest
  }))
}

function clamp (share: number): number {
  return Math.min(1, Math.max(0, share))
}

/** To a hundredth. */
function pixels (value: number): number {
  return Math.round(value * 100) / 100
}
