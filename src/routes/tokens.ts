import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyRequest } from 'fastify'
import { formatDatetime } from '../core/time-format.js'
import { actorOf, type Credential, type Person, type User } from '../core/user.js'
import {
  BodyTooLarge, LoginMissing, MediaTypeUnsupported, PeopleUnavailable, ReadRateExceeded, RequestInvalid, RequestTimeout, RoleMissing, TokenNotFound, TooManyTokens, UserNotFound
} from '../errors.js'
import { MadeToken, NewToken, Token, Username } from '../schemas/people.js'
import { content, errorResponses, ref } from './documented.js'

const DAY_MS = 86_400_000

const Tokens = Type.Object({ tokens: Type.Array(ref(Token), { description: 'Those that have not expired, oldest first' }) })

const TokenParams = Type.Object({ token_id: Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER, description: 'The token\'s id' }) })

/** Personal API tokens: what programs log in with. */
export default (async app => {
  app.get('/api/tokens', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'listTokens',
      tags: ['people'],
      summary: 'List your API tokens',
      description: 'Administrators may ask for those of another user.',
      querystring: Type.Object({ username: Type.Optional(Username) }),
      response: {
        200: content('application/json', Tokens, { description: 'The tokens, without their secrets' }),
        ...errorResponses(new RequestInvalid('querystring/username Expected string to match pattern'), new RoleMissing('admin'), new UserNotFound('jane.doe'), new ReadRateExceeded())
      }
    }
  }, async (request, reply) => {
    const person = personOf(request)
    const username = request.query.username ?? person.username
    if (username !== person.username) await app.requireRole(request, reply, 'admin')
    const user = find(username)
    return { tokens: app.people.tokensOf(user).map(token => toJson(token, username)) }
  })

  app.post('/api/tokens', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'makeToken',
      tags: ['people'],
      summary: 'Make an API token',
      description: 'It has the rights of your role. The secret is shown only in this answer.',
      body: NewToken,
      response: {
        201: content('application/json', ref(MadeToken), { description: 'The token with its secret', headers: { Location: Type.String({ examples: ['/api/tokens/7'] }) } }),
        ...errorResponses(new RequestInvalid('body must have required property \'name\''), new RequestTimeout(), new BodyTooLarge(), new MediaTypeUnsupported(),
          new TooManyTokens(100), new ReadRateExceeded(), new PeopleUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    const { username } = personOf(request)
    const { name, expires_in_days: days } = request.body
    const { credential, secret } = await app.people.issue(find(username), 'token', name, days === undefined ? null : app.clock.nowMs() + days * DAY_MS, request.ip)
    request.log.info({ username, tokenId: credential.id }, 'an API token was made')
    return await reply.code(201).headers({ location: `/api/tokens/${credential.id}`, 'cache-control': 'no-store' })
      .send({ ...toJson(credential, username), token: secret })
  })

  app.delete('/api/tokens/:token_id', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'revokeToken',
      tags: ['people'],
      summary: 'Revoke an API token',
      description: 'It holds no longer, at once, and what is under way with it ends. Administrators may revoke anybody\'s.',
      params: TokenParams,
      response: {
        204: { description: 'It is revoked', type: 'null' },
        ...errorResponses(new RequestInvalid('params/token_id Expected integer'), new TokenNotFound(7), new ReadRateExceeded(), new PeopleUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    const person = personOf(request)
    const { token_id: id } = request.params
    const token = app.people.credential(id)
    const isOwn = token?.userId === find(person.username).id
    if (token?.kind !== 'token' || (!isOwn && person.role !== 'admin')) throw new TokenNotFound(id)
    await app.people.revoke(token, actorOf(request))
    request.log.info({ tokenId: id, by: person.username }, 'an API token was revoked')
    return await reply.code(204).send()
  })

  function find (username: string): User {
    const user = app.people.find(username)
    if (user === undefined) throw new UserNotFound(username)
    return user
  }
}) satisfies FastifyPluginAsyncTypebox

function personOf ({ person }: FastifyRequest): Person {
  if (person === null) throw new LoginMissing()
  return person
}

/** A token as the API shows it. */
function toJson (token: Credential, username: string) {
  return {
    token_id: token.id,
    name: token.name,
    username,
    created_at: formatDatetime(token.createdAtMs),
    expires_at: token.expiresAtMs === null ? null : formatDatetime(token.expiresAtMs),
    last_used_at: token.lastUsedAtMs === null ? null : formatDatetime(token.lastUsedAtMs)
  }
}
