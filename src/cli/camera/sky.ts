import { horizonColour, mix, pixelOf, smoothstep, type Colour } from './colours.js'
import { addTextureLine, createWaveTexture } from './wave-texture.js'

const zenithColour: Colour = [88, 132, 170]
const cloudColour: Colour = [226, 229, 229]

/** Draws the sky above the horizon once: a gradient with thin clouds, as RGBA pixels from the top row down. */
export function createSky (width: number, rows: number, seed: number): Uint32Array {
  const texture = createWaveTexture({ seed, waveCount: 90, minWaveNumber: 1, maxWaveNumber: 60, spreadRadians: Math.PI, falloff: 1 })
  const pixels = new Uint32Array(width * rows)
  const clouds = new Float32Array(width)
  for (let y = 0; y < rows; y++) {
    const height = (rows - y) / rows
    const farness = 1 / (height + 0.12) // clouds lie on a ceiling that comes down to the horizon
    const step = 100 * farness / width
    clouds.fill(0)
    addTextureLine(clouds, texture, 1, { start: 250 - step * width / 2, step, row: 70 * farness, texelsPerValue: step })
    const clear = mix(horizonColour, zenithColour, height ** 0.8)
    for (let x = 0; x < width; x++) {
      const cloud = 0.6 * smoothstep(-0.2, 2, clouds[x]!) * smoothstep(0, 0.35, height)
      pixels[y * width + x] = pixelOf(mix(clear, cloudColour, cloud))
    }
  }
  return pixels
}
