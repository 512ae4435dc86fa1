import { drawCaption } from './caption.js'
import type { FrameSource } from './frame.js'
import { createJpegEncoder } from './jpeg-encoder.js'
import { pause } from './pause.js'
import { createSea } from './sea.js'

/** What the simulated camera is to show. */
export interface SeaSettings { width: number, height: number, fps: number, seed: number }

/** Of 1 to 100: frames of 1280x720 come to about 90 KB. */
const jpegQuality = 70

/**
 * A source of frames for which no camera is needed: the simulated sea with the time of day written on it. If the
 * machine is too slow for the rate, frames are left out and the rest still show the right moment.
 */
export function createSeaSource ({ width, height, fps, seed }: SeaSettings): FrameSource {
  return async (put, signal) => {
    const sea = createSea({ width, height, seed })
    const encoder = createJpegEncoder({ width, height, quality: jpegQuality })
    const dotPixels = Math.max(1, Math.round(width / 640))
    const startedMs = performance.now()
    for (let tick = 0; !signal.aborted;) {
      const picture = sea.render((performance.now() - startedMs) / 1000)
      drawCaption(picture, captionAt(new Date()), { left: 8 * dotPixels, top: 8 * dotPixels, dotPixels })
      put({ jpeg: encoder.encode(picture.data), spillDetected: picture.slickVisible })
      tick = Math.max(tick, Math.floor((performance.now() - startedMs) * fps / 1000)) + 1
      await pause(startedMs + tick * 1000 / fps - performance.now(), signal)
    }
  }
}

/** Such as `SIMULATED CAMERA 2025-11-23 06:01:12.3 UTC`. */
function captionAt (date: Date): string {
  return `SIMULATED CAMERA ${date.toISOString().slice(0, 21).replace('T', ' ')} UTC`
}
