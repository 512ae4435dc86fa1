import type { Socket } from 'node:net'
import fp from 'fastify-plugin'
import { ShuttingDown } from '../errors.js'

/** What has arrived by the signal is read within this time; only then is a connection silent. */
const SILENCE_GRACE_MS = 100

/** How often connections that have become idle are closed while the server closes. */
const SWEEP_MS = 50

/**
 * Lets the server close as soon as the last request is answered. A camera's kept-alive connection that was busy at the
 * signal would otherwise hold it for the keep-alive timeout, and one that never asked for anything, such as the spare
 * ones that browsers open, for ever: Node does not count it as idle. Requests that still come are told to come back.
 */
export default fp(async app => {
  const silent = new Set<Socket>()
  let closing = false
  app.server.on('connection', socket => {
    silent.add(socket)
    socket.once('close', () => { silent.delete(socket) })
  })
  app.addHook('onRequest', (request, _reply, done) => {
    silent.delete(request.raw.socket)
    done(closing ? new ShuttingDown() : undefined)
  })
  app.addHook('preClose', async () => {
    closing = true
    setTimeout(() => { for (const socket of silent) socket.destroy() }, SILENCE_GRACE_MS).unref()
    const timer = setInterval(() => { app.server.closeIdleConnections() }, SWEEP_MS)
    app.server.once('close', () => { clearInterval(timer) })
    timer.unref()
  })
}, { name: 'shutdown' })
