import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { Config } from '../config.js'
import type { CheckpointDocument } from '../core/checkpoint.js'
import { formatDatetime } from '../core/time-format.js'
import { HistoryUnavailable, ReadRateExceeded } from '../errors.js'
import { Integrity } from '../schemas/integrity.js'
import { content, errorResponses, ref } from './documented.js'

/** What others need to check that the ledger is the one that they saw before. */
export default (async (app, { config }) => {
  app.get('/api/integrity', {
    config: { access: 'public' },
    schema: {
      operationId: 'getIntegrity',
      tags: ['data'],
      summary: 'Get the signed head of the ledger and the public key',
      description: 'All that happened to events and evidence is in a ledger whose entries are chained by their hashes. Whoever keeps a signed head can tell later that nothing before it was changed. docs/security.md says how to check one by hand.',
      response: {
        200: content('application/json', ref(Integrity), { description: 'How far the ledger goes, signed' }),
        ...errorResponses(new ReadRateExceeded(), new HistoryUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (_request, reply) => {
    void reply.header('cache-control', 'no-store')
    const { keys, head, checkpoint, brokenAt, waiting, lastPostedAtMs } = await app.checkpoints.integrity()
    return {
      head: toJson(head),
      checkpoint: toJson(checkpoint),
      public_keys: keys.map(({ keyId, publicKey, since }) => ({ key_id: keyId, public_key: publicKey, since })),
      broken_at: brokenAt ?? null,
      posting: { enabled: config.checkpointUrl !== undefined, waiting, last_taken_at: lastPostedAtMs === null ? null : formatDatetime(lastPostedAtMs) }
    }
  })
}) satisfies FastifyPluginAsyncTypebox<{ config: Config }>

function toJson (head: CheckpointDocument | undefined): Integrity['head'] {
  return head === undefined ? null : { ...head, at: formatDatetime(head.at_ms) }
}
