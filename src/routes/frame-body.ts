import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { FrameMemory } from '../core/frame-memory.js'
import { FrameTooLarge, UploadBrokenOff } from '../errors.js'

type Done = (error: Error | null, body?: FrameMemory) => void

/** What becomes of a body's bytes. */
interface Receiver {
  /** Takes the next bytes; an error ends the reading. */
  take (chunk: Buffer): Error | undefined
  /** The whole body. */
  whole (): FrameMemory
}

/**
 * A body parser that takes bytes of any media type into the memory of one frame. Where the request says how long the
 * body is, that is made first, and each byte is copied once, from the network's buffer into its place.
 *
 * Errors: FrameTooLarge above `maxBytes`, as soon as it is known; UploadBrokenOff where the body ends early.
 */
export function frameParser (maxBytes: number): (request: FastifyRequest, payload: IncomingMessage, done: Done) => void {
  return (request, payload, done) => {
    const length = request.headers['content-length']
    read(payload, length === undefined ? ofUnknownLength(maxBytes) : ofLength(Number(length)), done)
  }
}

/** The route has refused lengths that are too large, and Node delivers exactly as many bytes or an error. */
function ofLength (length: number): Receiver {
  const memory = new FrameMemory(length)
  let at = 0
  return {
    take (chunk) {
      at += chunk.copy(memory.jpeg, at)
      return undefined
    },
    whole: () => memory
  }
}

/** A chunked body. */
function ofUnknownLength (maxBytes: number): Receiver {
  const chunks: Buffer[] = []
  let length = 0
  return {
    take (chunk) {
      length += chunk.length
      chunks.push(chunk)
      return length > maxBytes ? new FrameTooLarge(maxBytes) : undefined
    },
    whole: () => FrameMemory.copyOf(Buffer.concat(chunks, length))
  }
}

/** Listens until the body is whole or is not to be; a client that leaves after that is no error any more. */
function read (payload: IncomingMessage, receiver: Receiver, done: Done): void {
  function settle (error: Error | null, body?: FrameMemory): void {
    payload.off('data', onData).off('end', onEnd).off('error', onError)
    done(error, body)
  }
  function onData (chunk: Buffer): void {
    const error = receiver.take(chunk)
    if (error !== undefined) settle(error)
  }
  function onEnd (): void { settle(null, receiver.whole()) }
  function onError (): void { settle(new UploadBrokenOff()) }
  payload.on('data', onData).on('end', onEnd).on('error', onError)
}
