import { setTimeout as wait } from 'node:timers/promises'
import { FrameMemory } from '../core/frame-memory.js'
import { readBody, request, type OutboundResponse } from '../outbound/http.js'
import { readThroughFfmpeg } from './ffmpeg.js'
import { readParts } from './part-reader.js'
import type { Reading } from './reading.js'
import { SourceFailed } from './source-failed.js'

const ACCEPT = 'multipart/x-mixed-replace, image/jpeg, video/*;q=0.9, */*;q=0.5'

/** Recordings, which would be over in a moment if they were not read at their own speed. */
const RECORDING = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|ts)$/i

/**
 * Reads an http address: what its answer is decides how. MJPEG is read as it comes, one JPEG makes it a snapshot address,
 * which is asked again and again, and anything else goes through ffmpeg, which connects to nothing.
 * @throws OutboundRefused, OutboundFailed, SourceFailed, or the reason of the signal
 */
export async function readHttp (reading: Reading): Promise<void> {
  const response = await get(reading, validatorsOf(reading.lastSnapshot.headers))
  switch (response.status === 304 ? 'snapshot' : kindOf(response)) {
    case 'mjpeg': return await readParts(response.body, reading)
    case 'snapshot': return await pollSnapshots(reading, response)
    case 'other': return await readThroughFfmpeg(pipedInput(response), reading)
  }
}

type Kind = 'mjpeg' | 'snapshot' | 'other'

async function get ({ source, guard, credentials, signal }: Reading, headers: Record<string, string>): Promise<OutboundResponse> {
  const response = await request({ url: source.url, guard, credentials, signal, headers: { accept: ACCEPT, ...headers } })
  const { status, url: { host }, body } = response
  if (status === 200 || (status === 304 && Object.keys(headers).length > 0)) return response
  body.destroy()
  if (status === 401 || status === 403) {
    throw new SourceFailed(`${host} answers ${status}: ${credentials === undefined ? 'put the user name and password into the address' : 'check the user name and password in the address'}`, { needsHelp: true })
  }
  throw new SourceFailed(`${host} answers ${status}${status === 404 ? ': check the path of the address' : ''}`)
}

function kindOf ({ headers, url, body }: OutboundResponse): Kind {
  const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const refuse = (what: string) => {
    body.destroy()
    return new SourceFailed(`${url.host} answers with ${what}`, { needsHelp: true })
  }
  if (!/^(identity)?$/.test(headers['content-encoding'] ?? '')) throw refuse('a compressed body, which was not asked for')
  if (type.startsWith('multipart/')) return 'mjpeg'
  if (/^image\/p?jpe?g$/.test(type)) return 'snapshot'
  if (type === 'text/html') throw refuse('a web page: give the address of the picture or the video itself')
  if (/mpegurl|dash\+xml/.test(type)) throw refuse('a play list (HLS or DASH), which the server does not read: give an rtsp, MJPEG or snapshot address, or use the edge agent')
  return 'other'
}

function pipedInput ({ url, body }: OutboundResponse) {
  // Of a live stream only the times of arrival can be trusted.
  const pace = RECORDING.test(url.pathname) ? ['-re'] : ['-use_wallclock_as_timestamps', '1']
  return { args: [...pace, '-i', 'pipe:0'], protocols: 'pipe', bytes: body }
}

/** Asks for the picture at a steady rate; each time through the guard, on a connection of its own. */
async function pollSnapshots (reading: Reading, first: OutboundResponse): Promise<void> {
  const periodMs = 1000 / (reading.fps ?? 1)
  await takeSnapshot(reading, first)
  for (let nextMs = performance.now() + periodMs; ;) {
    const delayMs = nextMs - performance.now()
    if (delayMs > 0) await wait(delayMs, undefined, { signal: reading.signal })
    // What took longer than a period is not made up for.
    nextMs = Math.max(nextMs + periodMs, performance.now())
    const response = await get(reading, validatorsOf(reading.lastSnapshot.headers))
    if (response.status !== 304 && kindOf(response) !== 'snapshot') {
      response.body.destroy()
      return
    }
    await takeSnapshot(reading, response)
  }
}

/** What asks for a picture only if it is another than the one that is known. */
function validatorsOf ({ etag, 'last-modified': lastModified }: OutboundResponse['headers']): Record<string, string> {
  return {
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified })
  }
}

/** Hands on a picture, unless it is the known one. */
async function takeSnapshot ({ maxFrameBytes, onPart, onAlive, lastSnapshot, signal }: Reading, response: OutboundResponse): Promise<void> {
  const { headers, status } = response
  // Servers that do not look at If-None-Match name the picture all the same.
  if (status === 304 || (headers.etag !== undefined && headers.etag === lastSnapshot.headers.etag)) {
    response.body.destroy()
    onAlive()
    return
  }
  const memory = FrameMemory.copyOf(await readBody(response, maxFrameBytes, signal))
  if (signal.aborted) return
  lastSnapshot.headers = headers
  await onPart({ headers: singleValues(headers), memory })
}

function singleValues (headers: OutboundResponse['headers']): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
