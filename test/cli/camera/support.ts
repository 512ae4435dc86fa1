import type { Shot } from '../../../src/cli/camera/frame.js'

/** A frame as the intake makes it, of a picture that is its name. */
export function shotOf (sequence: number, { spill = false, bytes = 0 } = {}): Shot {
  return {
    jpeg: Buffer.concat([Buffer.from(`picture ${sequence}`), Buffer.alloc(bytes)]),
    spillDetected: spill,
    sequence,
    headers: {
      'X-Oil-Spill-Detected': String(spill),
      'X-Frame-Sequence': String(sequence),
      ...spill && { 'Idempotency-Key': `key ${sequence}` },
      'X-Heading': '7'
    }
  }
}
