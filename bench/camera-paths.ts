/** The paths of many cameras: those of our server, which the others listen on too. */

/** Stands for a camera's number in a path that viewers are given. */
const NUMBER = '{camera}'

/** The id of the camera of this number, or what stands for it. */
export function cameraId (number: number | typeof NUMBER): string { return `cam-${number}` }

/** Where the camera of this number sends its frames, one a request or all in one. */
export function sendPath (number: number, asFeed: boolean): string {
  return `/api/cameras/${cameraId(number)}/${asFeed ? 'feed' : 'frames'}`
}

/** Where the cameras' viewers watch; each puts in its number. */
export const WATCH_PATH = `/api/cameras/${cameraId(NUMBER)}/stream`

/** Where a camera's count of frames is. */
export function statusPath (number: number): string { return `/api/cameras/${cameraId(number)}/status` }
