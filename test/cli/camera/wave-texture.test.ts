import t, { type Test } from 'tap'
import { addTextureLine, createWaveTexture, textureSize } from '../../../src/cli/camera/wave-texture.js'

const texture = createWaveTexture({ seed: 3, waveCount: 20, minWaveNumber: 2, maxWaveNumber: 20, spreadRadians: 1, falloff: 0.5 })
const finest = texture.levels[0]!

function line (length: number, place: { start: number, step: number, row: number, texelsPerValue: number }, gain = 1): Float32Array {
  const values = new Float32Array(length)
  addTextureLine(values, texture, gain, place)
  return values
}

function near (t: Test, actual: number, expected: number): void {
  t.ok(Math.abs(actual - expected) < 1e-4, `${actual} is near ${expected}`)
}

t.test('its values have mean 0 and deviation 1', async t => {
  const sum = finest.reduce((total, value) => total + value, 0)
  const squares = finest.reduce((total, value) => total + value * value, 0)
  t.ok(Math.abs(sum / finest.length) < 1e-3)
  t.ok(Math.abs(squares / finest.length - 1) < 1e-3)
})

t.test('each level is half as wide, down to 16, with the same mean', async t => {
  t.strictSame(texture.levels.map(level => Math.sqrt(level.length)), [512, 256, 128, 64, 32, 16])
  near(t, texture.levels[1]![0]!, (finest[0]! + finest[1]! + finest[512]! + finest[513]!) / 4)
})

t.test('a line is read as it is, between texels, and across the seam', async t => {
  const place = { start: 0, step: 1, row: 5, texelsPerValue: 1 }
  const whole = line(textureSize + 2, place)
  near(t, whole[7]!, finest[5 * textureSize + 7]!)
  near(t, whole[textureSize]!, whole[0]!)
  near(t, line(1, { ...place, start: 7.25 })[0]!, whole[7]! * 0.75 + whole[8]! * 0.25)
  near(t, line(1, { ...place, start: textureSize - 0.5 })[0]!, (whole[511]! + whole[0]!) / 2)
  near(t, line(1, { ...place, start: -3 })[0]!, whole[textureSize - 3]!)
  near(t, line(1, { ...place, row: 5.5 })[0]!, (whole[0]! + finest[6 * textureSize]!) / 2)
  near(t, line(1, { ...place, row: 5 - textureSize })[0]!, whole[0]!)
  near(t, line(1, place, 0.5)[0]!, whole[0]! / 2)
})

t.test('it adds to what is there', async t => {
  const values = Float32Array.of(10)
  addTextureLine(values, texture, 1, { start: 0, step: 1, row: 0, texelsPerValue: 1 })
  near(t, values[0]!, 10 + finest[0]!)
})

t.test('far away it reads a smoothed level, and nothing at the end', async t => {
  near(t, line(1, { start: 8, step: 4, row: 4, texelsPerValue: 4 })[0]!, texture.levels[2]![1 * 128 + 2]!)
  t.equal(line(1, { start: 0, step: 64, row: 0, texelsPerValue: 64 })[0], 0)
})
