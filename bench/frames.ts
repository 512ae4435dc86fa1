import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createJpegEncoder } from '../src/cli/camera/jpeg-encoder.js'
import { createSea } from '../src/cli/camera/sea.js'
import { projectRoot } from './paths.js'

/** The sizes of frames that are sent. */
export type FrameSize = keyof typeof SIZES

/** The quality is what makes frames of 1280x720 about 100 KB long, and of 1920x1080 about 250 KB. */
const SIZES = {
  '720p': { width: 1280, height: 720, quality: 85, count: 30 },
  '1080p': { width: 1920, height: 1080, quality: 90, count: 10 }
}

const SEED = 1
const SECONDS_BETWEEN_FRAMES = 0.5

/**
 * A folder with JPEGs of the simulated sea. They are drawn on the first run, in a few seconds, and kept with other
 * caches under node_modules; they are the same on each machine.
 */
export function framesFolder (size: FrameSize): string {
  const { width, height, quality, count } = SIZES[size]
  const folder = join(projectRoot, 'node_modules', '.cache', 'videostream-bench', `${size}-q${quality}-${count}`)
  if (filesIn(folder).length === count) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const unfinished = mkdtempSync(`${folder}-`)
  const sea = createSea({ width, height, seed: SEED })
  const encoder = createJpegEncoder({ width, height, quality })
  for (let i = 0; i < count; i++) {
    const { data } = sea.render(i * SECONDS_BETWEEN_FRAMES)
    writeFileSync(join(unfinished, `${String(i).padStart(3, '0')}.jpg`), encoder.encode(data))
  }
  rmSync(folder, { recursive: true, force: true })
  renameSync(unfinished, folder)
  return folder
}

/** The JPEGs of a folder, in order. */
export function readFrames (folder: string): Buffer[] {
  return filesIn(folder).map(path => readFileSync(path))
}

/** Paths of the JPEGs in a folder; none where there is no folder. */
export function filesIn (folder: string): string[] {
  try {
    return readdirSync(folder).filter(name => name.endsWith('.jpg')).sort().map(name => join(folder, name))
  } catch {
    return []
  }
}
