/** Why the camera cannot start or go on, in one line for the person who started it. */
export class CameraError extends Error {
  /** @param exitCode 2 for a mistake on the command line, 1 for anything else */
  constructor (message: string, readonly exitCode: 1 | 2 = 1) {
    super(message)
    this.name = 'CameraError'
  }
}
