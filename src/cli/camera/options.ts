import { parseArgs } from 'node:util'
import { CameraError } from './camera-error.js'
import type { FrameDetails } from './frame.js'
import { messageOf } from './message-of.js'

/** A picture's size in pixels. */
export interface Size { width: number, height: number }

/** The command line, checked. */
export interface CameraOptions {
  server: URL
  /** Whose frames they are; undefined leaves that to the key. */
  cameraId: string | undefined
  password: string | undefined
  fps: number
  /** Undefined leaves a real source's own size as it is. */
  size: Size | undefined
  /** A real source for ffmpeg; with no inbox either it is the simulated sea. */
  file: string | undefined
  /** A folder that another program drops pictures into. */
  inbox: string | undefined
  /** Whether to report every frame of a real source as showing a spill. */
  spill: boolean
  /** At most one of the two. */
  detectorCommand: string | undefined
  detectorUrl: URL | undefined
  detectorTimeoutMs: number
  /** Where the camera is, as far as it is given. */
  position: Pick<FrameDetails, 'latitude' | 'longitude' | 'heading'>
  spool: string | undefined
  spoolMaxBytes: number
}

/** What `--help` prints. */
export const usage = `Usage: npm run camera -- [options], or videostream-camera [options]

Sends pictures to a Videostream server as a camera does. Without --file or --inbox they show a simulated sea, on which an
oil slick comes up after ten seconds and then once a minute. docs/edge-agent.md has more.

  --server URL      the server (default http://localhost:5000)
  --camera ID       the camera's id on the server (default: the camera that the key belongs to)
  --key K           the camera's key. Better, since other users of the machine cannot see it: set CAMERA_KEY, or
                    CAMERA_KEY_FILE to a file that has it, or leave all out to read data/camera_password, which the
                    server writes at its first start. --password, CAMERA_PASSWORD and CAMERA_PASSWORD_FILE do the same
  --fps N           pictures a second, 0.1 to 60 (default 10)
  --size WxH        the pictures' size (default 1280x720; with --file, the size they have)
  --file SOURCE     send real pictures through ffmpeg: a video or image file, a folder or "*.jpg" of images, a camera
                    such as rtsp://... , http://... or /dev/video0. Files start again at their end
  --inbox DIR       send the .jpg files that another program drops into this folder, AND DELETE THEM: each with what
                    the .json file of its name says, such as {"spill": true}
  --spill           with --file: report every picture as showing an oil spill
  --detector-command CMD
                    run this for each picture: the JPEG on its standard input, one JSON object on its standard output,
                    such as {"spill": true, "confidence": 0.9}
  --detector-url URL
                    post each picture there; the answer is such a JSON object
  --detector-timeout S
                    seconds that the detector may take for a picture (default 10)
  --latitude D, --longitude D, --heading D
                    where the camera is and looks, in degrees, told with every picture
  --spool DIR       keep the pictures with a spill here until the server has them (default: a folder named after server
                    and camera in ~/.local/state/videostream-camera; none for the simulated sea)
  --spool-max-bytes N
                    how much that may be, such as 500M or 2G (default 1G)
  --help            print this`

/**
 * Reads the command line. Returns undefined if it asks for help.
 * @throws CameraError with exit code 2 that says what is wrong
 */
export function parseOptions (argv: string[]): CameraOptions | undefined {
  const values = parseStrings(argv)
  if (values.help) return undefined
  const { server, camera, key, password, fps, size, file, inbox, spill, spool } = values
  const detectorCommand = values['detector-command']
  const detectorUrl = values['detector-url']
  if (spill && file === undefined) throw wrong('--spill is for --file: the simulated sea knows itself when a slick is in the picture')
  oneOf({ '--file': file, '--inbox': inbox })
  oneOf({ '--key': key, '--password': password })
  oneOf({ '--detector-command': detectorCommand, '--detector-url': detectorUrl, '--spill': spill || undefined })
  if (detectorCommand?.trim() === '') throw wrong('--detector-command is empty')
  return {
    server: parseServer(server),
    cameraId: camera === undefined ? undefined : parseCameraId(camera),
    password: key ?? password,
    fps: parseNumber('--fps', fps, 0.1, 60),
    size: size === undefined ? undefined : parseSize(size),
    file,
    inbox,
    spill,
    detectorCommand,
    detectorUrl: detectorUrl === undefined ? undefined : parseUrl('--detector-url', detectorUrl, 'http://localhost:8000/detect'),
    detectorTimeoutMs: 1000 * parseNumber('--detector-timeout', values['detector-timeout'], 0.1, 600),
    position: parsePosition(values),
    spool,
    spoolMaxBytes: parseBytes('--spool-max-bytes', values['spool-max-bytes'])
  }
}

function parseStrings (args: string[]) {
  try {
    return parseArgs({
      args,
      options: {
        server: { type: 'string', default: 'http://localhost:5000' },
        camera: { type: 'string' },
        key: { type: 'string' },
        password: { type: 'string' },
        fps: { type: 'string', default: '10' },
        size: { type: 'string' },
        file: { type: 'string' },
        inbox: { type: 'string' },
        spill: { type: 'boolean', default: false },
        'detector-command': { type: 'string' },
        'detector-url': { type: 'string' },
        'detector-timeout': { type: 'string', default: '10' },
        latitude: { type: 'string' },
        longitude: { type: 'string' },
        heading: { type: 'string' },
        spool: { type: 'string' },
        'spool-max-bytes': { type: 'string', default: '1G' },
        help: { type: 'boolean', default: false }
      }
    }).values
  } catch (error) {
    const [firstSentence] = messageOf(error).split(/\.? To |\n/)
    throw wrong(`${firstSentence} (--help lists the options)`)
  }
}

function oneOf (options: Record<string, unknown>): void {
  const [first, second] = Object.entries(options).filter(([, value]) => value !== undefined).map(([name]) => name)
  if (second !== undefined) throw wrong(`${first} and ${second} do not go together: give one of them`)
}

function parseServer (text: string): URL {
  return parseUrl('--server', text, 'http://localhost:5000')
}

function parseUrl (name: string, text: string, example: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') throw wrong(`${name} must be an address such as ${example}, not "${text}"`)
  return url
}

function parseCameraId (text: string): string {
  if (!/^[a-z0-9][a-z0-9_-]{0,62}$/.test(text)) {
    throw wrong(`--camera must be an id of small letters, digits, _ and -, such as north-jetty, not "${text}"`)
  }
  return text
}

function parseNumber (name: string, text: string, least: number, most: number): number {
  const number = text.trim() === '' ? NaN : Number(text)
  if (!(number >= least && number <= most)) throw wrong(`${name} must be a number from ${least} to ${most}, not "${text}"`)
  return number
}

function parsePosition ({ latitude, longitude, heading }: { latitude?: string, longitude?: string, heading?: string }): CameraOptions['position'] {
  if ((latitude === undefined) !== (longitude === undefined)) throw wrong('--latitude and --longitude go together: give both')
  return {
    ...latitude !== undefined && { latitude: parseNumber('--latitude', latitude, -90, 90) },
    ...longitude !== undefined && { longitude: parseNumber('--longitude', longitude, -180, 180) },
    ...heading !== undefined && { heading: parseNumber('--heading', heading, 0, 360) }
  }
}

/** What a spool of less cannot hold: a few pictures of a good camera. */
const leastSpoolBytes = 10 * 1024 ** 2

function parseBytes (name: string, text: string): number {
  const [, number, unit = ''] = /^(\d{1,15})([KMGT]?)$/i.exec(text) ?? []
  const bytes = Number(number) * 1024 ** ' KMGT'.indexOf(unit.toUpperCase() || ' ')
  if (!(bytes >= leastSpoolBytes && Number.isSafeInteger(bytes))) throw wrong(`${name} must be a number of bytes of at least 10M, such as 500M or 2G, not "${text}"`)
  return bytes
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
