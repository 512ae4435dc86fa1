import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { actorOf } from '../core/user.js'
import { EventNotFound, HistoryUnavailable, ReadRateExceeded, ReadsBusy, RequestInvalid } from '../errors.js'
import { EventParams } from '../schemas/oil-spill-event.js'
import { content, errorResponses } from './documented.js'

/** The ZIP, which is sent as it is made. */
const Zip = Type.Unsafe<Readable>({ type: 'string', contentMediaType: 'application/zip', format: 'binary' })

/** So many are packed at once: each reads as fast as its client takes it. */
const MAX_BUNDLES = 4

/** Events for third parties. */
export default (async app => {
  let packing = 0

  app.get('/api/oil_spill_events/:id/bundle', {
    // Not public: each is an entry in the ledger, which names who got it.
    config: { access: 'viewer' },
    exposeHeadRoute: false,
    schema: {
      operationId: 'getOilSpillEventBundle',
      tags: ['data'],
      summary: 'Get an event with its evidence and what proves it, for a third party',
      description: 'A ZIP with the original files, all that is known of the event, the excerpt of the ledger up to signed heads, and verify.mjs, which checks all of that offline with nothing but Node.js. Of entries on anything else only their place in the chain is shown. Each download is an entry in the ledger. Of an event that was merged into another one that one is packed.',
      params: EventParams,
      response: {
        200: content('application/zip', Zip, { description: 'The bundle' }),
        ...errorResponses(new RequestInvalid('params/id Expected integer'), new EventNotFound(1), new ReadRateExceeded(), new ReadsBusy(), new HistoryUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    if (packing >= MAX_BUNDLES) throw new ReadsBusy()
    packing += 1
    reply.raw.once('close', () => { packing -= 1 })
    const bundle = await app.bundles.pack(request.params.id, actorOf(request), app.clock.nowMs())
    if (bundle === undefined) throw new EventNotFound(request.params.id)
    return await reply.type('application/zip').headers({
      'cache-control': 'no-store',
      'content-disposition': `attachment; filename="oil_spill_event_${bundle.eventId}.zip"`
    }).send(bundle.zip)
  })
}) satisfies FastifyPluginAsyncTypebox
