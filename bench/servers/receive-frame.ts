import type { IncomingMessage, ServerResponse } from 'node:http'

/** Takes a posted frame, hands it on, and answers 200. What the servers around other people's packages share. */
export function receiveFrame (request: IncomingMessage, response: ServerResponse, publish: (jpeg: Buffer) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => { chunks.push(chunk) })
  request.on('end', () => {
    publish(Buffer.concat(chunks))
    response.end('ok')
  })
}
