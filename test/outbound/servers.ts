import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createServer as createBareTlsServer, type TLSSocket } from 'node:tls'
import type { Test } from 'tap'
import { parseAllowList } from '../../src/outbound/allow-list.js'
import { OutboundGuard, type Resolver } from '../../src/outbound/guard.js'

/** A guard with this OUTBOUND_ALLOW; by default for the servers of tests. */
export function guardFor (allow = '127.0.0.1/32', resolver?: Resolver): OutboundGuard {
  const read = parseAllowList(allow)
  if ('problem' in read) throw new Error(read.problem)
  return new OutboundGuard(read.rules, resolver)
}

/** Listens on a free port and ends with the test, connections and all. */
async function listen (t: Test, server: Server, host: string): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => { sockets.delete(socket) })
  })
  server.listen(0, host)
  await once(server, 'listening')
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise(resolve => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** An HTTP server of the test's own. */
export async function httpServer (t: Test, listener: RequestListener, host = '127.0.0.1'): Promise<{ port: number, url: string }> {
  const port = await listen(t, createServer(listener), host)
  return { port, url: `http://${host}:${port}` }
}

/** An HTTPS server of the test's own. */
export async function httpsServer (t: Test, options: { key: string, cert: string }, listener: RequestListener): Promise<{ port: number, url: string }> {
  const port = await listen(t, createTlsServer(options, listener), '127.0.0.1')
  return { port, url: `https://127.0.0.1:${port}` }
}

/** A TLS server of the test's own. */
export async function tlsServer (t: Test, options: { key: string, cert: string }, onConnection: (socket: TLSSocket) => void): Promise<number> {
  return await listen(t, createBareTlsServer(options, onConnection), '127.0.0.1')
}

/** A TCP server of the test's own. */
export async function tcpServer (t: Test, onConnection: (socket: Socket) => void): Promise<number> {
  return await listen(t, createTcpServer(onConnection), '127.0.0.1')
}

/** A port of the loopback that nobody listens on. */
export async function closedPort (): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

/** A signal that is aborted when the test ends. */
export function testSignal (t: Test): AbortSignal {
  const controller = new AbortController()
  t.teardown(() => { controller.abort() })
  return controller.signal
}
