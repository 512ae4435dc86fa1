import t from 'tap'
import { cocoAnnotations, cocoHead, cocoImage, datasetRow, imageName, labelOf, type DatasetFrame, type ReviewedEvent } from '../../src/core/dataset.js'
import { LOOK_ALIKES } from '../../src/core/review.js'

const EVENT: ReviewedEvent = { eventId: 7, cameraId: 'rig-4', verdict: 'confirmed', lookAlike: null, oilAppearanceCode: 2, reviewedAtMs: 5000 }

function frame (options: Partial<DatasetFrame> = {}): DatasetFrame {
  return {
    event: EVENT,
    path: 'oil_spill_frames/oil_spill_20230623_143022.jpg',
    offsetBytes: null,
    sizeBytes: 1000,
    sha256: 'a'.repeat(64),
    width: 640,
    height: 480,
    takenAtMs: 1000,
    capturedAtMs: null,
    receivedAtMs: 2000,
    confidence: 0.9,
    boxes: null,
    modelVersion: 'slick-net 2.1',
    clipId: null,
    clipNumber: null,
    opens: 7,
    ...options
  }
}

t.test('an event gives its frames their label', async t => {
  const table: Array<[Partial<ReviewedEvent>, string]> = [
    [{}, 'oil_spill'], [{ verdict: 'unsure' }, 'unsure'], [{ verdict: 'false_positive' }, 'look_alike'], [{ verdict: 'false_positive', lookAlike: 'kelp' }, 'kelp']
  ]
  for (const [options, label] of table) t.equal(labelOf({ ...EVENT, ...options }), label)
})

t.test('each image has a name of its own', async t => {
  t.equal(imageName(frame()), 'oil_spill_20230623_143022.jpg')
  t.equal(imageName(frame({ path: 'oil_spill_frames/oil_spill_20230623_143022_2.mjpeg', clipNumber: 12 })), 'oil_spill_20230623_143022_2_frame_000012.jpg')
})

t.test('a line says all that is known', async t => {
  t.strictSame(datasetRow(frame()), {
    file_name: 'oil_spill_20230623_143022.jpg',
    image_url: '/api/oil_spill_events/7/frame',
    path: 'oil_spill_frames/oil_spill_20230623_143022.jpg',
    offset_bytes: null,
    size_bytes: 1000,
    sha256: 'a'.repeat(64),
    width: 640,
    height: 480,
    label: 'oil_spill',
    verdict: 'confirmed',
    look_alike: null,
    oil_appearance_code: 2,
    reviewed_at: '1970-01-01T00:00:05.000000',
    confidence: 0.9,
    boxes: null,
    model_version: 'slick-net 2.1',
    event_id: 7,
    camera_id: 'rig-4',
    taken_at: '1970-01-01T00:00:01.000000',
    captured_at: null,
    received_at: '1970-01-01T00:00:02.000000'
  })
  t.equal(datasetRow(frame({ opens: null, clipId: 4, clipNumber: 12 })).image_url, '/api/oil_spill_events/7/frames/12?clip=4')
  t.match(datasetRow(frame({ opens: null, capturedAtMs: 500 })), { image_url: null, captured_at: '1970-01-01T00:00:00.500000' })
})

t.test('the categories of COCO are all labels', async t => {
  const { categories, info, licenses } = cocoHead(Date.UTC(2026, 2, 1))
  t.strictSame(categories.map(({ id }) => id), categories.map((_, at) => at + 1))
  t.strictSame(categories.map(({ name }) => name), ['oil_spill', ...LOOK_ALIKES, 'look_alike', 'unsure'])
  t.match(info, { year: 2026, date_created: '2026-03-01T00:00:00' })
  t.equal(licenses.length, 1)
})

t.test('an image of COCO has its size, its name and its label', async t => {
  t.match(cocoImage(3, frame()), { id: 3, width: 640, height: 480, file_name: 'oil_spill_20230623_143022.jpg', license: 1, date_captured: '1970-01-01 00:00:01', label: 'oil_spill', camera_id: 'rig-4' })
})

t.test('boxes become pixels within the picture', async t => {
  const boxes = [
    { x: 0.1, y: 0.2, width: 0.5, height: 0.25, label: 'slick', confidence: 0.8 },
    { x: 0.9, y: 0.9, width: 0.5, height: 0.5 },
    { x: 1, y: 0, width: 0.5, height: 0.5 },
    { x: 0, y: 0, width: 0, height: 1 }
  ]
  t.strictSame(cocoAnnotations(5, 3, frame({ boxes })), [
    { id: 5, image_id: 3, category_id: 1, bbox: [64, 96, 320, 120], area: 38_400, iscrowd: 0, segmentation: [], score: 0.8, detector_label: 'slick' },
    { id: 6, image_id: 3, category_id: 1, bbox: [576, 432, 64, 48], area: 3072, iscrowd: 0, segmentation: [], score: null, detector_label: null }
  ], 'those without an area are left out, and others end at its edge')
  t.strictSame(cocoAnnotations(1, 1, frame()), [])
  const kelp = frame({ boxes: boxes.slice(0, 1), event: { ...EVENT, verdict: 'false_positive', lookAlike: 'kelp' } })
  t.equal(cocoAnnotations(1, 1, kelp)[0]?.category_id, 2 + LOOK_ALIKES.indexOf('kelp'))
})
