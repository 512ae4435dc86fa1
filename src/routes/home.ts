import { createHash } from 'node:crypto'
import accepts from '@fastify/accepts'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { ReadRateExceeded } from '../errors.js'
import { errorResponses } from './documented.js'
import { HOME_PAGE, HOME_SCRIPT, HOME_STYLE, RUNNING } from './home-page.js'

/** Only what the page itself brings may run. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'", "img-src 'self' data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
  `script-src 'sha256-${sha256(HOME_SCRIPT)}'`, `style-src 'sha256-${sha256(HOME_STYLE)}'`
].join('; ')

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
    return await reply.type('text/html; charset=utf-8').headers({
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff'
    }).send(HOME_PAGE)
  })
}) satisfies FastifyPluginAsyncTypebox

function sha256 (text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
