import accepts from '@fastify/accepts'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { ReadRateExceeded } from '../errors.js'
import { pageHeaders } from './content-security-policy.js'
import { errorResponses } from './documented.js'
import { homePage, HOME_SCRIPT, HOME_STYLE, RUNNING } from './home-page.js'

const PAGE_HEADERS = { ...pageHeaders({ style: HOME_STYLE, script: HOME_SCRIPT }), 'cache-control': 'private, no-cache' }

/** Says that the server runs: as text for programs and health checks, as a small page for browsers. */
export default (async app => {
  await app.register(accepts)

  app.get('/', {
    config: { access: 'open' },
    schema: {
      operationId: 'getHome',
      tags: ['data'],
      summary: 'Check that the server runs',
      description: 'Browsers get a page with the live picture.',
      response: {
        200: {
          description: 'It runs',
          headers: { Vary: Type.String({ examples: ['Accept'] }) },
          content: { 'text/plain': { schema: Type.String({ examples: [RUNNING] }) }, 'text/html': { schema: Type.String() } }
        },
        ...errorResponses(new ReadRateExceeded())
      }
    }
  }, async (request, reply) => {
    void reply.header('vary', 'Accept')
    if (request.accepts().type(['text/plain', 'text/html']) !== 'text/html') return await reply.type('text/plain; charset=utf-8').send(RUNNING)
    return await reply.type('text/html; charset=utf-8').headers(PAGE_HEADERS).send(homePage(request.person?.username))
  })
}) satisfies FastifyPluginAsyncTypebox
