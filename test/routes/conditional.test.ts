import Fastify from 'fastify'
import t from 'tap'
import { isUnchanged } from '../../src/routes/conditional.js'

const cases: Array<[string | undefined, boolean]> = [
  [undefined, false],
  ['"a"', true],
  ['"b"', false],
  ['"b", "a"', true],
  ['"b","c"', false],
  ['W/"a"', true],
  ['"b", W/"a"', true],
  ['*', true],
  ['', false],
  ['a', false]
]

t.test('a 304 will do where If-None-Match names the ETag', async t => {
  const app = Fastify()
  app.get('/', async (request, reply) => {
    void reply.header('etag', '"a"')
    return { unchanged: isUnchanged(request, reply) }
  })
  t.teardown(async () => { await app.close() })
  for (const [value, unchanged] of cases) {
    const response = await app.inject({ url: '/', headers: value === undefined ? {} : { 'if-none-match': value } })
    t.strictSame(response.json(), { unchanged }, `If-None-Match: ${value}`)
  }
})

t.test('If-Modified-Since alone never makes a 304: there are many frames in one second', async t => {
  const app = Fastify()
  app.get('/', async (request, reply) => {
    reply.headers({ etag: '"a"', 'last-modified': 'Fri, 23 Jun 2023 14:30:22 GMT' })
    return { unchanged: isUnchanged(request, reply) }
  })
  t.teardown(async () => { await app.close() })
  const response = await app.inject({ url: '/', headers: { 'if-modified-since': 'Fri, 23 Jun 2023 14:30:22 GMT' } })
  t.strictSame(response.json(), { unchanged: false })
})
