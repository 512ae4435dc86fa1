import type { IncomingMessage, ServerResponse } from 'node:http'
import { createReqHandler } from 'mjpeg-server'

type Viewer = ReturnType<typeof createReqHandler>

/**
 * The viewers of any number of cameras, each served by the npm package mjpeg-server. Its README says `update`, which
 * version 0.3.1 does not have; its example writes, as to any stream.
 */
export class MjpegAudience {
  readonly #cameras = new Map<string, Set<Viewer>>()

  add (camera: string, request: IncomingMessage, response: ServerResponse): void {
    const viewers = this.#viewersOf(camera)
    const viewer = createReqHandler(request, response)
    viewers.add(viewer)
    response.on('error', () => {})
    response.on('close', () => { viewers.delete(viewer) })
  }

  show (camera: string, jpeg: Buffer): void {
    for (const viewer of this.#viewersOf(camera)) viewer.write(jpeg)
  }

  #viewersOf (camera: string): Set<Viewer> {
    let viewers = this.#cameras.get(camera)
    if (viewers === undefined) this.#cameras.set(camera, viewers = new Set())
    return viewers
  }
}
