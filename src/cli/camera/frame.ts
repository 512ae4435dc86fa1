/** One picture on its way to the server. */
export interface CameraFrame {
  jpeg: Buffer
  /** What the detector says of it: whether it shows an oil spill. */
  spillDetected: boolean
}

/**
 * Where pictures come from. Hands each one to `put` as soon as it is there, whether or not the server keeps up, until
 * the signal is aborted; then it returns. Throws a `CameraError` when there is no hope of another picture.
 */
export type FrameSource = (put: (frame: CameraFrame) => void, signal: AbortSignal) => Promise<void>
