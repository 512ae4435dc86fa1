import formbody from '@fastify/formbody'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import {
  BodyTooLarge, CrossSiteRequest, LoginsBusy, LoginWrong, MediaTypeUnsupported, PeopleUnavailable, ReadRateExceeded, RequestInvalid, RequestTimeout, TooManyFailedLogins
} from '../errors.js'
import { LoginForm, Me } from '../schemas/people.js'
import { pageHeaders } from './content-security-policy.js'
import { content, errorResponses, ref } from './documented.js'
import { localPath } from './local-path.js'
import { LOGIN_STYLE, loginPage } from './login-page.js'

const FORM = 'application/x-www-form-urlencoded'

const MAX_BODY_BYTES = 32 * 1024

const PAGE_HEADERS = { ...pageHeaders({ style: LOGIN_STYLE }), 'cache-control': 'no-store', 'content-type': 'text/html; charset=utf-8' }

const Page = { 'text/html': { schema: Type.String() } }

const SetCookie = { 'Set-Cookie': Type.String({ examples: ['videostream_session=...; Path=/; HttpOnly; SameSite=Lax'] }) }

const Location = { Location: Type.String({ description: 'A path of this server', examples: ['/'] }) }

/** How people log in and out in a browser. The form works without scripts. */
export default (async app => {
  await app.register(formbody)

  app.get('/login', {
    config: { access: 'open' },
    schema: {
      operationId: 'getLoginPage',
      tags: ['people'],
      summary: 'Get the login form',
      querystring: Type.Object({ next: Type.Optional(Type.String({ description: 'Where to go on after the login: a path of this server', examples: ['/stream'] })) }),
      response: { 200: { description: 'The form', content: Page }, ...errorResponses(new ReadRateExceeded()) }
    }
  }, async (request, reply) => await reply.headers(PAGE_HEADERS).send(loginPage({ next: localPath(request.query.next) })))

  app.post('/login', {
    config: { access: 'open' },
    bodyLimit: MAX_BODY_BYTES,
    schema: {
      operationId: 'logIn',
      tags: ['people'],
      summary: 'Log in, for a session',
      description: 'As JSON, or as a form sends it. The session is in a cookie that scripts cannot read. It ends after 12 hours without a request, ' +
        'after 7 days, at the logout, and when the password changes.',
      consumes: ['application/json', FORM],
      body: LoginForm,
      response: {
        200: content('application/json', ref(Me), { description: 'Logged in', headers: SetCookie }),
        303: { description: 'Logged in, for forms', type: 'null', headers: { ...SetCookie, ...Location } },
        ...errorResponses(new RequestInvalid('body must have required property \'username\''), new LoginWrong(), new CrossSiteRequest(), new RequestTimeout(), new BodyTooLarge(),
          new MediaTypeUnsupported(), new TooManyFailedLogins(), new ReadRateExceeded(), new LoginsBusy(), new PeopleUnavailable('SQLITE_BUSY'))
      }
    },
    errorHandler: showFormAgain
  }, async (request, reply) => {
    const { username, password, next } = request.body
    const user = await app.checkLogin(request, reply, username, password).catch((error: unknown) => {
      if (error instanceof LoginWrong) void reply.header('www-authenticate', 'Bearer realm="Videostream"')
      throw error
    })
    await reply.startSession(user)
    request.log.info({ username: user.username, address: request.ip }, 'a person logged in')
    if (isForm(request)) return await reply.redirect(localPath(next), 303)
    return { username: user.username, role: user.role }
  })

  app.post('/logout', {
    config: { access: 'open' },
    bodyLimit: MAX_BODY_BYTES,
    schema: {
      operationId: 'logOut',
      tags: ['people'],
      summary: 'Log out',
      description: 'Ends the session of the cookie, and what is under way with it.',
      response: {
        204: { description: 'Logged out', type: 'null', headers: SetCookie },
        303: { description: 'Logged out, for browsers', type: 'null', headers: { ...SetCookie, ...Location } },
        ...errorResponses(new CrossSiteRequest(), new RequestTimeout(), new BodyTooLarge(), new MediaTypeUnsupported(), new ReadRateExceeded(), new PeopleUnavailable('SQLITE_BUSY'))
      }
    }
  }, async (request, reply) => await leave(request, reply))

  async function leave (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    await reply.endSession()
    return request.headers.accept?.includes('text/html') === true ? await reply.redirect('/', 303) : await reply.code(204).send()
  }
}) satisfies FastifyPluginAsyncTypebox

function isForm (request: FastifyRequest): boolean {
  return request.headers['content-type']?.startsWith(FORM) === true
}

/** Whoever sent a form is to see it again, and what was wrong. */
function showFormAgain (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode = 500 } = error
  if (!isForm(request) || ![400, 401, 429].includes(statusCode)) throw error
  const { username, next } = filledIn(request.body)
  void reply.code(statusCode).headers(PAGE_HEADERS).send(loginPage({ problem: problemOf(error), username, next: localPath(next) }))
}

function filledIn (body: unknown): { username: string, next: string } {
  const { username = '', next = '/' }: Record<string, unknown> = Object(body)
  return { username: String(username), next: String(next) }
}

function problemOf ({ code, message }: FastifyError): string {
  return code === 'FST_ERR_VALIDATION' ? 'Please fill in user name and password.' : message
}
