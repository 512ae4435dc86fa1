import type { Readable } from 'node:stream'
import accepts from '@fastify/accepts'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { cursorOf, parseCursor, type EventFilter, type EventPosition } from '../core/event-filter.js'
import type { Evidence, ListedEvent } from '../core/event.js'
import { formatEpochSeconds } from '../core/time-format.js'
import {
  CursorInvalid, EventNotFound, EvidenceAltered, EvidenceDeleted, EvidenceMissing, EvidenceNotKept, HistoryUnavailable, ReadRateExceeded, ReadsBusy, RequestInvalid
} from '../errors.js'
import { EventQuery } from '../schemas/event-query.js'
import { ConditionalHeaders, frameHeaders, Jpeg } from '../schemas/jpeg.js'
import { EventParams, OilSpillEvent } from '../schemas/oil-spill-event.js'
import { begun } from './begun.js'
import { isUnchanged } from './conditional.js'
import { content, errorResponses, loginErrors, ref } from './documented.js'
import { EVENT_FORMATS, type EventFormat } from './event-formats.js'
import { eventToJson } from './event-json.js'
import { filterOf } from './event-query.js'
import { evidenceReads } from './evidence-reads.js'
import { ItemStream, type ListForm } from './item-stream.js'

/** Sent as a stream, whatever its length. */
const History = Type.Unsafe<Readable>(Type.Array(ref(OilSpillEvent)))
const HistoryAsText = Type.Unsafe<Readable>(Type.String())
const HistoryOnMap = Type.Unsafe<Readable>(Type.Object({ type: Type.Literal('FeatureCollection'), features: Type.Array(Type.Unknown()) }))

const unavailable = new HistoryUnavailable('SQLITE_BUSY')
const notFound = [new RequestInvalid('params/id Expected integer'), new EventNotFound(1)]
const samplePath = 'oil_spill_frames/oil_spill_20230623_143022.jpg'

/** The history of oil-spill events and their evidence. */
export default (async app => {
  const { hold, refuseDeleted } = evidenceReads(app)

  await app.register(accepts)

  app.get('/api/oil_spill_events', {
    config: { access: 'public' },
    schema: {
      operationId: 'listOilSpillEvents',
      tags: ['data'],
      summary: 'List oil-spill events, all of them and oldest first where nothing is said',
      description: 'Streamed, however many there are. An event is in a window of time if it overlaps it.',
      querystring: EventQuery,
      response: {
        200: {
          description: 'The events, as JSON or in the form that was asked for',
          headers: {
            Link: Type.String({ description: 'With `limit`, where there are more: the next page, relative to this address (RFC 8288)', examples: ['<?limit=100&cursor=MSAw...>; rel="next"'] }),
            Vary: Type.String({ examples: ['Accept'] })
          },
          content: {
            'application/json': { schema: History },
            'application/x-ndjson': { schema: HistoryAsText },
            'text/csv': { schema: HistoryAsText },
            'application/geo+json': { schema: HistoryOnMap }
          }
        },
        ...errorResponses(new RequestInvalid('querystring/limit Expected integer'), new CursorInvalid(), new ReadRateExceeded(), unavailable, ...loginErrors('viewer', 'GET'))
      }
    }
  }, async (request, reply) => {
    const { cursor, limit, q } = request.query
    if (q !== undefined) await requireReader(request, reply)
    const filter = filterOf(request.query)
    const after = cursor === undefined ? null : parseCursor(filter, cursor) ?? null
    if (cursor !== undefined && after === null) throw new CursorInvalid()
    const pages = limit === undefined ? await begun(app.eventRepository.pages(filter, after)) : await onePage(request, reply, { filter, after, limit })
    const format = formatOf(request, request.query.format)
    return await reply.header('vary', 'Accept').type(format.contentType).send(new ItemStream(pages, formOf(format, reply)))
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
  }, async request => eventToJson(await find(request.params.id)))

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

  /** Reviews are for people who log in, also where the list is for everybody. */
  async function requireReader (request: FastifyRequest, reply: FastifyReply): Promise<void> {
    void reply.header('cache-control', 'no-store')
    if (request.person === null) await app.requireRole(request, reply, 'viewer')
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

  async function findKept (id: number): Promise<ListedEvent> {
    const event = await find(id)
    if (event.evidenceState === 'missing') throw new EvidenceNotKept(id)
    await refuseDeleted(event)
    return event
  }

  /** One page of the list, with a link to the next one where there is one. */
  async function onePage (request: FastifyRequest, reply: FastifyReply, { filter, after, limit }: { filter: EventFilter, after: EventPosition | null, limit: number }) {
    const { events, hasMore } = await app.eventRepository.some(filter, after, limit)
    const last = events.at(-1)
    if (hasMore && last !== undefined) {
      const query = new URLSearchParams(request.url.split('?')[1])
      query.set('cursor', cursorOf(filter, last))
      // Relative, since behind a proxy the address may be another one.
      void reply.header('link', `<?${query.toString()}>; rel="next"`)
    }
    return (async function * () { yield events })()
  }

  async function find (id: number): Promise<ListedEvent> {
    const event = await app.eventRepository.findListed(id)
    if (event === undefined) throw new EventNotFound(id)
    return event
  }
}) satisfies FastifyPluginAsyncTypebox

/** By the query, else by the header Accept. Who accepts none of the forms gets JSON, as ever. */
function formatOf (request: FastifyRequest, format: EventQuery['format']): EventFormat {
  if (format !== undefined) return EVENT_FORMATS[format]
  const formats: EventFormat[] = Object.values(EVENT_FORMATS)
  const accepted = request.accepts().type(formats.map(({ mediaType }) => mediaType))
  return formats.find(({ mediaType }) => mediaType === accepted) ?? EVENT_FORMATS.json
}

function formOf (format: EventFormat, reply: FastifyReply): ListForm<ListedEvent> {
  const { write, ...form } = format.form(reply.compileSerializationSchema(OilSpillEvent))
  return { ...form, write: event => write(eventToJson(event)) }
}
