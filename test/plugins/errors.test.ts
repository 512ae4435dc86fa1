import Fastify from 'fastify'
import type { Socket } from 'node:net'
import t from 'tap'
import errors from '../../src/plugins/errors.js'
import { buildApp } from '../../src/app.js'
import { startServer, testConfig, until, upload } from '../helper.js'
import { keptLog, RawClient, refused, send } from '../http.js'

t.test('404 where there is nothing, whatever the method and the body', async t => {
  const { url, port } = await startServer(t)
  t.match(await refused(t, await send(url, { path: '/nothing?a=b' }), 404, 'ROUTE_NOT_FOUND'), 'at /nothing.')
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) await refused(t, await send(url, { path: '/nothing', method }), 404, 'ROUTE_NOT_FOUND')
  for (const type of ['image/jpeg', 'application/json', 'nonsense', '']) {
    const answer = await send(url, { path: '/upload_frame', method: 'POST', headers: { 'Content-Type': type }, body: 'not JSON' })
    await refused(t, answer, 404, 'ROUTE_NOT_FOUND')
  }
  const client = RawClient.send(port, 'POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000000\r\n\r\n{')
  const answer = await client.answer()
  await refused(t, answer, 404, 'ROUTE_NOT_FOUND')
  t.equal(answer.headers['connection'], 'close')
  await client.end()
})

t.test('405 with Allow where another method is meant', async t => {
  const { url } = await startServer(t)
  for (const [method, path, allow] of [
    ['GET', '/api/upload_frame', 'POST'], ['PUT', '/api/upload_frame', 'POST'], ['GET', '/api/stop_stream?x=1', 'POST'],
    ['POST', '/stream', 'GET'], ['DELETE', '/api/status', 'GET'], ['POST', '/', 'GET']
  ] as const) {
    const answer = await send(url, { method, path, headers: { 'Content-Type': 'image/jpeg' }, ...(method !== 'GET' && { body: 'abc' }) })
    t.match(await refused(t, answer, 405, 'METHOD_NOT_ALLOWED'), `Use ${allow}.`)
    t.equal(answer.headers.allow, allow)
  }
})

t.test('405 with Allow also where the address has an id', async t => {
  const { url } = await startServer(t)
  for (const path of ['/api/oil_spill_events/1', '/api/oil_spill_events/1/frame']) {
    const answer = await send(url, { method: 'DELETE', path })
    await refused(t, answer, 405, 'METHOD_NOT_ALLOWED')
    t.equal(answer.headers.allow, 'GET')
  }
})

t.test('404 for a page that the documentation does not have', async t => {
  const { url } = await startServer(t)
  await refused(t, await send(url, { path: '/documentation/static/nothing' }), 404, 'ROUTE_NOT_FOUND')
})

t.test('400 for an address that cannot be read', async t => {
  const { url, port } = await startServer(t)
  for (const path of ['/%', '/api/oil_spill_events/%E0%A4%A', '/%zz']) await refused(t, await send(url, { path }), 400, 'REQUEST_INVALID')
  const client = RawClient.send(port, 'POST /% HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n')
  const answer = await client.answer()
  await refused(t, answer, 400, 'REQUEST_INVALID')
  t.equal(answer.headers['connection'], 'close')
  await client.end()
})

t.test('a very long id is no server error', async t => {
  const { url } = await startServer(t)
  const answer = await send(url, { path: `/api/oil_spill_events/${'1'.repeat(500)}` })
  t.ok([400, 404, 414].includes(answer.status))
  await refused(t, answer, answer.status, String((JSON.parse(answer.body.toString()) as Record<string, unknown>)['code']))
})

t.test('400 for what is not HTTP', async t => {
  const { port } = await startServer(t)
  for (const text of ['this is not HTTP\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n', 'GET / HTTP/1.1\r\nX-Note: no host\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000']) {
    const client = RawClient.send(port, Buffer.from(text, 'latin1'))
    const answer = await client.answer()
    await refused(t, answer, 400, 'HTTP_MALFORMED')
    if (text.includes('no host')) {
      client.socket.destroy()
      continue
    }
    t.equal(answer.headers['connection'], 'close')
    await client.end()
  }
})

t.test('431 for too many headers', async t => {
  const { url, port } = await startServer(t)
  const client = RawClient.send(port, `GET / HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(40_000)}\r\n\r\n`)
  await refused(t, await client.answer(), 431, 'HEADERS_TOO_LARGE')
  await client.end()
  t.equal((await send(url)).status, 200)
})

t.test('408 for a request that does not arrive in time', async t => {
  const app = await buildApp(testConfig(t), { logger: false })
  t.teardown(async () => { await app.close() })
  t.equal(app.server.requestTimeout, 120_000)
  t.equal(app.server.headersTimeout, 20_000)
  Object.assign(app.server, { requestTimeout: 100, headersTimeout: 50, connectionsCheckingInterval: 20 })
  const port = Number(new URL(await app.listen({ port: 0, host: '127.0.0.1' })).port)
  for (const text of ['GET / HTTP/1.1\r\nHost:', 'POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: a-password-for-tests\r\nContent-Length: 500\r\n\r\nthe beginning']) {
    const client = RawClient.send(port, text)
    const answer = await client.answer()
    await refused(t, answer, 408, 'REQUEST_TIMEOUT')
    t.equal(answer.headers['connection'], 'close')
    await client.end()
    t.equal(client.answers.length, 1)
  }
  t.equal(app.cameras.default.frames.framesReceived, 0)
})

t.test('what breaks behind an answer that has begun is cut, not answered into it', async t => {
  const { url, port, app } = await startServer(t)
  await upload(url)
  const client = RawClient.send(port, 'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => client.text.includes('X-Timestamp'), 'the picture')
  client.write('garbage\r\n\r\n')
  await client.end()
  t.equal(client.text.split('HTTP/1.1').length, 2)
  await until(() => app.cameras.default.liveStream.viewerCount === 0)
})

t.test('what breaks behind an answer that is complete is answered', async t => {
  const { port } = await startServer(t)
  const client = RawClient.send(port, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  t.equal((await client.answer()).status, 200)
  client.write('garbage\r\n\r\n')
  await refused(t, await client.answer(2), 400, 'HTTP_MALFORMED')
  await client.end()
})

t.test('a client that resets its connection gets nothing, and harms nothing', async t => {
  const { url, port, app } = await startServer(t)
  const served: Socket[] = []
  app.server.on('connection', socket => { served.push(socket) })
  const client = RawClient.send(port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Unfinished: ')
  await until(() => (served[0]?.bytesRead ?? 0) > 0)
  client.socket.resetAndDestroy()
  await until(() => served[0]?.destroyed === true)
  t.equal((await send(url)).status, 200)
})

t.test('an expectation that nobody knows is no reason to refuse', async t => {
  const { url } = await startServer(t)
  t.equal((await send(url, { headers: { Expect: 'a-miracle' } })).status, 200)
})

t.test('an error that nobody foresaw is a masked 500, logged with its stack', async t => {
  const log = keptLog()
  const app = Fastify({ logger: log.logger })
  await app.register(errors)
  app.get('/error', async () => { throw new Error('a secret of the server') })
  app.get('/coded', async () => { throw Object.assign(new Error('a secret of the server'), { code: 'EWHATEVER', statusCode: 502 }) })
  app.get('/odd', async () => { throw Object.assign(new Error('a secret of the server'), { statusCode: 400 }) })
  app.get('/client', async () => { throw Object.assign(new Error('it is your fault'), { code: 'ELSEWHERE', statusCode: 422 }) })
  app.get('/framework', async () => { throw Object.assign(new Error('a secret of the server'), { name: 'FastifyError', code: 'FST_ERR_X', statusCode: 500 }) })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  for (const path of ['/error', '/coded', '/odd', '/framework']) t.notMatch(await refused(t, await send(url, { path }), 500, 'INTERNAL'), 'secret')
  t.match(await refused(t, await send(url, { path: '/client' }), 400, 'REQUEST_INVALID'), 'it is your fault')
  const failures = log.lines.filter(({ msg }) => msg === 'a request failed')
  t.equal(failures.length, 4)
  t.match(failures[0], { level: 50, err: { message: 'a secret of the server', stack: /errors\.test/ } })
})

t.test('what is foreseen is not logged as a failure of the server', async t => {
  const log = keptLog()
  const { url } = await startServer(t, {}, { logger: log.logger })
  for (const path of ['/nothing', '/stream', '/api/oil_spill_events/9', '/api/oil_spill_events/x']) await send(url, { path })
  t.strictSame(log.lines.filter(({ level }) => level >= 40), [])
})

t.test('a 503 that says when to try again is left as it is', async t => {
  const app = Fastify()
  await app.register(errors)
  app.get('/', async (_request, reply) => {
    void reply.header('retry-after', '7')
    throw Object.assign(new Error('Busy.'), { name: 'FastifyError', code: 'BUSY', statusCode: 503 })
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(async () => { await app.close() })
  const answer = await send(url)
  await refused(t, answer, 503, 'BUSY')
  t.equal(answer.headers['retry-after'], '7')
})
