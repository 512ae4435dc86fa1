import jpeg from 'jpeg-js'
import t from 'tap'
import { createJpegEncoder } from '../../../src/cli/camera/jpeg-encoder.js'
import { createRandom } from '../../../src/cli/camera/random.js'

type Paint = (x: number, y: number) => [red: number, green: number, blue: number]

function paint (width: number, height: number, colourAt: Paint): Uint8Array {
  const rgba = new Uint8Array(width * height * 4)
  for (let i = 0; i < width * height; i++) rgba.set([...colourAt(i % width, Math.floor(i / width)), 255], i * 4)
  return rgba
}

/** Encodes, lets jpeg-js decode, and gives the mean error of a byte. */
function meanError (width: number, height: number, quality: number, rgba: Uint8Array): number {
  const decoded = jpeg.decode(createJpegEncoder({ width, height, quality }).encode(rgba))
  if (decoded.width !== width || decoded.height !== height) throw new Error('wrong size')
  return rgba.reduce((total, byte, i) => total + Math.abs(byte - decoded.data[i]!), 0) / rgba.length
}

const gradient: Paint = (x, y) => [2 * x, 255 - 2 * y, 128]
const random = createRandom(5)
const grain: Paint = () => Array<number>(3).fill(Math.floor(random() * 256)) as [number, number, number]

t.test('another decoder sees the same picture, at sizes that do not fill a block too', async t => {
  for (const [width, height] of [[16, 16], [64, 48], [17, 9], [1, 1], [100, 33]] as const) {
    t.ok(meanError(width, height, 90, paint(width, height, gradient)) < 2, `${width}x${height}`)
  }
})

t.test('each pure colour comes back', async t => {
  for (const colour of [[255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0], [255, 255, 255]] as const) {
    t.ok(meanError(32, 32, 90, paint(32, 32, () => [...colour])) < 2, String(colour))
  }
})

t.test('the hardest picture there is comes back: grain, more of it at a higher quality', async t => {
  const rgba = paint(320, 320, grain)
  const best = meanError(320, 320, 100, rgba)
  const middle = meanError(320, 320, 50, rgba)
  const worst = meanError(320, 320, 5, rgba)
  t.ok(best < 3, `${best}`)
  t.ok(middle < 25 && middle > best, `${middle}`)
  t.ok(worst > middle, `${worst}`)
})

t.test('a fine lonely pattern needs the code for sixteen zeros', async t => {
  const rgba = paint(16, 16, (x, y) => Array<number>(3).fill((x + y) % 2 === 0 ? 140 : 116) as [number, number, number])
  t.ok(meanError(16, 16, 75, rgba) < 12)
  t.ok(createJpegEncoder({ width: 16, height: 16, quality: 75 }).encode(rgba).length > 640)
})

t.test('an encoder can be used again and gives bytes that stay as they are', async t => {
  const encoder = createJpegEncoder({ width: 64, height: 48, quality: 70 })
  const rgba = paint(64, 48, gradient)
  const first = encoder.encode(rgba)
  const copy = Buffer.from(first)
  encoder.encode(paint(64, 48, grain))
  t.equal(Buffer.compare(first, copy), 0)
  t.equal(Buffer.compare(encoder.encode(rgba), copy), 0)
})

t.test('it begins and ends as a JPEG, with no marker between that is not meant', async t => {
  const bytes = createJpegEncoder({ width: 64, height: 64, quality: 100 }).encode(paint(64, 64, grain))
  t.equal(bytes.toString('hex', 0, 4), 'ffd8ffe0')
  t.equal(bytes.toString('hex', bytes.length - 2), 'ffd9')
  const scan = bytes.subarray(bytes.indexOf(Buffer.from('ffda', 'hex')) + 14, -2)
  t.ok(scan.includes(0xff))
  t.ok(scan.every((byte, i) => byte !== 0xff || scan[i + 1] === 0))
})
