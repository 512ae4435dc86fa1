/**
 * A small repeatable random number generator (mulberry32): the same seed always gives the same numbers, so that the
 * simulated sea can be drawn again exactly. Not for secrets.
 * @returns a function that gives the next number from 0 up to, but not including, 1
 */
export function createRandom (seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let bits = Math.imul(state ^ (state >>> 15), state | 1)
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61)
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32
  }
}
