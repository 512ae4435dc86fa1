import type { Socket } from 'node:net'

const sockets = new WeakSet<Socket>()

/**
 * Says that a request on this connection may take as long as it likes to arrive. Node has one `requestTimeout` for all:
 * once it has passed it reports the request, and no more after that, and leaves it to the server what becomes of it.
 *
 * Source: `checkConnections` in Node's lib/_http_server.js, `ConnectionsList::Expired` in src/node_http_parser.cc.
 */
export function markEndless (socket: Socket): void {
  sockets.add(socket)
}

/** Whether the error is Node's report that a request has not arrived in time which may be endless. */
export function isEndless (error: Error & { code?: string }, socket: Socket): boolean {
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' && sockets.has(socket)
}
