/** The packages that are measured along come without types. */

declare module 'mjpeg-server' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export function createReqHandler (request: IncomingMessage, response: ServerResponse): {
    write (jpeg: Buffer): boolean
    close (): void
  }
}

declare module 'mjpeg-proxy' {
  import type { IncomingMessage, ServerResponse } from 'node:http'

  export class MjpegProxy {
    constructor (mjpegUrl: string)
    readonly proxyRequest: (request: IncomingMessage, response: ServerResponse) => void
  }
}

declare module 'mjpeg-consumer' {
  import type { Transform } from 'node:stream'

  export default class MjpegConsumer extends Transform {}
}
