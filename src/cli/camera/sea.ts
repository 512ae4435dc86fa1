import {
  createDarkPalette, createRainbowPalette, createSeaPalette, filmSteps, seaDistances, seaShades, type FilmPalette
} from './colours.js'
import { createSky } from './sky.js'
import { isVisible, slickAt, type Slick, type SlickKind } from './slick.js'
import { addTextureLine, createWaveTexture, textureSize, type WaveTexture } from './wave-texture.js'

/** One picture of the sea. */
export interface SeaPicture {
  /** RGBA, four bytes a pixel, row by row from the top. The next `render` draws into the same bytes. */
  data: Uint8Array
  width: number
  height: number
  /** Whether an oil slick can be seen: what a detector would say of this picture. */
  slickVisible: boolean
}

/** A sea to look at. */
export interface Sea {
  /** Draws the sea as it is at a time after the start. The same seed, size and time always give the same bytes. */
  render (timeSeconds: number): SeaPicture
}

/** One family of waves, as a texture laid on the water that moves with the waves. */
interface WaveLayer {
  texture: WaveTexture
  tileMetres: number
  gain: number
  /** How fast it goes, to the right and towards the viewer. */
  rightMetresPerSecond: number
  towardsMetresPerSecond: number
}

/** What is the same for one row of the picture at any time. */
interface SeaRow {
  depthMetres: number
  /** How many metres of water lie between this row and the next. */
  depthStepMetres: number
  /** How many metres of water lie between two samples in the row. */
  stepMetres: number
  /** 0 at the horizon, 1 at the bottom. */
  nearness: number
  paletteOffset: number
}

const horizonPart = 0.3
const cameraHeightMetres = 11
const focalLengthPart = 0.9 // of the width: a view of 58 degrees
const pixelsPerSample = 2 // waves look long and flat in perspective: half the resolution across is enough

/**
 * Sets up a sea: textures, palettes and the sky, which takes some hundred milliseconds; after that a picture of
 * 1280x720 takes about 12. It knows no clock and keeps nothing from one picture to the next but its buffers.
 *
 * How it works: every row of the picture lies at one distance, so waves are a few textures read line by line, larger
 * or smaller by distance. Their sum is a slope; slopes (and the sun's glare) choose from a palette of water colours. A
 * slick is a field that is 1 in its middle and 0 at a rough edge; it smooths the waves and lays a film colour on top.
 */
export function createSea ({ width, height, seed }: { width: number, height: number, seed: number }): Sea {
  const data = new Uint8Array(width * height * 4)
  const pixels = new Uint32Array(data.buffer)
  const horizonRow = Math.round(height * horizonPart)
  const rows = createRows(width, height, horizonRow)
  const sky = createSky(width, horizonRow, seed)
  const drawRow = createRowPainter(width, seed)
  return {
    render (timeSeconds) {
      const slick = slickAt(timeSeconds, seed)
      pixels.set(sky)
      rows.forEach((row, i) => drawRow(pixels, (horizonRow + i) * width, row, timeSeconds, slick))
      return { data, width, height, slickVisible: isVisible(slick) }
    }
  }
}

function createRows (width: number, height: number, horizonRow: number): SeaRow[] {
  const focalPixels = width * focalLengthPart
  const seaHeight = height - horizonRow
  return Array.from({ length: seaHeight }, (_, i) => {
    const depthMetres = focalPixels * cameraHeightMetres / (i + 1)
    const nearness = i / seaHeight
    return {
      depthMetres,
      depthStepMetres: depthMetres / (i + 1),
      stepMetres: depthMetres / focalPixels * pixelsPerSample,
      nearness,
      paletteOffset: Math.round((1 - nearness) * (seaDistances - 1)) * seaShades
    }
  })
}

function createWaveLayers (seed: number): WaveLayer[] {
  const chop = createWaveTexture({ seed: seed + 1, waveCount: 70, minWaveNumber: 5, maxWaveNumber: 90, spreadRadians: 1, falloff: 0.6 })
  const swell = createWaveTexture({ seed: seed + 2, waveCount: 60, minWaveNumber: 4, maxWaveNumber: 40, spreadRadians: 0.7, falloff: 0.6 })
  return [
    { texture: chop, tileMetres: 13, gain: 0.32, rightMetresPerSecond: 0.5, towardsMetresPerSecond: 0.9 },
    { texture: chop, tileMetres: 37, gain: 0.42, rightMetresPerSecond: -0.7, towardsMetresPerSecond: 1.6 },
    { texture: swell, tileMetres: 120, gain: 0.55, rightMetresPerSecond: 0.6, towardsMetresPerSecond: 2.6 },
    { texture: swell, tileMetres: 900, gain: 0.35, rightMetresPerSecond: -1, towardsMetresPerSecond: 6 }
  ]
}

type RowPainter = (pixels: Uint32Array, offset: number, row: SeaRow, timeSeconds: number, slick: Slick | undefined) => void

function createRowPainter (width: number, seed: number): RowPainter {
  const sampleCount = Math.ceil(width / pixelsPerSample) + 1
  const slopes = new Float32Array(sampleCount)
  const films = new Float32Array(sampleCount)
  const layers = createWaveLayers(seed)
  const edge = createWaveTexture({ seed: seed + 3, waveCount: 80, minWaveNumber: 2, maxWaveNumber: 70, spreadRadians: Math.PI, falloff: 0.85 })
  const seaPalette = createSeaPalette()
  const filmPalettes: Record<SlickKind, FilmPalette> = { rainbow: createRainbowPalette(), dark: createDarkPalette() }

  return (pixels, offset, row, timeSeconds, slick) => {
    slopes.fill(0)
    for (const layer of layers) addLayer(slopes, layer, row, timeSeconds)
    const reached = slick !== undefined && fillFilm(films, edge, row, slick, timeSeconds)
    if (reached) calm(slopes, films)
    shade(slopes, row, timeSeconds)
    paintWater(pixels, offset, width, slopes, seaPalette, row.paletteOffset)
    if (reached) paintFilm(pixels, offset, width, films, filmPalettes[slick.kind])
  }
}

function addLayer (slopes: Float32Array, layer: WaveLayer, row: SeaRow, timeSeconds: number): void {
  const texelsPerMetre = textureSize / layer.tileMetres
  const leftMetres = -row.stepMetres * (slopes.length - 1) / 2
  addTextureLine(slopes, layer.texture, layer.gain, {
    start: (leftMetres - layer.rightMetresPerSecond * timeSeconds) * texelsPerMetre,
    step: row.stepMetres * texelsPerMetre,
    row: (row.depthMetres + layer.towardsMetresPerSecond * timeSeconds) * texelsPerMetre,
    texelsPerValue: Math.sqrt(row.stepMetres * row.depthStepMetres) * texelsPerMetre
  })
}

/** Fills a row of the slick's thickness, from 0 to 1. False if the slick does not reach this row. */
function fillFilm (films: Float32Array, edge: WaveTexture, row: SeaRow, slick: Slick, timeSeconds: number): boolean {
  const away = (row.depthMetres - slick.centreZMetres) / slick.radiusZMetres
  if (Math.abs(away) > 1.6) return false
  const texelsPerMetre = textureSize / 130
  const leftMetres = -row.stepMetres * (films.length - 1) / 2 - slick.centreXMetres
  films.fill(0)
  addTextureLine(films, edge, 0.42, { // drifts with the slick and changes slowly
    start: leftMetres * texelsPerMetre,
    step: row.stepMetres * texelsPerMetre,
    row: (row.depthMetres - slick.centreZMetres + 0.8 * timeSeconds) * texelsPerMetre,
    texelsPerValue: Math.sqrt(row.stepMetres * row.depthStepMetres) * texelsPerMetre
  })
  for (let i = 0; i < films.length; i++) {
    const across = (leftMetres + i * row.stepMetres) / slick.radiusXMetres
    const film = (1 - across * across - away * away + films[i]!) * 0.75 * slick.strength
    films[i] = film < 0 ? 0 : film > 1 ? 1 : film
  }
  return true
}

/** Oil takes ripples out of the water, and the waves that are left make it thinner and thicker. */
function calm (slopes: Float32Array, films: Float32Array): void {
  for (let i = 0; i < slopes.length; i++) {
    const film = films[i]!
    slopes[i]! *= film > 0.125 ? 0.5 : 1 - 4 * film
    const waved = film * (1 + 0.5 * slopes[i]!)
    films[i] = waved < 0 ? 0 : waved > 1 ? 1 : waved
  }
}

/** Turns slopes into shades of the sea's palette: the sky in the slopes, and the sun where they are steep. */
function shade (slopes: Float32Array, { nearness }: SeaRow, timeSeconds: number): void {
  const base = 205 + 95 * (1 - nearness) ** 3
  const contrast = 62 - 20 * (1 - nearness)
  const glareCentre = slopes.length * (0.66 + 0.16 * Math.sin(timeSeconds / 23) + 0.02 * Math.sin(timeSeconds / 3.1))
  const glareWidth = slopes.length * (0.055 + 0.13 * nearness)
  for (let i = 0; i < slopes.length; i++) {
    const slope = slopes[i]!
    const off = (i - glareCentre) / glareWidth
    const glare = 1 / (1 + off * off * (1 + off * off))
    const steep = slope > 0.15 ? slope - 0.15 : 0
    const value = base + slope * contrast + glare * (24 + 150 * steep)
    slopes[i] = Math.max(0, Math.min(value, seaShades - 1))
  }
}

function paintWater (pixels: Uint32Array, offset: number, width: number, shades: Float32Array, palette: Uint32Array, paletteOffset: number): void {
  for (let x = 0, i = 0; x < width; x += 2, i++) {
    const here = shades[i]!
    pixels[offset + x] = palette[paletteOffset + (here | 0)]!
    if (x + 1 < width) pixels[offset + x + 1] = palette[paletteOffset + ((here + shades[i + 1]!) >> 1)]!
  }
}

function paintFilm (pixels: Uint32Array, offset: number, width: number, films: Float32Array, { pixels: colours, coverage }: FilmPalette): void {
  for (let x = 0; x < width; x++) {
    const i = x >> 1
    const film = ((x & 1) === 0 ? films[i]! : (films[i]! + films[i + 1]!) / 2) * (filmSteps - 1) | 0
    if (film === 0) continue
    pixels[offset + x] = blend(pixels[offset + x]!, colours[film]!, coverage[film]!)
  }
}

/** A mix of two RGBA pixels: 0 gives `under`, 255 gives `over`. */
function blend (under: number, over: number, part: number): number {
  const red = (under & 255) + (((over & 255) - (under & 255)) * part >> 8)
  const green = (under >> 8 & 255) + (((over >> 8 & 255) - (under >> 8 & 255)) * part >> 8)
  const blue = (under >> 16 & 255) + (((over >> 16 & 255) - (under >> 16 & 255)) * part >> 8)
  return 0xff000000 | blue << 16 | green << 8 | red
}
