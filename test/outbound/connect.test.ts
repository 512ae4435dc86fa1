import { once } from 'node:events'
import { createServer } from 'node:net'
import t from 'tap'
import { connectGuarded } from '../../src/outbound/connect.js'
import { OutboundFailed, OutboundRefused, type Resolver } from '../../src/outbound/guard.js'
import { closedPort, guardFor, httpServer, tcpServer, testSignal } from './servers.js'

t.test('a host that the guard refuses is not connected to', async t => {
  let connections = 0
  const port = await tcpServer(t, () => { connections++ })
  for (const hostname of ['localhost', '127.0.0.1']) {
    await t.rejects(connectGuarded({ hostname, port, tls: false }, { guard: guardFor(''), timeoutMs: 5000, signal: testSignal(t) }), OutboundRefused)
  }
  t.equal(connections, 0)
})

t.test('the connection goes to the address that was checked, whatever a second look-up would say', async t => {
  const { port } = await httpServer(t, (_request, response) => response.end(), '127.0.0.1')
  // The same port on another address of the loopback, which stands for one of the Internet.
  const outside = createServer(socket => { socket.destroy() }).listen(port, '127.0.0.2')
  await once(outside, 'listening')
  t.teardown(() => { outside.close() })
  const answers = ['127.0.0.2', '127.0.0.1', '127.0.0.1']
  let lookups = 0
  const resolver: Resolver = async () => [answers[lookups++] ?? '']
  const options = { guard: guardFor('127.0.0.2', resolver), timeoutMs: 5000, signal: testSignal(t) }
  const destination = { hostname: 'rebinding.example', port, tls: false }
  const socket = await connectGuarded(destination, options)
  t.equal(socket.remoteAddress, '127.0.0.2')
  t.equal(lookups, 1)
  socket.destroy()
  await t.rejects(connectGuarded(destination, options), { message: /^rebinding\.example is 127\.0\.0\.1, which is a loopback address/ })
})

t.test('of several addresses the one that answers is taken', async t => {
  const port = await tcpServer(t, () => {})
  const socket = await connectGuarded({ hostname: 'two.example', port, tls: false }, { guard: guardFor('127.0.0.0/8', async () => ['127.0.0.9', '127.0.0.1']), timeoutMs: 5000, signal: testSignal(t) })
  t.equal(socket.remoteAddress, '127.0.0.1')
  socket.destroy()
})

t.test('who does not listen, answer or resolve in time is named', async t => {
  const signal = testSignal(t)
  const port = await closedPort()
  await t.rejects(connectGuarded({ hostname: '127.0.0.1', port, tls: false }, { guard: guardFor(), timeoutMs: 5000, signal }), new OutboundFailed(`127.0.0.1:${port} cannot be connected to (ECONNREFUSED)`))
  const silent = await tcpServer(t, () => {})
  await t.rejects(connectGuarded({ hostname: '127.0.0.1', port: silent, tls: true }, { guard: guardFor(), timeoutMs: 50, signal }), /could not be connected to within 0\.05 s/)
  await t.rejects(connectGuarded({ hostname: 'slow.example', port, tls: false }, { guard: guardFor('', async () => await new Promise(() => {})), timeoutMs: 50, signal }), /within 0\.05 s/)
  const notTls = await tcpServer(t, socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  await t.rejects(connectGuarded({ hostname: '127.0.0.1', port: notTls, tls: true }, { guard: guardFor(), timeoutMs: 5000, signal }), OutboundFailed)
})

t.test('an aborted signal ends it, before and during', async t => {
  const silent = await tcpServer(t, () => {})
  const reason = new Error('enough')
  const options = (signal: AbortSignal) => ({ guard: guardFor(), timeoutMs: 5000, signal })
  await t.rejects(connectGuarded({ hostname: '127.0.0.1', port: silent, tls: true }, options(AbortSignal.abort(reason))), reason)
  const controller = new AbortController()
  const connecting = connectGuarded({ hostname: '127.0.0.1', port: silent, tls: true }, options(controller.signal))
  controller.abort(reason)
  await t.rejects(connecting, reason)
})
