import { parseArgs } from 'node:util'
import { CameraError } from './camera-error.js'
import { messageOf } from './message-of.js'

/** A picture's size in pixels. */
export interface Size { width: number, height: number }

/** The command line, checked. */
export interface CameraOptions {
  server: URL
  password: string | undefined
  fps: number
  /** Undefined leaves a real source's own size as it is. */
  size: Size | undefined
  /** A real source for ffmpeg; undefined is the simulated sea. */
  file: string | undefined
  /** Whether to report every frame of a real source as showing a spill. */
  spill: boolean
}

/** What `--help` prints. */
export const usage = `Usage: npm run camera -- [options]

Sends pictures to a Videostream server as a camera does. Without --file they show a simulated sea, on which an oil
slick comes up after ten seconds and then once a minute.

  --server URL      the server (default http://localhost:5000)
  --password P      the camera password. Better, since other users of the machine cannot see it: set CAMERA_PASSWORD,
                    or leave both out to read data/camera_password, which the server writes at its first start
                    (CAMERA_PASSWORD_FILE names another file)
  --fps N           pictures a second, 0.1 to 60 (default 10)
  --size WxH        the pictures' size (default 1280x720; with --file, the size they have)
  --file SOURCE     send real pictures through ffmpeg: a video or image file, a folder or "*.jpg" of images, a camera
                    such as rtsp://... , http://... or /dev/video0. Files start again at their end
  --spill           with --file: report every picture as showing an oil spill
  --help            print this`

/**
 * Reads the command line. Returns undefined if it asks for help.
 * @throws CameraError with exit code 2 that says what is wrong
 */
export function parseOptions (argv: string[]): CameraOptions | undefined {
  const { server, password, fps, size, file, spill, help } = parseStrings(argv)
  if (help) return undefined
  if (spill && file === undefined) throw wrong('--spill is for --file: the simulated sea knows itself when a slick is in the picture')
  return { server: parseServer(server), password, fps: parseFps(fps), size: size === undefined ? undefined : parseSize(size), file, spill }
}

function parseStrings (args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        server: { type: 'string', default: 'http://localhost:5000' },
        password: { type: 'string' },
        fps: { type: 'string', default: '10' },
        size: { type: 'string' },
        file: { type: 'string' },
        spill: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false }
      }
    }).values
  } catch (error) {
    const [firstSentence] = messageOf(error).split(/\.? To |\n/)
    throw wrong(`${firstSentence} (--help lists the options)`)
  }
}

function parseServer (text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw wrong(`--server must be an address such as http://localhost:5000, not "${text}"`)
  }
  return url
}

function parseFps (text: string): number {
  const fps = Number(text)
  if (!(fps >= 0.1 && fps <= 60)) throw wrong(`--fps must be a number from 0.1 to 60, not "${text}"`)
  return fps
}

function parseSize (text: string): Size {
  const [, width, height] = /^(\d{2,4})x(\d{2,4})$/.exec(text) ?? []
  const size = { width: Number(width), height: Number(height) }
  if (!(size.width >= 64 && size.width <= 3840 && size.height >= 48 && size.height <= 2160)) {
    throw wrong(`--size must be from 64x48 to 3840x2160, such as 1280x720, not "${text}"`)
  }
  return size
}

function wrong (message: string): CameraError {
  return new CameraError(message, 2)
}
