import fp from 'fastify-plugin'

/** How often connections that have become idle are closed while the server closes. */
const SWEEP_MS = 50

/**
 * Lets the server close as soon as the last request is answered: a camera's kept-alive connection that was busy at the
 * signal would otherwise hold it for the keep-alive timeout.
 */
export default fp(async app => {
  app.addHook('preClose', async () => {
    const timer = setInterval(() => { app.server.closeIdleConnections() }, SWEEP_MS)
    app.server.once('close', () => { clearInterval(timer) })
    timer.unref()
  })
}, { name: 'shutdown' })
