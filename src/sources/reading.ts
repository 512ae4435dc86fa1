import type { IncomingHttpHeaders } from 'node:http'
import type { FrameMemory } from '../core/frame-memory.js'
import type { SourceUrl } from '../core/source-url.js'
import type { Credentials } from '../outbound/credentials.js'
import type { OutboundGuard } from '../outbound/guard.js'

/** One JPEG of a source and what stood with it. */
export interface SourcePart {
  /** Of the part, or of the answer that was one picture; by lower-case name. */
  readonly headers: Readonly<Record<string, string>>
  readonly memory: FrameMemory
}

/** One try to read a source: what each kind of reader works with. The credentials, too, are kept from try to try. */
export interface Reading {
  readonly source: SourceUrl
  readonly guard: OutboundGuard
  readonly credentials: Credentials | undefined
  /** With what headers the last picture of a snapshot address came; kept from one try to the next. */
  readonly lastSnapshot: { headers: IncomingHttpHeaders }
  /** Pictures a second; undefined for one a second from a snapshot address, and as they come from all others. */
  readonly fps: number | undefined
  readonly maxFrameBytes: number
  /** The program to run; tests name others. */
  readonly ffmpeg: string
  /** Takes a picture. Where it gives a promise, nothing more is read until it is settled. */
  readonly onPart: (part: SourcePart) => void | Promise<void>
  /** A part that is no picture was left out. */
  readonly onBadPart: (reason: string) => void
  /** The source is well although there is no new picture. */
  readonly onAlive: () => void
  /** Ends the try. */
  readonly signal: AbortSignal
}
