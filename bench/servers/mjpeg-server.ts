import { createServer } from 'node:http'
import { endWithRunner, say } from '../line-protocol.js'
import { cameraIn } from './camera-path.js'
import { MjpegAudience } from './mjpeg-audience.js'
import { receiveFrame } from './receive-frame.js'

/** The npm package mjpeg-server as its example uses it: a handler for each viewer, and each frame written to all of its camera's. */

const audience = new MjpegAudience()

const server = createServer((request, response) => {
  const camera = cameraIn(request.url ?? '')
  if (request.method === 'POST') receiveFrame(request, response, jpeg => { audience.show(camera, jpeg) })
  else audience.add(camera, request, response)
})
server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 1024 }, () => { say({ ready: true }) })
endWithRunner()
