import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { formatDatetime } from '../core/time-format.js'
import { actorOf, newPasswordProblem, type User as StoredUser } from '../core/user.js'
import {
  BodyTooLarge, LastAdmin, LoginsBusy, MediaTypeUnsupported, PasswordUnfit, PeopleUnavailable, ReadRateExceeded, RequestInvalid, RequestTimeout, UserExists, UserNotFound
} from '../errors.js'
import { NewUser, User, UserChange, Username } from '../schemas/people.js'
import { content, errorResponses, ref } from './documented.js'

const Users = Type.Object({ users: Type.Array(ref(User), { description: 'Everybody, by name' }) })

const UserParams = Type.Object({ username: Username })

const notFound = [new RequestInvalid('params/username Expected string to match pattern'), new UserNotFound('jane.doe')]

const written = [
  new RequestInvalid('body must have required property \'username\''), new RequestTimeout(), new BodyTooLarge(), new MediaTypeUnsupported(),
  new PasswordUnfit('is shorter than 12 characters; choose a longer one'), new ReadRateExceeded(), new LoginsBusy(), new PeopleUnavailable('SQLITE_BUSY')
]

/** How administrators look after people. */
export default (async app => {
  app.get('/api/users', {
    config: { access: 'admin' },
    schema: {
      operationId: 'listUsers',
      tags: ['people'],
      summary: 'List all users',
      response: { 200: content('application/json', Users, { description: 'Everybody' }), ...errorResponses(new ReadRateExceeded()) }
    }
  }, async () => ({ users: app.people.users.map(toJson) }))

  app.post('/api/users', {
    config: { access: 'admin' },
    schema: {
      operationId: 'addUser',
      tags: ['people'],
      summary: 'Add a user',
      body: NewUser,
      response: {
        201: content('application/json', ref(User), { description: 'The user was made', headers: { Location: Type.String({ examples: ['/api/users/jane.doe'] }) } }),
        ...errorResponses(...written, new UserExists('jane.doe'))
      }
    }
  }, async (request, reply) => {
    const { username, password, role, enabled = true } = request.body
    if (app.people.find(username) !== undefined) throw new UserExists(username)
    const user = await app.people.add(username, role, await hashOf(password, username), enabled, actorOf(request))
    request.log.info({ username, role, by: request.person?.username }, 'a user was made')
    return await reply.code(201).header('location', `/api/users/${username}`).send(toJson(user))
  })

  app.get('/api/users/:username', {
    config: { access: 'admin' },
    schema: {
      operationId: 'getUser',
      tags: ['people'],
      summary: 'Get one user',
      params: UserParams,
      response: { 200: content('application/json', ref(User), { description: 'The user' }), ...errorResponses(...notFound, new ReadRateExceeded()) }
    }
  }, async request => toJson(find(request.params.username)))

  app.patch('/api/users/:username', {
    config: { access: 'admin' },
    schema: {
      operationId: 'changeUser',
      tags: ['people'],
      summary: 'Change a user\'s role or password, or disable the user',
      description: 'A new password ends the user\'s sessions; so does disabling, which also holds off the user\'s API tokens. What is under way ends at once.',
      params: UserParams,
      body: UserChange,
      response: {
        200: content('application/json', ref(User), { description: 'The user as it is now' }),
        ...errorResponses(...notFound, ...written, new LastAdmin())
      }
    }
  }, async request => {
    const { params: { username }, body: { password, role, enabled } } = request
    find(username)
    const passwordHash = password === undefined ? undefined : await hashOf(password, username)
    const user = await app.people.change(username, { role, enabled, passwordHash }, undefined, actorOf(request))
    request.log.info({ username, role, enabled, newPassword: password !== undefined, by: request.person?.username }, 'a user was changed')
    return toJson(user)
  })

  app.delete('/api/users/:username', {
    config: { access: 'admin' },
    schema: {
      operationId: 'removeUser',
      tags: ['people'],
      summary: 'Remove a user with all sessions and API tokens',
      params: UserParams,
      response: {
        204: { description: 'The user is no more', type: 'null' },
        ...errorResponses(...notFound, new LastAdmin(), new ReadRateExceeded(), new PeopleUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    const { username } = request.params
    await app.people.remove(username, actorOf(request))
    request.log.info({ username, by: request.person?.username }, 'a user was removed')
    return await reply.code(204).send()
  })

  function find (username: string): StoredUser {
    const user = app.people.find(username)
    if (user === undefined) throw new UserNotFound(username)
    return user
  }

  async function hashOf (password: string, username: string): Promise<string> {
    const problem = newPasswordProblem(password, username)
    if (problem !== undefined) throw new PasswordUnfit(problem)
    return await app.passwords.hash(password)
  }
}) satisfies FastifyPluginAsyncTypebox

/** A user as the API shows it. */
function toJson (user: StoredUser) {
  return {
    username: user.username,
    role: user.role,
    enabled: user.enabled,
    created_at: formatDatetime(user.createdAtMs),
    password_changed_at: formatDatetime(user.passwordChangedAtMs)
  }
}
