import Fastify from 'fastify'
import t from 'tap'
import serializers from '../../src/plugins/serializers.js'

t.test('schemas that are alike share a serializer, and references lead as far as they go', async t => {
  const app = Fastify()
  await app.register(serializers)
  app.addSchema({ $id: 'Box', type: 'object', properties: { x: { type: 'number' } } })
  app.addSchema({ $id: 'Finding', type: 'object', properties: { box: { $ref: 'Box#' }, next: { $ref: 'Finding#' } } })
  const finding = { box: { x: 1, more: 2 }, next: { box: { x: 3, more: 4 } } }
  const response = (): object => ({ response: { 200: { type: 'object', properties: { finding: { $ref: 'Finding#' } } } } })
  app.get('/a', { schema: response() }, async () => ({ finding }))
  app.get('/b', { schema: response() }, async () => ({ finding }))
  const expected = { finding: { box: { x: 1 }, next: { box: { x: 3 } } } }
  t.strictSame((await app.inject('/a')).json(), expected)
  t.strictSame((await app.inject('/b')).json(), expected)
  const compile = app.serializerCompiler
  const asked = { method: 'GET', url: '/', schema: { type: 'object', properties: { x: { type: 'number' } } } } as const
  t.equal(compile?.(structuredClone(asked)), compile?.(structuredClone(asked)))
  t.not(compile?.(asked), compile?.({ ...asked, schema: { type: 'string' } }))
})
