import { createRandom } from './random.js'

/**
 * A square of wave values that repeats without a seam, with mean 0 and standard deviation 1. `levels[0]` has
 * `textureSize` values a side; each further level is half as wide and smoothed, for water too far away to show detail.
 */
export interface WaveTexture { readonly levels: readonly Float32Array[] }

/** Which waves a texture is made of. Wave numbers count whole waves from one edge of the texture to the other. */
export interface WaveSpectrum {
  seed: number
  waveCount: number
  minWaveNumber: number
  maxWaveNumber: number
  /** How far wave directions stray from "towards the viewer", in radians. Pi gives waves from everywhere. */
  spreadRadians: number
  /** How fast waves get smaller as they get shorter: amplitude = wave number ^ -falloff. */
  falloff: number
}

/** Values a side of a texture's finest level. A power of two, so that a bit mask wraps an index. */
export const textureSize = 512

const smallestLevelSize = 16

/** Sums up the spectrum's waves. It takes some tens of milliseconds: make textures once, at the start. */
export function createWaveTexture (spectrum: WaveSpectrum): WaveTexture {
  const values = sumWaves(spectrum)
  normalise(values)
  const levels = [values]
  for (let size = textureSize, level = values; size > smallestLevelSize; size /= 2) {
    level = halve(level, size)
    levels.push(level)
  }
  return { levels }
}

/**
 * Adds one line of a texture, times `gain`, to `line`. Positions and steps are in texels of the finest level.
 * @param start where the line's first value lies along the texture's rows
 * @param step how far apart neighbouring values lie
 * @param row the texture row, fractions are interpolated
 * @param texelsPerValue how much of the texture one value of the line stands for: chooses the smoothed level
 */
export function addTextureLine (
  line: Float32Array, texture: WaveTexture, gain: number,
  { start, step, row, texelsPerValue }: { start: number, step: number, row: number, texelsPerValue: number }
): void {
  const level = Math.max(0, Math.ceil(Math.log2(texelsPerValue)))
  const values = texture.levels[level]
  if (values === undefined) return // so far away that the waves average out
  const size = textureSize >> level
  const blended = blendRows(values, size, row / 2 ** level, gain)
  const wrap = size - 1
  const levelStep = step / 2 ** level
  // Kept positive and small, so that truncation below is a floor and a hot loop needs no Math.floor.
  let position = (start / 2 ** level) % size
  if (position < 0) position += size
  for (let i = 0; i < line.length; i++) {
    const whole = position | 0
    const left = blended[whole & wrap]!
    line[i]! += left + (blended[(whole & wrap) + 1]! - left) * (position - whole)
    position += levelStep
  }
}

const scratch = new Float32Array(textureSize + 1)

/** One row between two rows of the texture, with the first value repeated at the end. */
function blendRows (values: Float32Array, size: number, row: number, gain: number): Float32Array {
  const whole = Math.floor(row)
  const upper = (whole & (size - 1)) * size
  const lower = ((whole + 1) & (size - 1)) * size
  const lowerGain = (row - whole) * gain
  const upperGain = gain - lowerGain
  for (let i = 0; i < size; i++) scratch[i] = values[upper + i]! * upperGain + values[lower + i]! * lowerGain
  scratch[size] = scratch[0]!
  return scratch
}

function sumWaves ({ seed, waveCount, minWaveNumber, maxWaveNumber, spreadRadians, falloff }: WaveSpectrum): Float32Array {
  const random = createRandom(seed)
  const sine = Float32Array.from({ length: textureSize }, (_, i) => Math.sin(2 * Math.PI * i / textureSize))
  const values = new Float32Array(textureSize * textureSize)
  for (let wave = 0; wave < waveCount; wave++) {
    const waveNumber = minWaveNumber * (maxWaveNumber / minWaveNumber) ** random()
    const direction = (random() - 0.5) * 2 * spreadRadians
    const across = Math.round(waveNumber * Math.sin(direction))
    const towards = Math.round(waveNumber * Math.cos(direction))
    const phase = Math.floor(random() * textureSize)
    const amplitude = waveNumber ** -falloff
    for (let i = 0; i < values.length; i++) {
      const angle = (i & (textureSize - 1)) * across + (i >> 9) * towards + phase
      values[i]! += amplitude * sine[angle & (textureSize - 1)]!
    }
  }
  return values
}

function normalise (values: Float32Array): void {
  let sum = 0
  let squares = 0
  for (const value of values) {
    sum += value
    squares += value * value
  }
  const mean = sum / values.length
  const deviation = Math.sqrt(squares / values.length - mean * mean)
  for (let i = 0; i < values.length; i++) values[i] = (values[i]! - mean) / deviation
}

function halve (values: Float32Array, size: number): Float32Array {
  const half = size / 2
  const smaller = new Float32Array(half * half)
  for (let y = 0; y < half; y++) {
    for (let x = 0; x < half; x++) {
      const i = 2 * y * size + 2 * x
      smaller[y * half + x] = (values[i]! + values[i + 1]! + values[i + size]! + values[i + size + 1]!) / 4
    }
  }
  return smaller
}
