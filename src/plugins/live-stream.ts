import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'
import fp from 'fastify-plugin'
import type { Config } from '../config.js'
import type { LiveStream } from '../core/live-stream.js'
import { dialectOf, OPENINGS, STREAM_CONTENT_TYPE } from '../core/mjpeg.js'

declare module 'fastify' {
  interface FastifyReply {
    /** Turns this reply into an endless MJPEG stream, thinned to so many pictures a second. Nothing may be sent after it. */
    sendLiveStream (liveStream: LiveStream, maxFps: number | undefined): void
  }
}

/** How often viewers are looked after that no frame reaches. */
const TICK_MS = 1000

/** How long viewers may take the closing boundary when the server closes. */
const CLOSING_GRACE_MS = 300

/** When TCP begins to ask whether a quiet viewer is still there. */
const KEEP_ALIVE_PROBE_MS = 30_000

/** For proxies and caches: hand on every byte at once, and keep none. */
const STREAM_HEADERS = {
  'content-type': STREAM_CONTENT_TYPE,
  'cache-control': 'no-store, no-cache, must-revalidate, no-transform, private',
  pragma: 'no-cache',
  expires: '0',
  'x-accel-buffering': 'no',
  connection: 'close'
}

/** Adapts live pictures to sockets, and ends their viewers before the server closes. */
export default fp<{ config: Config }>(async (app, { config }) => {
  const timer = setInterval(() => { for (const { liveStream } of app.cameras.all()) liveStream.tick() }, TICK_MS)
  timer.unref()

  app.decorateReply('sendLiveStream', function (this: FastifyReply, liveStream: LiveStream, maxFps: number | undefined): void {
    sendLiveStream(liveStream, this, { maxFps, stallMs: config.viewerStallSeconds * 1000 })
  })
  app.addHook('preClose', async () => {
    clearInterval(timer)
    for (const { liveStream } of app.cameras.all()) liveStream.close()
    setTimeout(() => { for (const { liveStream } of app.cameras.all()) liveStream.destroyViewers() }, CLOSING_GRACE_MS).unref()
  })
}, { name: 'live-stream', dependencies: ['cameras'] })

interface StreamOptions { readonly maxFps: number | undefined, readonly stallMs: number }

/**
 * The one place that takes a response out of Fastify's hands: parts are written to the socket itself, which costs a
 * quarter less CPU than writing them to the response. So the headers that hooks have set are copied, `onSend` does not
 * run, and whatever goes wrong ends in cutting the connection.
 */
function sendLiveStream (liveStream: LiveStream, reply: FastifyReply, options: StreamOptions): void {
  reply.hijack()
  const { socket } = reply.raw
  if (socket === null) {
    // Another answer is still under way on this connection: the socket comes when it is this one's turn, if ever.
    reply.raw.once('socket', assigned => {
      if (liveStream.active && liveStream.admit()) serveViewer(liveStream, reply, assigned, options)
      else assigned.destroy()
    })
  } else {
    serveViewer(liveStream, reply, socket, options)
  }
}

function serveViewer (liveStream: LiveStream, reply: FastifyReply, socket: Socket, { maxFps, stallMs }: StreamOptions): void {
  try {
    reply.raw.useChunkedEncodingByDefault = false
    for (const [name, value] of Object.entries({ ...reply.getHeaders(), ...STREAM_HEADERS })) {
      if (value !== undefined) reply.raw.setHeader(name, value)
    }
    reply.raw.flushHeaders()
    const { ip: address, headers: { 'user-agent': userAgent } } = reply.request
    const dialect = dialectOf(userAgent)
    socket.write(OPENINGS[dialect])
    const seat = liveStream.addViewer(socket, { dialect, maxFps, address, userAgent })
    socket.once('close', () => { seat.leave() })
    // Node tells apart a network that takes little from one that takes nothing. A camera may be silent for as long as
    // it likes: then nothing is on its way, and the viewer stays.
    reply.raw.setTimeout(stallMs, () => { seat.letGoIfStalled() })
    // A viewer may only read or leave. Whatever else it sends would keep the connection from ever counting as stalled,
    // and a request would wait for ever behind this answer, which has said that it is the last (RFC 9112, section 9.6).
    socket.once('data', () => { socket.destroy() })
    // Before the first frame nothing is written that would tell that the other side has vanished.
    socket.setKeepAlive(true, KEEP_ALIVE_PROBE_MS)
    // A client that left before this line has had its close already.
    if (socket.destroyed) seat.leave()
  } catch (error) {
    reply.log.error({ err: error }, 'a viewer could not be served')
    socket.destroy()
  }
}
