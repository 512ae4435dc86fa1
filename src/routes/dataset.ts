import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import { parseWindowEdge } from '../core/event-filter.js'
import { actorOf } from '../core/user.js'
import { HistoryUnavailable, ReadRateExceeded, ReadsBusy, RequestInvalid } from '../errors.js'
import { DatasetQuery } from '../schemas/dataset.js'
import { begun } from './begun.js'
import { ChunkStream } from './chunk-stream.js'
import { errorResponses } from './documented.js'

/** Exports that are under way at once: each keeps the disk busy. */
const MAX_EXPORTS = 4

const FORMATS = {
  ndjson: { mediaType: 'application/x-ndjson', fileName: 'dataset.ndjson' },
  coco: { mediaType: 'application/json; charset=utf-8', fileName: 'coco.json' },
  zip: { mediaType: 'application/zip', fileName: 'dataset.zip' }
} as const

/** What people have reviewed, for training the detector. */
export default (async app => {
  let underWay = 0

  app.get('/api/dataset', {
    config: { access: 'operator' },
    exposeHeadRoute: false, // it would be noted as an export
    schema: {
      operationId: 'exportDataset',
      tags: ['reviews'],
      summary: 'Export reviewed frames with their labels, for training the detector',
      description: 'The frames of reviewed events that the detector had reported: those that opened them, and those of their clips. Each is labelled as its event was reviewed: ' +
        '`oil_spill`, a look-alike such as `sun_glint`, `look_alike` where nobody said which, or `unsure`. The boxes are the detector\'s. Each export is noted in the ledger.',
      querystring: DatasetQuery,
      response: {
        200: {
          description: 'The frames',
          headers: { 'Content-Disposition': Type.String({ examples: ['attachment; filename="dataset.ndjson"'] }) },
          content: {
            'application/x-ndjson': { schema: Type.Unsafe<Readable>(Type.String({ description: 'A line of JSON for each frame' })) },
            'application/json': { schema: Type.Unsafe<Readable>(Type.Object({}, { additionalProperties: true, description: 'COCO: info, licenses, categories, images, annotations' })) },
            'application/zip': { schema: Type.Unsafe<Readable>({ type: 'string', format: 'binary', contentMediaType: 'application/zip', description: 'The folder images, and coco.json' }) }
          }
        },
        ...errorResponses(new RequestInvalid('querystring/format Expected \'ndjson\''), new ReadRateExceeded(), new ReadsBusy(), new HistoryUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    const { format = 'ndjson', verdict: verdicts = ['confirmed', 'false_positive'], camera = null, from, to } = request.query
    const filter = { verdicts, camera, fromMs: edge('from', from), toMs: edge('to', to) }
    takeSeat(reply)
    await app.audit.record({
      actor: actorOf(request), action: 'export', subject: 'server', payload: { what: 'dataset', format, verdicts, camera, from_ms: filter.fromMs, to_ms: filter.toMs }
    })
    const { mediaType, fileName } = FORMATS[format]
    void reply.headers({ 'content-type': mediaType, 'content-disposition': `attachment; filename="${fileName}"` })
    if (format === 'zip') return await reply.send(app.dataset.zip(filter, app.clock.nowMs()))
    const chunks = format === 'coco' ? app.dataset.coco(filter, app.clock.nowMs()) : app.dataset.ndjson(filter)
    return await reply.send(new ChunkStream(await begun(chunks)))
  })

  function takeSeat (reply: FastifyReply): void {
    if (underWay >= MAX_EXPORTS) throw new ReadsBusy()
    underWay += 1
    reply.raw.once('close', () => { underWay -= 1 })
  }
}) satisfies FastifyPluginAsyncTypebox

/** @throws RequestInvalid where it is no time */
function edge (name: 'from' | 'to', text: string | undefined): number | null {
  if (text === undefined) return null
  const atMs = parseWindowEdge(text, name)
  if (atMs === undefined) throw new RequestInvalid(`querystring/${name} Expected a time such as 2026-03-01T12:00:00Z, 2026-03-01T12:00:00 (UTC) or 2026-03-01`)
  return atMs
}
