import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { CameraChange, LivePage, LiveStorage } from '../core/live-feed.js'
import { formatDatetime } from '../core/time-format.js'
import { HistoryUnavailable, ReadRateExceeded, RequestInvalid, TooManyViewers } from '../errors.js'
import { LiveQuery } from '../schemas/live-events.js'
import { OilSpillEvent } from '../schemas/oil-spill-event.js'
import { content, errorResponses } from './documented.js'
import { eventToJson } from './event-json.js'
import { LiveEventStream } from './live-event-stream.js'

const HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
  connection: 'close'
}

/** When to try again where too many are being told. */
const FULL_RETRY_AFTER_SECONDS = 10

/** What happens to events and cameras, as it happens. */
export default (async app => {
  const { liveFeed: feed } = app

  app.get('/api/oil_spill_events/live', {
    exposeHeadRoute: false,
    config: { access: 'public' },
    schema: {
      operationId: 'watchOilSpillEvents',
      tags: ['data'],
      summary: 'Be told what happens to events and cameras, as it happens',
      description: 'Endless server-sent events, as EventSource of browsers reads them: `opened`, `updated` (once a second at most), `ended`, `reviewed`, ' +
        '`acknowledged`, `held`, `released` and `evidence_deleted` with the event as it is now, as the list shows it; `camera_offline` and `camera_online`; ' +
        '`storage` where storing fails or goes on, without an id; and `reset` where the server\'s history ends before the id that the client named, so that it should read ' +
        'the list again. A client that comes back with the last id that it got is told all that it missed, once.',
      querystring: LiveQuery,
      response: {
        200: content('text/event-stream', Type.Unsafe<Readable>(Type.String()), {
          description: 'An event for each thing that happens',
          headers: { 'Cache-Control': Type.String({ examples: ['no-store, no-transform'] }), 'X-Accel-Buffering': Type.String({ examples: ['no'] }) },
          example: 'id: 1042\nevent: camera_offline\ndata: {"camera_id":"rig-4-north","connection":"offline","at":"2026-03-02T09:30:00.250000","last_frame_at":"2026-03-02T09:29:50.100000"}\n\n'
        }),
        ...errorResponses(new RequestInvalid('querystring/last_event_id Expected integer'), new ReadRateExceeded(), new HistoryUnavailable('SQLITE_BUSY'), new TooManyViewers(feed.maxClients))
      }
    }
  }, async (request, reply) => {
    if (!feed.hasRoom) {
      void reply.header('retry-after', FULL_RETRY_AFTER_SECONDS)
      throw new TooManyViewers(feed.maxClients)
    }
    const { 'last-event-id': header } = request.headers
    const last = header === undefined ? request.query.last_event_id : idOf(header)
    const isAhead = last !== undefined && !(last <= feed.newest)
    const position = last === undefined || isAhead ? feed.newest : last
    const write = reply.compileSerializationSchema(OilSpillEvent)
    const stream = new LiveEventStream(feed, { page: page => textOf(page, write), storage: storageText }, position, isAhead ? RESET : '')
    return await reply.headers(HEADERS).send(stream)
  })
}) satisfies FastifyPluginAsyncTypebox

/** To a client that knows more than the server, such as after a backup was restored. */
const RESET = 'event: reset\ndata: {"reason":"The history of this server ends before your last event id. Read the list again."}\n\n'

/** An id as the server gives them; NaN for anything else, which no history reaches. */
function idOf (text: string | string[]): number {
  return /^\d{1,15}$/.test(String(text)) ? Number(text) : NaN
}

const written = new WeakMap<LivePage, string>()

/** Written once for all clients that share it. */
function textOf (page: LivePage, write: (event: OilSpillEvent) => string): string {
  const text = written.get(page) ?? page.entries.map(({ sequence, kind, event, camera }) => {
    const data = event !== null ? write(eventToJson(event)) : camera !== null ? JSON.stringify(cameraJson(kind, camera)) : '{}'
    return `id: ${sequence}\nevent: ${kind}\ndata: ${data}\n\n`
  }).join('')
  written.set(page, text)
  return text
}

function cameraJson (kind: string, { cameraId, atMs, lastFrameAtMs }: CameraChange) {
  return {
    camera_id: cameraId,
    connection: kind === 'camera_online' ? 'online' : 'offline',
    at: formatDatetime(atMs),
    last_frame_at: lastFrameAtMs === null ? null : formatDatetime(lastFrameAtMs)
  }
}

function storageText ({ ok, failures, lastError }: LiveStorage): string {
  return `event: storage\ndata: ${JSON.stringify({ ok, failures, last_error: lastError })}\n\n`
}
