import { createRandom } from './random.js'

/** How an oil slick looks: `rainbow` has bands of thin-film colours around its dark middle, `dark` a grey sheen. */
export type SlickKind = 'rainbow' | 'dark'

/** An oil slick at one moment. Metres are on the water: x to the right of the camera, z away from it. */
export interface Slick {
  kind: SlickKind
  centreXMetres: number
  centreZMetres: number
  radiusXMetres: number
  radiusZMetres: number
  /** How much of it is there: it rises from 0 to 1 as the oil comes up and falls back to 0 as it breaks up. */
  strength: number
}

/** When slicks come, in seconds after the start. */
export const slickSchedule = { firstSeconds: 10, everySeconds: 60, lifetimeSeconds: 18, fadeSeconds: 4 }

/** From this strength on a slick can be seen in the picture, and the camera reports it. */
const visibleStrength = 0.35

/**
 * The slick that is on the water at a time after the start, or undefined between slicks. Each has its own place; they
 * spread (fast at first, then slower), drift with the wind, and take turns in kind, a rainbow first.
 */
export function slickAt (timeSeconds: number, seed: number): Slick | undefined {
  const { firstSeconds, everySeconds, lifetimeSeconds, fadeSeconds } = slickSchedule
  const turn = Math.floor((timeSeconds - firstSeconds) / everySeconds)
  const ageSeconds = timeSeconds - firstSeconds - turn * everySeconds
  if (turn < 0 || ageSeconds >= lifetimeSeconds) return undefined
  const random = createRandom(seed + turn)
  const spread = Math.sqrt((ageSeconds + 1) / (lifetimeSeconds + 1))
  return {
    kind: turn % 2 === 0 ? 'rainbow' : 'dark',
    centreXMetres: -11 + 18 * random() + 0.5 * ageSeconds,
    centreZMetres: 62 + 14 * random() - 0.35 * ageSeconds,
    radiusXMetres: (34 + 8 * random()) * spread,
    radiusZMetres: (24 + 6 * random()) * spread,
    strength: Math.min(1, ageSeconds / fadeSeconds, (lifetimeSeconds - ageSeconds) / fadeSeconds)
  }
}

/** Whether somebody who looks at the picture would see it. */
export function isVisible (slick: Slick | undefined): slick is Slick {
  return slick !== undefined && slick.strength >= visibleStrength
}
