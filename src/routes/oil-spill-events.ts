import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import { ByteBudget } from '../core/byte-budget.js'
import type { Evidence, OilSpillEvent as StoredEvent } from '../core/event.js'
import { formatDatetime, formatEpochSeconds, formatTimestamp } from '../core/time-format.js'
import { EventNotFound, EvidenceAltered, EvidenceDeleted, EvidenceMissing, EvidenceNotKept, HistoryUnavailable, ReadRateExceeded, ReadsBusy, RequestInvalid } from '../errors.js'
import { ConditionalHeaders, frameHeaders, Jpeg } from '../schemas/jpeg.js'
import { EventParams, OilSpillEvent } from '../schemas/oil-spill-event.js'
import { isUnchanged } from './conditional.js'
import { content, errorResponses, ref } from './documented.js'
import { JsonArrayStream } from './json-array-stream.js'

/** Sent as a stream, whatever its length. */
const History = Type.Unsafe<Readable>(Type.Array(ref(OilSpillEvent)))

const unavailable = new HistoryUnavailable('SQLITE_BUSY')
const notFound = [new RequestInvalid('params/id Expected integer'), new EventNotFound(1)]
const samplePath = 'oil_spill_frames/oil_spill_20230623_143022.jpg'

/** Evidence that is held in memory for clients at once: those that never read it must not crowd out the cameras. */
const MAX_HELD_BYTES = 64 * 1024 * 1024

/** The history of oil-spill events and their evidence. */
export default (async app => {
  const held = new ByteBudget(MAX_HELD_BYTES)

  app.get('/api/oil_spill_events', {
    config: { access: 'public' },
    schema: {
      operationId: 'listOilSpillEvents',
      tags: ['data'],
      summary: 'List all oil-spill events, oldest first',
      response: {
        200: content('application/json', History, { description: 'The complete history' }),
        ...errorResponses(new ReadRateExceeded(), unavailable)
      }
    }
  }, async (_request, reply) => {
    const pages = app.eventRepository.pages()
    const first = await pages.next()
    const serialize = reply.compileSerializationSchema(OilSpillEvent)
    return await reply.type('application/json; charset=utf-8')
      .send(new JsonArrayStream(resumed(first, pages), event => serialize(toJson(event))))
  })

  app.get('/api/oil_spill_events/:id', {
    config: { access: 'public' },
    schema: {
      operationId: 'getOilSpillEvent',
      tags: ['data'],
      summary: 'Get one oil-spill event',
      params: EventParams,
      response: {
        200: content('application/json', ref(OilSpillEvent), { description: 'The event' }),
        ...errorResponses(...notFound, new ReadRateExceeded(), unavailable)
      }
    }
  }, async request => toJson(await find(request.params.id)))

  app.get('/api/oil_spill_events/:id/frame', {
    config: { access: 'public' },
    schema: {
      operationId: 'getOilSpillEventFrame',
      tags: ['data'],
      summary: 'Get the opening frame of an oil-spill event',
      description: 'Byte for byte as the camera sent it. It is compared with its SHA-256 before it is shown.',
      params: EventParams,
      headers: ConditionalHeaders,
      response: {
        200: content('image/jpeg', Jpeg, { description: 'The evidence', headers: frameHeaders }),
        304: { description: 'If-None-Match names it', type: 'null', headers: frameHeaders },
        ...errorResponses(...notFound, new EvidenceNotKept(1), new EvidenceDeleted(1, '2023-07-23', 'age'), new ReadRateExceeded(), new EvidenceMissing(samplePath), new EvidenceAltered(samplePath), new ReadsBusy(), unavailable)
      }
    }
  }, async (request, reply) => {
    const { evidence, startedAtMs } = await findKept(request.params.id)
    hold(evidence.sizeBytes, reply)
    const jpeg = await read(request.params.id, evidence)
    reply.headers({
      etag: `"${evidence.sha256}"`,
      'last-modified': new Date(startedAtMs).toUTCString(),
      'x-timestamp': formatEpochSeconds(startedAtMs),
      'cache-control': 'no-cache'
    })
    if (isUnchanged(request, reply)) return await reply.code(304).send()
    return await reply.type('image/jpeg').send(jpeg)
  })

  /** Counts what is in memory for a client until its answer is out or its connection has gone. */
  function hold (bytes: number, reply: FastifyReply): void {
    if (!held.take(bytes)) throw new ReadsBusy()
    reply.raw.once('close', () => { held.give(bytes) })
  }

  /** Retention may delete it while it is being asked for. */
  async function read (id: number, evidence: Evidence): Promise<Buffer> {
    try {
      return await app.evidenceStore.read(evidence)
    } catch (error) {
      if (error instanceof EvidenceMissing) await findKept(id)
      throw error
    }
  }

  async function findKept (id: number): Promise<StoredEvent> {
    const event = await find(id)
    if (event.evidenceState === 'missing') throw new EvidenceNotKept(id)
    if (event.evidenceState === 'kept') return event
    const deletion = await app.eventRepository.deletionOf(id)
    throw new EvidenceDeleted(id, deletion === undefined ? 'an unknown day' : formatDatetime(deletion.atMs), deletion?.reason ?? 'the ledger does not say why')
  }

  async function find (id: number): Promise<StoredEvent> {
    const event = await app.eventRepository.find(id)
    if (event === undefined) throw new EventNotFound(id)
    return event
  }
}) satisfies FastifyPluginAsyncTypebox

/** An event as the API shows it. */
function toJson (event: StoredEvent): OilSpillEvent {
  const { evidence } = event
  return {
    timestamp: formatTimestamp(event.startedAtMs),
    datetime: formatDatetime(event.startedAtMs),
    frame_path: evidence.framePath,
    id: event.id,
    camera_id: event.cameraId,
    ended_at: event.endedAtMs === null ? null : formatDatetime(event.endedAtMs),
    merged_into: event.mergedInto,
    sha256: evidence.sha256,
    size_bytes: evidence.sizeBytes,
    width: evidence.width,
    height: evidence.height,
    evidence_state: event.evidenceState,
    frame_url: `/api/oil_spill_events/${event.id}/frame`
  }
}

/** The pages whose first was taken already, so that a failure could still become a status. */
async function * resumed (first: IteratorResult<StoredEvent[], void>, pages: AsyncGenerator<StoredEvent[], void>): AsyncGenerator<StoredEvent[], void> {
  if (first.done !== true) yield first.value
  yield * pages
}
