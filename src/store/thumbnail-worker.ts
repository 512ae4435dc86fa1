import { constants, platform, setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import jpegJs from 'jpeg-js'

/** Pixels, at most. */
const WIDTH = 320

const QUALITY = 75

/** What a frame may take while it is decoded. The whole picture in memory has three bytes a pixel, and more on the way there. */
const LIMITS = { maxResolutionInMP: 64, maxMemoryUsageInMB: 512 }

/** What a thumbnail worker answers: the thumbnail, or null for a frame that cannot be decoded. */
export type ThumbnailReply = Uint8Array | null

interface Picture { readonly width: number, readonly height: number, readonly data: Uint8Array }

// On Linux this is the priority of this thread alone; elsewhere it would be that of the whole server.
if (platform() === 'linux' && parentPort !== null) setPriority(0, constants.priority.PRIORITY_LOW)

parentPort?.on('message', (jpeg: Uint8Array) => {
  let reply: ThumbnailReply
  try {
    reply = thumbnailOf(jpeg)
  } catch {
    reply = null
  }
  parentPort?.postMessage(reply)
})

function thumbnailOf (jpeg: Uint8Array): Uint8Array {
  const picture = jpegJs.decode(jpeg, { useTArray: true, formatAsRGBA: false, ...LIMITS })
  const { data } = jpegJs.encode(shrunk(picture), QUALITY)
  return data
}

/** Each pixel is the mean of those that it stands for: a box filter. */
function shrunk ({ width, height, data }: Picture): Picture {
  const toWidth = Math.min(WIDTH, width)
  const toHeight = Math.max(1, Math.round(height * toWidth / width))
  const to = new Uint8Array(toWidth * toHeight * 4)
  for (let y = 0; y < toHeight; y += 1) {
    const [top, bottom] = range(y, height, toHeight)
    for (let x = 0; x < toWidth; x += 1) {
      const [left, right] = range(x, width, toWidth)
      let [red, green, blue] = [0, 0, 0]
      for (let row = top; row < bottom; row += 1) {
        for (let at = (row * width + left) * 3, end = (row * width + right) * 3; at < end; at += 3) {
          red += data[at] ?? 0
          green += data[at + 1] ?? 0
          blue += data[at + 2] ?? 0
        }
      }
      const count = (bottom - top) * (right - left)
      to.set([red / count, green / count, blue / count, 255], (y * toWidth + x) * 4)
    }
  }
  return { width: toWidth, height: toHeight, data: to }
}

/** Which pixels of a line become one. */
function range (at: number, from: number, to: number): [first: number, end: number] {
  const first = Math.min(from - 1, Math.floor(at * from / to))
  return [first, Math.max(first + 1, Math.floor((at + 1) * from / to))]
}
