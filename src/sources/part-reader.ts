import type { Readable } from 'node:stream'
import { MultipartParser } from '../core/multipart-parser.js'
import type { Reading } from './reading.js'
import { SourceFailed } from './source-failed.js'

/**
 * Reads a multipart stream to its end and hands on every part the moment its last byte is in. It reads no faster than
 * the parts are taken.
 * @throws SourceFailed if it is no such stream; what the stream itself throws
 */
export async function readParts (stream: Readable, { maxFrameBytes, onPart, onBadPart, signal }: Reading): Promise<void> {
  let taking: Array<Promise<void>> = []
  const parser = new MultipartParser({
    maxPartBytes: maxFrameBytes,
    onPart: part => {
      const taken = signal.aborted ? undefined : onPart(part)
      if (taken === undefined) return
      taken.catch(() => {}) // it is awaited below, but not if the stream turns out to be hopeless first
      taking.push(taken)
    },
    onBadPart
  })
  const parse = (act: () => void) => {
    try {
      act()
    } catch (error) {
      throw new SourceFailed(error instanceof Error ? error.message : String(error))
    }
  }
  for await (const chunk of stream) {
    if (signal.aborted) return
    if (Buffer.isBuffer(chunk)) parse(() => { parser.push(chunk) })
    if (taking.length === 0) continue
    await Promise.all(taking)
    taking = []
  }
  parse(() => { parser.end() })
}
