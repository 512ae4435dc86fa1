import t from 'tap'
import {
  createDarkPalette, createRainbowPalette, createSeaPalette, filmSteps, horizonColour, mix, pixelOf, seaDistances, seaShades, smoothstep
} from '../../../src/cli/camera/colours.js'

const parts = (pixel: number) => [pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255]
const sum = (pixel: number) => parts(pixel).reduce((total, part) => total + part)

t.test('a pixel is red, green, blue and opaque, in memory order', async t => {
  t.strictSame([...new Uint8Array(Uint32Array.of(pixelOf([1, 2.4, 300])).buffer)], [1, 2, 255, 255])
  t.equal(pixelOf([-5, 0, 0]), 0xff000000)
})

t.test('mix goes from one colour to the other', async t => {
  t.strictSame(mix([0, 10, 20], [10, 20, 40], 0.5), [5, 15, 30])
})

t.test('smoothstep is flat outside and one half in the middle', async t => {
  t.strictSame([-1, 2, 4, 6, 9].map(value => smoothstep(2, 6, value)), [0, 0, 0.5, 1, 1])
})

t.test('water gets brighter with the shade and fades into the horizon', async t => {
  const palette = createSeaPalette()
  t.equal(palette.length, seaShades * seaDistances)
  for (let shade = 1; shade < seaShades; shade++) t.ok(sum(palette[shade]!) >= sum(palette[shade - 1]!))
  const farthest = parts(palette[(seaDistances - 1) * seaShades]!)
  farthest.forEach((part, i) => t.ok(Math.abs(part - horizonColour[i]!) < 40))
  const between = sum(palette[(seaDistances - 6) * seaShades]!)
  t.ok(between > sum(palette[0]!) + 50 && between < sum(palette[(seaDistances - 1) * seaShades]!) - 50)
})

t.test('oil is invisible at its edge and dark where it is thick', async t => {
  for (const film of [createRainbowPalette(), createDarkPalette()]) {
    t.equal(film.pixels.length, filmSteps)
    t.equal(film.coverage[0], 0)
    t.ok(film.coverage[filmSteps - 1]! > 180)
    t.ok(sum(film.pixels[filmSteps - 1]!) < 80)
  }
})
