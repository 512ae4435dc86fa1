import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { StoredDetection } from '../core/event.js'
import { formatDatetime } from '../core/time-format.js'
import { EventNotFound, HistoryUnavailable, ReadRateExceeded, RequestInvalid } from '../errors.js'
import { Detection } from '../schemas/detection.js'
import { EventParams } from '../schemas/oil-spill-event.js'
import { content, errorResponses, ref } from './documented.js'
import { JsonArrayStream } from './json-array-stream.js'

/** Sent as a stream, whatever its length. */
const Detections = Type.Unsafe<Readable>(Type.Array(ref(Detection)))

/** Every frame of an event that reported the spill. */
export default (async app => {
  app.get('/api/oil_spill_events/:id/detections', {
    config: { access: 'public' },
    schema: {
      operationId: 'listDetections',
      tags: ['data'],
      summary: 'List the detections of an oil-spill event, in the order in which their frames were taken',
      params: EventParams,
      response: {
        200: content('application/json', Detections, { description: 'Every frame that reported the spill, with what the detector said of it' }),
        ...errorResponses(new RequestInvalid('params/id Expected integer'), new EventNotFound(1), new ReadRateExceeded(), new HistoryUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    const { id } = request.params
    if (await app.eventRepository.find(id) === undefined) throw new EventNotFound(id)
    const serialize = reply.compileSerializationSchema(Detection)
    return await reply.type('application/json; charset=utf-8')
      .send(new JsonArrayStream(app.eventRepository.detectionPages(id), detection => serialize(toJson(detection))))
  })
}) satisfies FastifyPluginAsyncTypebox

function toJson (detection: StoredDetection): Detection {
  const { details } = detection
  return {
    taken_at: formatDatetime(detection.takenAtMs),
    captured_at: detection.capturedAtMs === null ? null : formatDatetime(detection.capturedAtMs),
    received_at: formatDatetime(detection.receivedAtMs),
    clock_skew_seconds: detection.clockSkewMs === null ? null : detection.clockSkewMs / 1000,
    frame_sequence: detection.frameSequence,
    sha256: detection.sha256,
    size_bytes: detection.sizeBytes,
    width: detection.width,
    height: detection.height,
    frame_path: detection.framePath,
    confidence: details.confidence ?? null,
    boxes: details.boxes === undefined ? null : details.boxes.map(box => ({ ...box })),
    model_version: details.modelVersion ?? null,
    latitude: details.latitude ?? null,
    longitude: details.longitude ?? null,
    heading: details.heading ?? null
  }
}
