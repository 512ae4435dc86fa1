import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import type { SourceUrl } from '../core/source-url.js'
import { connectGuarded } from '../outbound/connect.js'
import { whenAborted } from '../outbound/when-aborted.js'
import { readThroughFfmpeg, type FfmpegInput } from './ffmpeg.js'
import { openLoopbackPort } from './loopback.js'
import type { Reading } from './reading.js'
import { RtspRelay } from './rtsp-relay.js'
import type { SourceFailed } from './source-failed.js'

/** What stands between ffmpeg and the camera. */
interface Relay {
  /** Relays until either side ends. Never throws. */
  readonly run: (client: Socket, camera: Socket) => Promise<void>
  /** Why there are no pictures, where the relay knows better than ffmpeg. */
  readonly failure: () => SourceFailed | undefined
}

const CONNECT_MS = 10_000

/** A camera's own times can jump back, and ffmpeg would leave out all pictures until they are where they were. */
const ARRIVAL_TIMES = ['-use_wallclock_as_timestamps', '1']

/**
 * Reads rtsp or rtsps through ffmpeg: the connection to the camera, with TLS or without, is made here, to an address
 * that was checked, and ffmpeg speaks plain RTSP, with the media in the same connection, over the loopback.
 * @throws OutboundRefused, OutboundFailed, SourceFailed, or the reason of the signal
 */
export async function readRtsp (reading: Reading): Promise<void> {
  const { source, credentials } = reading
  const cameraUrl = plainUrl(source)
  const path = randomBytes(16).toString('hex')
  let relay: RtspRelay | undefined
  await readThroughRelay(reading, {
    run: async (client, camera) => {
      relay = new RtspRelay({ client, camera, localUrl: `rtsp://127.0.0.1:${client.localPort}/${path}`, cameraUrl, credentials })
      await relay.run()
    },
    failure: () => relay?.failure
  }, port => ({ args: [...ARRIVAL_TIMES, '-rtsp_transport', 'tcp', '-allowed_media_types', 'video', '-i', `rtsp://127.0.0.1:${port}/${path}`], protocols: 'rtsp,tcp' }))
}

/**
 * Reads rtmp or rtmps through ffmpeg: as `readRtsp`, but bytes are relayed as they are. The path of the address, and
 * with it a stream's key, stands in ffmpeg's arguments.
 * @throws OutboundRefused, OutboundFailed, SourceFailed, or the reason of the signal
 */
export async function readRtmp (reading: Reading): Promise<void> {
  const { url } = reading.source
  // As ffmpeg has it: of three names and more the first two are the application.
  const names = url.pathname.split('/').slice(1)
  const application = `${new URL('/', plainUrl(reading.source)).href}${names.slice(0, names.length > 2 ? 2 : 1).join('/')}`
  await readThroughRelay(reading, {
    run: async (client, camera) => {
      await Promise.allSettled([pipeline(client, camera), pipeline(camera, client)])
    },
    failure: () => undefined
  }, port => ({ args: [...ARRIVAL_TIMES, '-rtmp_tcurl', application, '-i', `rtmp://127.0.0.1:${port}${url.pathname}${url.search}`], protocols: 'rtmp,tcp' }))
}

async function readThroughRelay (reading: Reading, relay: Relay, inputFor: (port: number) => FfmpegInput): Promise<void> {
  const { source: { hostname, port, scheme }, guard, signal } = reading
  const camera = await connectGuarded({ hostname, port, tls: scheme.endsWith('s') }, { guard, timeoutMs: CONNECT_MS, signal })
  const stopListening = whenAborted(signal, () => { camera.destroy() })
  const local = await openLoopbackPort()
  void local.connection.then(async client => { await relay.run(client, camera) })
  // A camera that leaves before ffmpeg comes.
  camera.once('close', () => { local.close() })
  try {
    await readThroughFfmpeg(inputFor(local.port), reading)
  } catch (error) {
    throw (signal.aborted ? undefined : relay.failure()) ?? error
  } finally {
    stopListening()
    local.close()
    camera.destroy()
  }
}

/** The address without user name, password and fragment, its host in the usual notation. */
function plainUrl ({ scheme, hostname, url }: SourceUrl): string {
  return `${scheme}://${hostname}${url.port === '' ? '' : `:${url.port}`}${url.pathname}${url.search}`
}
