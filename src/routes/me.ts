import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { actorOf, newPasswordProblem } from '../core/user.js'
import {
  BodyTooLarge, CurrentPasswordWrong, LoginMissing, LoginWrong, MediaTypeUnsupported, PasswordUnfit, PeopleUnavailable, ReadRateExceeded, RequestInvalid, RequestTimeout
} from '../errors.js'
import { Me, PasswordChange } from '../schemas/people.js'
import { content, errorResponses, ref } from './documented.js'

/** What people see and change of themselves. */
export default (async app => {
  app.get('/api/me', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'getMe',
      tags: ['people'],
      summary: 'Get who is logged in',
      response: { 200: content('application/json', ref(Me), { description: 'You' }), ...errorResponses(new ReadRateExceeded()) }
    }
  }, async request => {
    if (request.person === null) throw new LoginMissing()
    return { username: request.person.username, role: request.person.role }
  })

  app.put('/api/me/password', {
    config: { access: 'viewer' },
    schema: {
      operationId: 'changeMyPassword',
      tags: ['people'],
      summary: 'Change your password',
      description: 'Ends all your sessions but this one. API tokens stay.',
      body: PasswordChange,
      response: {
        200: content('application/json', ref(Me), { description: 'It was changed' }),
        ...errorResponses(new RequestInvalid('body must have required property \'new_password\''), new RequestTimeout(), new BodyTooLarge(), new MediaTypeUnsupported(),
          new CurrentPasswordWrong(), new PasswordUnfit('is shorter than 12 characters; choose a longer one'), new ReadRateExceeded(), new PeopleUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => {
    const { person, body } = request
    if (person === null) throw new LoginMissing()
    await app.checkLogin(request, reply, person.username, body.current_password).catch((error: unknown) => {
      throw error instanceof LoginWrong ? new CurrentPasswordWrong() : error
    })
    const problem = newPasswordProblem(body.new_password, person.username)
    if (problem !== undefined) throw new PasswordUnfit(problem)
    await app.people.change(person.username, { passwordHash: await app.passwords.hash(body.new_password) }, person.credentialId, actorOf(request))
    request.log.info({ username: person.username, address: request.ip }, 'a person changed the own password')
    return { username: person.username, role: person.role }
  })
}) satisfies FastifyPluginAsyncTypebox
