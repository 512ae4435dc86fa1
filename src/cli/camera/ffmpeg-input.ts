import { readdir, stat } from 'node:fs/promises'
import { extname, join, resolve } from 'node:path'
import { CameraError } from './camera-error.js'
import { messageOf } from './message-of.js'

/** What to tell ffmpeg of a source. */
export interface FfmpegInput {
  /** ffmpeg's arguments up to and with `-i`. */
  args: string[]
  /** Whether it may come back by itself after a failure, as a camera does; a file does not. */
  live: boolean
}

const imageName = /\.(jpe?g|png|bmp|webp|tiff?)$/i
const recordingName = /\.(mp4|m4v|mov|mkv|webm|avi|mpe?g|ts)$/i

/**
 * Finds out what kind of source this is. Recordings and images play at their own speed, over and over.
 * @param source a video or image file, a folder or glob pattern of images, an rtsp:// or http(s):// address, or /dev/videoN
 * @param fps how many images of a folder make a second
 * @throws CameraError if it is a file that is not there
 */
export async function describeInput (source: string, fps: number): Promise<FfmpegInput> {
  if (/^rtsps?:\/\//i.test(source)) return { args: ['-rtsp_transport', 'tcp', '-i', source], live: true }
  if (/^https?:\/\//i.test(source)) return { args: [...httpPace(source), '-i', source], live: true }
  if (source.startsWith('/dev/video')) return { args: ['-f', 'v4l2', '-i', source], live: true }
  const path = resolve(source)
  const images = (pattern: string, type: 'glob' | 'none') => ({
    args: ['-re', '-f', 'image2', '-loop', '1', '-framerate', String(fps), '-pattern_type', type, '-i', pattern],
    live: false
  })
  const found = await stat(path).catch((error: unknown) => messageOf(error))
  if (typeof found === 'string') {
    if (/[*?[]/.test(source)) return images(path, 'glob')
    throw new CameraError(`--file: ${found}`)
  }
  if (found.isDirectory()) return images(await imagesIn(path), 'glob')
  if (imageName.test(path)) return images(path, 'none')
  return { args: ['-re', '-stream_loop', '-1', '-i', path], live: false }
}

/** A recording is read at its own speed; of a live stream only the times of arrival can be trusted. */
function httpPace (address: string): string[] {
  return recordingName.test(new URL(address).pathname) ? ['-re'] : ['-use_wallclock_as_timestamps', '1']
}

/** The pattern of a folder's images. ffmpeg reads one kind at a time, so it is the kind of the first one. */
async function imagesIn (folder: string): Promise<string> {
  const names = await readdir(folder)
  const first = names.sort().find(name => imageName.test(name))
  if (first === undefined) throw new CameraError(`--file: there are no images in ${folder}`)
  return join(folder.replace(/[\\*?[{]/g, '\\$&'), `*${extname(first)}`)
}
