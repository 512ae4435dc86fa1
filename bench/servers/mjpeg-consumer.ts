import { createServer } from 'node:http'
import MjpegConsumer from 'mjpeg-consumer'
import { endWithRunner, say } from '../line-protocol.js'
import { cameraIn } from './camera-path.js'
import { MjpegAudience } from './mjpeg-audience.js'

/** The npm package mjpeg-consumer, which takes JPEGs out of a multipart body, as its README uses it, and mjpeg-server for the viewers. */

const audience = new MjpegAudience()
const framesReceived = new Map<string, number>()

const server = createServer((request, response) => {
  const camera = cameraIn(request.url ?? '')
  if (request.url?.endsWith('/status') === true) {
    response.end(JSON.stringify({ frames_received: framesReceived.get(camera) ?? 0 }))
  } else if (request.method === 'POST') {
    request.on('error', () => {})
    request.pipe(new MjpegConsumer()).on('data', jpeg => {
      framesReceived.set(camera, (framesReceived.get(camera) ?? 0) + 1)
      audience.show(camera, jpeg)
    })
  } else {
    audience.add(camera, request, response)
  }
})
server.requestTimeout = 0 // or it ends each feed after five minutes
server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 1024 }, () => { say({ ready: true }) })
endWithRunner()
