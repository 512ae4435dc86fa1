import { createServer } from 'node:http'
import { MjpegProxy } from 'mjpeg-proxy'
import { endWithRunner, say } from '../line-protocol.js'

/** The npm package mjpeg-proxy as its README uses it, without Express: all viewers share one connection to the source. */

const { proxyRequest } = new MjpegProxy(`http://127.0.0.1:${Number(process.env['SOURCE_PORT'])}/stream`)

const server = createServer(proxyRequest)
server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 1024 }, () => { say({ ready: true }) })
endWithRunner()
