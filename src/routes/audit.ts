import type { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { formatDatetime } from '../core/time-format.js'
import { CursorInvalid, HistoryUnavailable, ReadRateExceeded, RequestInvalid } from '../errors.js'
import { AuditEntry, AuditQuery } from '../schemas/audit.js'
import { begun } from './begun.js'
import { content, errorResponses, ref } from './documented.js'
import { JsonArrayStream } from './json-array-stream.js'

/** Sent as a stream, whatever its length. */
const Entries = Type.Unsafe<Readable>(Type.Array(ref(AuditEntry)))

/** An entry as it comes. */
interface StoredEntry extends Omit<AuditEntry, 'at' | 'payload'> { readonly atMs: number, readonly payload: object }

/** The ledger, for administrators. */
export default (async app => {
  app.get('/api/audit', {
    config: { access: 'admin' },
    schema: {
      operationId: 'listAudit',
      tags: ['reviews'],
      summary: 'List what is in the ledger, newest first',
      description: 'All that happened to events, evidence, cameras and people: who did what, and when. With `limit` a page, without it all, as a stream.',
      querystring: AuditQuery,
      response: {
        200: content('application/json', Entries, {
          description: 'The entries',
          headers: { Link: Type.String({ description: 'With `limit`, where there are more: the next page, relative to this address (RFC 8288)', examples: ['<?limit=100&cursor=NDcxMQ>; rel="next"'] }) }
        }),
        ...errorResponses(new RequestInvalid('querystring/limit Expected integer'), new CursorInvalid(), new ReadRateExceeded(), new HistoryUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    const { action = null, actor = null, subject = null, limit, cursor } = request.query
    const filter = { action, actor, subject }
    const before = cursor === undefined ? null : positionOf(cursor)
    const serialize = reply.compileSerializationSchema(AuditEntry)
    void reply.type('application/json; charset=utf-8')
    const write = (entry: StoredEntry): string => serialize(toJson(entry))
    if (limit === undefined) return await reply.send(new JsonArrayStream(await begun(app.audit.pages(filter, before)), write))
    const page = await app.audit.page(filter, before, limit)
    if (page.before !== null) {
      const next = new URLSearchParams({ limit: String(limit) })
      for (const [name, value] of Object.entries(filter)) if (value !== null) next.set(name, value)
      next.set('cursor', Buffer.from(String(page.before)).toString('base64url'))
      // Relative, since behind a proxy the address may be another one.
      void reply.header('link', `<?${next.toString()}>; rel="next"`)
    }
    return await reply.send(new JsonArrayStream(onePage(page.entries), write))
  })
}) satisfies FastifyPluginAsyncTypebox

function toJson ({ atMs, payload, ...rest }: StoredEntry): AuditEntry {
  return { ...rest, at: formatDatetime(atMs), payload: { ...payload } }
}

/** @throws CursorInvalid where it is none that this list gave */
function positionOf (cursor: string): number {
  const text = Buffer.from(cursor, 'base64url').toString('latin1')
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new CursorInvalid()
  return Number(text)
}

async function * onePage<Item> (items: readonly Item[]): AsyncGenerator<Item[], void> {
  if (items.length > 0) yield [...items]
}
