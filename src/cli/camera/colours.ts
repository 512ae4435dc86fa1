/** A colour: red, green and blue from 0 to 255. */
export type Colour = readonly [red: number, green: number, blue: number]

/** Steps of one row of `seaPalette`: dark troughs at 0, water in the middle, glints at the end. */
export const seaShades = 512

/** Rows of `seaPalette`: 0 is the water at the viewer's feet, the last one the water at the horizon. */
export const seaDistances = 48

/** Steps of a slick's palette: no oil at 0, thick oil at the end. */
export const filmSteps = 256

/** The colour where sky and sea meet; both fade into it. */
export const horizonColour: Colour = [187, 203, 209]

const seaStops: Array<[at: number, colour: Colour]> = [
  [0, [6, 30, 42]], [110, [15, 57, 72]], [200, [32, 88, 105]], [290, [92, 134, 150]], [370, [168, 184, 186]],
  [440, [243, 229, 196]], [511, [255, 250, 236]]
]

/** One colour as the four bytes of an opaque RGBA pixel (in the byte order of every machine Node runs on). */
export function pixelOf ([red, green, blue]: Colour): number {
  return (0xff000000 | clamp(blue) << 16 | clamp(green) << 8 | clamp(red)) >>> 0
}

/** The colour a part of the way from one to another: 0 gives `from`, 1 gives `to`. */
export function mix (from: Colour, to: Colour, part: number): Colour {
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part, from[2] + (to[2] - from[2]) * part]
}

/** Pixels of the water: `seaDistances` rows of `seaShades`, paler and hazier the farther away. */
export function createSeaPalette (): Uint32Array {
  const palette = new Uint32Array(seaDistances * seaShades)
  for (let distance = 0; distance < seaDistances; distance++) {
    const haze = 0.85 * (distance / (seaDistances - 1)) ** 5
    for (let shade = 0; shade < seaShades; shade++) {
      palette[distance * seaShades + shade] = pixelOf(mix(between(seaStops, shade), horizonColour, haze))
    }
  }
  return palette
}

/** The colours of a film of oil by its thickness, and how much they hide the water (0 to 255). */
export interface FilmPalette { pixels: Uint32Array, coverage: Uint8Array }

/**
 * Rainbow: light reflected at the top and at the bottom of a thin film cancels for wavelengths that fit its thickness
 * (2 n d = m lambda), so red, green and blue swing at different rates as the film gets thicker; thick oil is black.
 */
export function createRainbowPalette (): FilmPalette {
  return createFilmPalette(part => {
    const thicknessNm = 90 + 950 * part
    const reflected = (wavelengthNm: number) => 70 + 150 * Math.sin(2 * Math.PI * 1.45 * thicknessNm / wavelengthNm) ** 2
    const film: Colour = [reflected(640), reflected(535), reflected(450)]
    return mix(film, [24, 19, 17], smoothstep(0.35, 0.9, part))
  }, part => smoothstep(0, 0.1, part) * 0.45 + smoothstep(0.2, 0.9, part) * 0.35)
}

/** Dark: a silver-grey sheen at the edge that turns brown and then black. */
export function createDarkPalette (): FilmPalette {
  const stops: Array<[number, Colour]> = [
    [0, [150, 160, 164]], [0.2, [112, 116, 116]], [0.4, [62, 52, 42]], [0.65, [27, 21, 18]], [1, [14, 12, 12]]
  ]
  return createFilmPalette(part => between(stops, part), part => smoothstep(0, 0.15, part) * 0.45 + smoothstep(0.2, 0.8, part) * 0.35)
}

function createFilmPalette (colourAt: (part: number) => Colour, coverageAt: (part: number) => number): FilmPalette {
  const parts = Array.from({ length: filmSteps }, (_, i) => i / (filmSteps - 1))
  return {
    pixels: Uint32Array.from(parts, part => pixelOf(colourAt(part))),
    coverage: Uint8Array.from(parts, part => Math.round(255 * coverageAt(part)))
  }
}

/** 0 below `from`, 1 above `to`, and a smooth S between. */
export function smoothstep (from: number, to: number, value: number): number {
  const part = Math.min(1, Math.max(0, (value - from) / (to - from)))
  return part * part * (3 - 2 * part)
}

function between (stops: Array<[at: number, colour: Colour]>, at: number): Colour {
  const above = Math.max(1, stops.findIndex(([stop]) => stop >= at))
  const [fromAt, from] = stops[above - 1]!
  const [toAt, to] = stops[above]!
  return mix(from, to, (at - fromAt) / (toAt - fromAt))
}

function clamp (value: number): number {
  return Math.min(255, Math.max(0, Math.round(value)))
}
