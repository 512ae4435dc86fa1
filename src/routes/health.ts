import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { HttpMalformed } from '../errors.js'
import { content, errorResponses } from './documented.js'

const Health = Type.Object({ status: Type.Literal('ok', { examples: ['ok'] }) })

/** For load balancers and supervisors: open to all, never limited, from memory alone. */
export default (async app => {
  app.get('/health', {
    config: { access: 'open', rateLimit: false },
    schema: {
      operationId: 'getHealth',
      tags: ['data'],
      summary: 'Check that the server answers',
      response: { 200: content('application/json', Health, { description: 'It does' }), ...errorResponses(new HttpMalformed()) }
    }
  }, async (_request, reply) => {
    void reply.header('cache-control', 'no-store')
    return { status: 'ok' } as const
  })
}) satisfies FastifyPluginAsyncTypebox
