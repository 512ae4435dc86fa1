/** Gives whole numbers from 0 up to, but not including, the bound. */
export type Random = (below: number) => number

/** Numbers below 2^31 that are the same for the same seed. */
export function randomFrom (seed: number): Random {
  let state = seed * 2654435761 % 0x7fffffff + 1
  return below => {
    state = (state * 48271) % 0x7fffffff
    return state % below
  }
}
