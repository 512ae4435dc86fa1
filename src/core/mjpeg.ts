import type { Frame } from './frame.js'
import { formatEpochSeconds } from './time-format.js'

/**
 * The wire format of a live stream: one JPEG a part, in `multipart/x-mixed-replace`.
 *
 * It is spoken in two ways. `standard` is what everything but Chromium gets: each part with Content-Type,
 * Content-Length and X-Timestamp, and behind each JPEG at once the boundary line that opens the next part.
 *
 * Chromium paints a part only when the headers of the next one are complete, so in a standard stream it shows every
 * picture one frame late, and the last one not at all (measured with Chromium 156; the boundary line alone does not
 * help). `chromium` therefore completes the next part's headers right behind each JPEG. Its length and time are not
 * known then, so they are left out; Chromium does not read them.
 *
 * Headers, JPEG and boundary are one Buffer, made once a frame in the frame's own memory and shared by all viewers:
 * one write each. At 500 viewers three writes took 1.7 times the CPU and a corked one 1.2 times. What else was measured
 * on the way of a frame is in docs/performance.md.
 *
 * Source: RFC 2046, section 5.1.1; x-mixed-replace was never standardised.
 */
export type StreamDialect = 'standard' | 'chromium'

const BOUNDARY = 'frame'
const BOUNDARY_LINE = `--${BOUNDARY}\r\n`
const EARLY_HEADERS = 'Content-Type: image/jpeg\r\n\r\n'

/** The Content-Type of a live stream. */
export const STREAM_CONTENT_TYPE = `multipart/x-mixed-replace; boundary=${BOUNDARY}`

/** Opens the first part. Sent before there is a frame, so that the response's headers leave at once. */
export const OPENINGS: Readonly<Record<StreamDialect, Buffer>> = {
  standard: Buffer.from(BOUNDARY_LINE, 'latin1'),
  chromium: Buffer.from(BOUNDARY_LINE + EARLY_HEADERS, 'latin1')
}

/** Ends a stream cleanly. The part that was opened last stays empty. */
export const CLOSING = Buffer.from(`\r\n--${BOUNDARY}--\r\n`, 'latin1')

/** One part in each dialect: two views of the same bytes. */
export type EncodedPart = Readonly<Record<StreamDialect, Buffer>>

/** Which dialect a client wants, from its User-Agent. Everything built on Chromium says `Chrome/`. */
export function dialectOf (userAgent: string | undefined): StreamDialect {
  return userAgent?.includes('Chrome/') === true ? 'chromium' : 'standard'
}

/** Encodes a frame as a part, in the frame's own memory. The JPEG is not touched. `receivedAtMs` is told as its X-Timestamp. */
export function encodePart (frame: Pick<Frame, 'memory' | 'receivedAtMs'>): EncodedPart {
  const head = 'Content-Type: image/jpeg\r\n' +
    `Content-Length: ${frame.memory.jpeg.length}\r\n` +
    `X-Timestamp: ${formatEpochSeconds(frame.receivedAtMs)}\r\n\r\n`
  const bytes = frame.memory.wrap(head, `\r\n${BOUNDARY_LINE}${EARLY_HEADERS}`)
  return {
    standard: bytes.subarray(0, bytes.length - EARLY_HEADERS.length),
    chromium: bytes.subarray(head.length)
  }
}
