import { Type } from '@sinclair/typebox'
import t from 'tap'
import { NoFrame, ReadRateExceeded, RequestInvalid, SpillHeaderInvalid } from '../../src/errors.js'
import { content, errorResponses, ref } from '../../src/routes/documented.js'
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
