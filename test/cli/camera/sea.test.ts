import jpeg from 'jpeg-js'
import t from 'tap'
import { createJpegEncoder } from '../../../src/cli/camera/jpeg-encoder.js'
import { createSea, type SeaPicture } from '../../../src/cli/camera/sea.js'
import { slickSchedule } from '../../../src/cli/camera/slick.js'

const size = { width: 320, height: 180 }
const middleOf = (turn: number) => slickSchedule.firstSeconds + turn * slickSchedule.everySeconds + slickSchedule.lifetimeSeconds / 2

/** How many pixels under the horizon match. */
function count (picture: SeaPicture, matches: (red: number, green: number, blue: number) => boolean): number {
  let found = 0
  for (let i = picture.width * Math.ceil(picture.height * 0.35) * 4; i < picture.data.length; i += 4) {
    if (matches(picture.data[i]!, picture.data[i + 1]!, picture.data[i + 2]!)) found++
  }
  return found
}

const isBlack = (red: number, green: number, blue: number) => red < 60 && green < 55 && blue < 55
const isPurple = (red: number, green: number, blue: number) => red > green + 20 && blue > green + 20
const isGlint = (red: number, green: number, blue: number) => red > 220 && green > 200 && blue > 170

t.test('the same seed and time give the same picture, others another', async t => {
  const sea = createSea({ ...size, seed: 1 })
  const first = Buffer.from(sea.render(12.3).data)
  t.not(Buffer.compare(Buffer.from(sea.render(12.4).data), first), 0, 'the sea moves')
  t.equal(Buffer.compare(Buffer.from(createSea({ ...size, seed: 1 }).render(12.3).data), first), 0, 'the same bytes again')
  t.not(Buffer.compare(Buffer.from(createSea({ ...size, seed: 2 }).render(12.3).data), first), 0, 'another seed is another sea')
})

t.test('what was written on one picture is not on the next', async t => {
  const sea = createSea({ ...size, seed: 1 })
  const first = Buffer.from(sea.render(3).data)
  sea.render(3).data.fill(0)
  t.equal(Buffer.compare(Buffer.from(sea.render(3).data), first), 0)
})

t.test('every pixel is opaque, at odd sizes too', async t => {
  const picture = createSea({ width: 65, height: 49, seed: 1 }).render(middleOf(0))
  t.equal(picture.data.length, 65 * 49 * 4)
  t.ok(picture.data.every((byte, i) => i % 4 !== 3 || byte === 255))
})

t.test('clean water has glints of the sun and no black', async t => {
  const picture = createSea({ ...size, seed: 7 }).render(5)
  t.equal(picture.slickVisible, false)
  t.equal(count(picture, isBlack), 0)
  t.equal(count(picture, isPurple), 0)
  t.ok(count(picture, isGlint) > 50)
})

t.test('water is paler the farther away', async t => {
  const { data, width, height } = createSea({ ...size, seed: 7 }).render(5)
  const meanRed = (row: number) => {
    let sum = 0
    for (let x = 0; x < width / 3; x++) sum += data[(row * width + x) * 4]!
    return sum / (width / 3)
  }
  t.ok(meanRed(Math.ceil(height * 0.3) + 1) > 150)
  t.ok(meanRed(Math.ceil(height * 0.6)) < 110)
})

t.test('the first slick has a black middle and rainbow colours, the second is dark only', async t => {
  const sea = createSea({ ...size, seed: 7 })
  const rainbow = sea.render(middleOf(0))
  t.equal(rainbow.slickVisible, true)
  t.ok(count(rainbow, isBlack) > 300)
  t.ok(count(rainbow, isPurple) > 100)
  const dark = sea.render(middleOf(1))
  t.equal(dark.slickVisible, true)
  t.ok(count(dark, isBlack) > 300)
  t.equal(count(dark, isPurple), 0)
})

t.test('a picture of full size is a JPEG of a sane size', async t => {
  const full = { width: 1280, height: 720 }
  const picture = createSea({ ...full, seed: 7 }).render(middleOf(0))
  const bytes = createJpegEncoder({ ...full, quality: 70 }).encode(picture.data)
  const { width, height } = jpeg.decode(bytes)
  t.strictSame({ width, height }, full)
  t.ok(bytes.length > 40_000 && bytes.length < 200_000, `${bytes.length} bytes`)
})
