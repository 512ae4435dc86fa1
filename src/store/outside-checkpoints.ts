import type { SignedHead } from '../core/checkpoint.js'

/**
 * The checkpoints in a text that was kept outside: one that was posted, the answer of /api/integrity, a JSON array of
 * some, or lines of a log with what else there is. What is none is passed over.
 */
export function readCheckpoints (text: string): SignedHead[] {
  const whole = parse(text)
  return whole === undefined ? text.split('\n').flatMap(line => checkpointsOf(parse(line))) : checkpointsOf(whole)
}

function parse (text: string): unknown {
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch {
    return undefined
  }
}

function checkpointsOf (value: unknown): SignedHead[] {
  if (Array.isArray(value)) return value.flatMap(checkpointsOf)
  if (typeof value !== 'object' || value === null) return []
  if ('sequence' in value && 'hash' in value && 'at_ms' in value && 'key_id' in value && 'signature' in value) {
    const { sequence, hash, at_ms: atMs, key_id: keyId, signature } = value
    if (typeof sequence !== 'number' || typeof hash !== 'string' || typeof atMs !== 'number' || typeof keyId !== 'string' || typeof signature !== 'string') return []
    return [{ sequence, hash, atMs, keyId, signature }]
  }
  return ['checkpoint', 'head', 'checkpoints'].flatMap(key => key in value ? checkpointsOf(Reflect.get(value, key)) : [])
}
