import { timingSafeEqual } from 'node:crypto'

/** The camera that the paths without a camera id mean. */
export const DEFAULT_CAMERA_ID = 'default'

/** What the keys of cameras begin with, and passwords do not. */
export const CAMERA_KEY_PREFIX = 'vsk_'

/** The shortest password a camera may have, in characters. */
const MIN_PASSWORD_LENGTH = 12

/** The examples of the original program's README: everyone knows them. */
const PUBLISHED_PASSWORDS = new Set(['your_default_password', 'your_secure_password'])

/**
 * Says what is wrong with a camera password, as the end of a sentence that begins with the setting's name,
 * or undefined where it may be used. The password itself is never part of the answer.
 */
export function passwordProblem (password: string): string | undefined {
  if (password === '') return `is empty; give it a password of at least ${MIN_PASSWORD_LENGTH} characters, or leave it unset to have one made`
  if (password.startsWith(CAMERA_KEY_PREFIX)) return `begins with ${CAMERA_KEY_PREFIX}, as the keys of cameras do; choose another one`
  if (PUBLISHED_PASSWORDS.has(password)) return 'is an example from the documentation that everyone knows; choose another one'
  if (password.length < MIN_PASSWORD_LENGTH) return `is shorter than ${MIN_PASSWORD_LENGTH} characters; choose a longer one`
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(password)) {
    return 'has characters that cannot travel in an HTTP header; use printable ASCII, with no space at either end'
  }
  return undefined
}

/** Never part of UTF-8 text. */
const PADDING = 0xff

/** Bytes of the longest character in UTF-8. */
const LONGEST_CHARACTER = 4

/**
 * Makes the comparison of passwords with the right one. It takes the same time wherever they differ and however long
 * they are: as many bytes are compared each time as the right one has, and one character more, since a longer one differs.
 * Hashing both first would do as well, at a tenth of all that an upload costs where one comes only now and then.
 */
export function passwordMatcher (password: string): (candidate: string) => boolean {
  const size = Buffer.byteLength(password) + LONGEST_CHARACTER
  const expected = Buffer.alloc(size, PADDING)
  expected.write(password)
  const compared = Buffer.alloc(size)
  return candidate => {
    compared.fill(PADDING)
    compared.write(candidate)
    return timingSafeEqual(compared, expected)
  }
}

/** What a camera may be called in addresses and files. */
export const CAMERA_ID_PATTERN = '^[a-z0-9][a-z0-9_-]{0,62}$'

/** What administrators say of a camera. */
export interface CameraSettings {
  /** As CAMERA_ID_PATTERN; never changes. */
  readonly cameraId: string
  /** For people. */
  readonly name: string
  /** The rig, port or ship that it is on. */
  readonly site: string | null
  /** Degrees north, WGS 84. */
  readonly latitude: number | null
  /** Degrees east, WGS 84. */
  readonly longitude: number | null
  /** Degrees clockwise from true north into which it looks. */
  readonly heading: number | null
  /** Whether it may send. */
  readonly enabled: boolean
  /** Where the server fetches its frames; null where it sends them itself. May hold a password. */
  readonly source: string | null
  /** Pictures a second: how often a snapshot is fetched, or at most how many ffmpeg makes; null for the source's own rate, and one snapshot a second. */
  readonly sourceFps: number | null
}

/** A camera's key as it is kept. */
export interface CameraKey {
  readonly keyId: string
  readonly cameraId: string
  /** SHA-256 of the key, in lower-case hexadecimal. */
  readonly hash: string
  /** Milliseconds since 1970, UTC. */
  readonly createdAtMs: number
}
