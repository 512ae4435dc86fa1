import { Type } from '@sinclair/typebox'
import t from 'tap'
import type { Access, ViewerAccess } from '../../src/core/role.js'
import { NoFrame, PasswordWrong, ReadRateExceeded, RequestInvalid, SpillHeaderInvalid } from '../../src/errors.js'
import { content, documentAccess, errorResponses, ref } from '../../src/routes/documented.js'
import { ErrorSchema } from '../../src/schemas/error.js'

t.test('a schema is referred to by its id', async t => {
  t.match(ref(ErrorSchema), { $ref: 'Error#' })
})

t.test('a response of one media type has its description, headers and example', async t => {
  const schema = Type.String()
  t.same(content('text/plain', schema, { description: 'A line' }), { description: 'A line', content: { 'text/plain': { schema } } })
  t.same(content('text/plain', schema, { description: 'A line', headers: { A: schema }, example: 'x' }), {
    description: 'A line', headers: { A: schema }, content: { 'text/plain': { schema, example: 'x' } }
  })
})

t.test('errors are grouped by status, each with an example as it goes over the wire', async t => {
  const responses: Record<string, unknown> = errorResponses(new NoFrame(), new SpillHeaderInvalid(), new RequestInvalid('a reason'))
  t.strictSame(Object.keys(responses), ['400', '500', '503'], 'that the server itself may fail goes without saying')
  t.match(responses['400'], { description: 'Bad Request: `SPILL_HEADER_INVALID` or `REQUEST_INVALID`' })
  t.match(responses['503'], {
    content: {
      'application/json': {
        examples: { NO_FRAME: { value: { statusCode: 503, code: 'NO_FRAME', error: 'Service Unavailable', message: new NoFrame().message } } }
      }
    }
  })
})

t.test('Retry-After is documented where it is sent', async t => {
  const responses: Record<string, { headers?: object }> = errorResponses(new ReadRateExceeded(), new NoFrame(), new SpillHeaderInvalid())
  t.strictSame(Object.keys(responses).filter(status => responses[status]?.headers !== undefined), ['429', '503'])
})

t.test('who may use a route, and what others hear, follows from its access', async t => {
  const documented = (access: Access, viewerAccess: ViewerAccess, method = 'GET') => documentAccess(viewerAccess)({
    url: '/x', schema: { response: { 200: { description: 'ok' }, ...errorResponses(new PasswordWrong(), new ReadRateExceeded()) } }, route: { config: { access }, method }
  } as never).schema as { security: unknown, response: Record<string, { description: string }> }
  const person = (role: string) => [{ Session: [role] }, { Basic: [role] }, { Token: [role] }]
  const table: Array<[Access, ViewerAccess, unknown[]]> = [
    ['open', 'private', []], ['public', 'public', [{}, ...person('viewer')]], ['public', 'private', person('viewer')], ['viewer', 'public', person('viewer')],
    ['operator', 'public', person('operator')], ['admin', 'public', person('admin')], ['camera', 'private', [{ CameraPassword: [] }]],
    ['operator-or-camera', 'private', [{ CameraPassword: [] }, ...person('operator')]]
  ]
  for (const [access, viewerAccess, security] of table) t.strictSame(documented(access, viewerAccess).security, security, `${access} ${viewerAccess}`)

  const { response } = documented('admin', 'public', 'POST')
  t.strictSame(Object.keys(response), ['200', '401', '403', '429', '500', '503'])
  t.match(response['401']?.description, '`PASSWORD_WRONG` or `LOGIN_MISSING`', 'with those that the route documents itself')
  t.match(response['403']?.description, '`ROLE_MISSING` or `CROSS_SITE_REQUEST`')
  t.match(response['429']?.description, '`READ_RATE_EXCEEDED` or `TOO_MANY_FAILED_LOGINS`')
  t.strictSame(Object.keys(documented('viewer', 'public').response), ['200', '401', '429', '500', '503'], 'who logs in may read what is for viewers')
  t.strictSame(documented('public', 'public').response['401']?.description, 'Unauthorized: `PASSWORD_WRONG`')
})
