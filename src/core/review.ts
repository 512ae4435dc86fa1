import type { Verdict } from './event-filter.js'

/**
 * What is taken for oil and is none. Sources: C. Brekke and A. Solberg, Oil spill detection by satellite remote sensing,
 * Remote Sensing of Environment 95 (2005); W. Alpers, B. Holt and K. Zeng, Oil spill detection by imaging radars:
 * Challenges and pitfalls, Remote Sensing of Environment 201 (2017); the last ones before `other` are those of cameras.
 */
export const LOOK_ALIKES = [
  'algal_bloom', 'biogenic_film', 'cloud_shadow', 'current_front', 'ice', 'internal_wave', 'kelp', 'low_wind', 'natural_seep', 'rain_cell', 'run_off',
  'sediment', 'shallow_bottom', 'ship_wake', 'upwelling', 'sun_glint', 'reflection', 'foam', 'lens_dirt', 'other'
] as const

/** What was taken for oil. */
export type LookAlike = typeof LOOK_ALIKES[number]

/** What somebody says of an event. */
export interface Review {
  readonly verdict: Verdict
  /** What it was, where it was a false positive. */
  readonly lookAlike: LookAlike | null
  /**
   * How the oil looks, and so how thick it is: 1 sheen, 2 rainbow, 3 metallic, 4 discontinuous true colour, 5 continuous
   * true colour. Source: Bonn Agreement Oil Appearance Code, Aerial Operations Handbook, part 3.
   */
  readonly oilAppearanceCode: number | null
  readonly notes: string
}

/** A review as it is kept. */
export interface StoredReview extends Omit<Review, 'verdict' | 'lookAlike'> {
  readonly reviewId: number
  /** The event that was reviewed; it may have become a part of another one since. */
  readonly eventId: number
  readonly atMs: number
  /** Null where the server took the verdict back, since the event became one with another of which something else was said. */
  readonly reviewer: string | null
  readonly verdict: Verdict | null
  readonly lookAlike: string | null
}

/** That an event was held or released, as it is kept. */
export interface StoredHold {
  readonly holdId: number
  readonly eventId: number
  readonly atMs: number
  /** Null where the server handed the hold on, since the event became a part of another one. */
  readonly username: string | null
  /** False for a release. */
  readonly isHeld: boolean
  readonly reason: string
}

/** Who first said of an event: I have seen it. Both are null where nobody has. */
export interface Acknowledgement {
  readonly atMs: number | null
  readonly username: string | null
}

/** Says why a review makes no sense; undefined where it does. */
export function reviewProblem ({ verdict, lookAlike, oilAppearanceCode }: Review): string | undefined {
  if (lookAlike !== null && verdict !== 'false_positive') return 'look_alike says what a false positive was: leave it out, or make the verdict false_positive'
  if (oilAppearanceCode !== null && verdict === 'false_positive') return 'oil_appearance_code says how oil looks, and a false positive is none: leave it out, or make the verdict confirmed or unsure'
  return undefined
}

/**
 * The verdict on two events that turned out to be one. It stays where it is the same of both; else somebody must look
 * again, since nobody has seen the whole.
 */
export function mergedVerdict (first: Verdict | null, second: Verdict | null): Verdict | null {
  return first === second ? first : null
}
