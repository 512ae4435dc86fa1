import { createServer } from 'node:http'
import { createReqHandler } from 'mjpeg-server'
import { endWithRunner, say } from '../line-protocol.js'
import { receiveFrame } from './receive-frame.js'

/**
 * The npm package mjpeg-server as its example uses it: a handler for each viewer, and each frame written to all of them.
 * Its README says `update`, which version 0.3.1 does not have; its example writes, as to any stream.
 */

const viewers = new Set<ReturnType<typeof createReqHandler>>()

const server = createServer((request, response) => {
  if (request.method === 'POST') {
    receiveFrame(request, response, jpeg => {
      for (const viewer of viewers) viewer.write(jpeg)
    })
    return
  }
  const viewer = createReqHandler(request, response)
  viewers.add(viewer)
  response.on('error', () => {})
  response.on('close', () => { viewers.delete(viewer) })
})
server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 1024 }, () => { say({ ready: true }) })
endWithRunner()
