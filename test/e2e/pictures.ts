import { jpeg } from '../helper.js'

export type Colour = [red: number, green: number, blue: number]

/** Colours that nobody takes for one another, whatever a codec does to them. */
export const COLOURS: readonly Colour[] = [
  [200, 30, 30], [30, 180, 30], [40, 40, 210], [210, 200, 40], [190, 50, 190], [40, 190, 190], [240, 240, 240], [20, 20, 20], [230, 130, 20], [120, 120, 120]
]

/** How far apart two colours are, by the channel that differs most. */
export function distance (one: ArrayLike<number>, other: ArrayLike<number>): number {
  return Math.max(...[0, 1, 2].map(channel => Math.abs((one[channel] ?? NaN) - (other[channel] ?? NaN))))
}

/** A JPEG of at least this many bytes: comments, which decoders skip, stand before the picture. */
export function largeJpeg (sizeBytes: number): Buffer {
  const picture = jpeg({ width: 64, height: 48 })
  const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0xff, 0xff]), Buffer.alloc(0xffff - 2, 'videostream ')])
  const comments = Array<Buffer>(Math.ceil(sizeBytes / comment.length)).fill(comment)
  return Buffer.concat([picture.subarray(0, 2), ...comments, picture.subarray(2)])
}
