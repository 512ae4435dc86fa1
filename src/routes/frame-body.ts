import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { FrameMemory } from '../core/frame-memory.js'
import { FrameTooLarge, UploadBrokenOff } from '../errors.js'

type Done = (error: Error | null, body?: FrameMemory) => void

/**
 * A body parser that takes bytes of any media type into the memory of one frame. Where the request says how long the
 * body is, that is made first, and each byte is copied once, from the network's buffer into its place.
 *
 * Errors: FrameTooLarge above `maxBytes`, as soon as it is known; UploadBrokenOff where the body ends early.
 */
export function frameParser (maxBytes: number): (request: FastifyRequest, payload: IncomingMessage, done: Done) => void {
  return (request, payload, done) => {
    const length = request.headers['content-length']
    if (length === undefined) collect(payload, maxBytes, done)
    else fill(payload, new FrameMemory(Number(length)), done)
  }
}

/** Node ends a body neither before nor after the length that its request gives: then there is an error instead. */
function fill (payload: IncomingMessage, memory: FrameMemory, done: Done): void {
  let at = 0
  payload.on('data', (chunk: Buffer) => { at += chunk.copy(memory.jpeg, at) })
  finish(payload, done, () => memory)
}

/** A chunked body: its length is known when it is all there. */
function collect (payload: IncomingMessage, maxBytes: number, done: Done): void {
  const chunks: Buffer[] = []
  let length = 0
  payload.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length <= maxBytes) {
      chunks.push(chunk)
      return
    }
    payload.removeAllListeners('data').removeAllListeners('end').removeAllListeners('error')
    done(new FrameTooLarge(maxBytes))
  })
  finish(payload, done, () => {
    const memory = new FrameMemory(length)
    let at = 0
    for (const chunk of chunks) at += chunk.copy(memory.jpeg, at)
    return memory
  })
}

function finish (payload: IncomingMessage, done: Done, body: () => FrameMemory): void {
  payload.once('end', () => { done(null, body()) })
  payload.once('error', () => { done(new UploadBrokenOff()) })
}
