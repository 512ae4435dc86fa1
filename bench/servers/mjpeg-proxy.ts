import { createServer } from 'node:http'
import { MjpegProxy } from 'mjpeg-proxy'
import { endWithRunner, say } from '../line-protocol.js'

/** The npm package mjpeg-proxy as its README uses it, without Express: one for each camera, whose viewers share its connection to the source. */

const proxies = new Map<string, MjpegProxy>()

function proxyOf (path: string): MjpegProxy {
  let proxy = proxies.get(path)
  if (proxy === undefined) proxies.set(path, proxy = new MjpegProxy(`http://127.0.0.1:${Number(process.env['SOURCE_PORT'])}${path}`))
  return proxy
}

const server = createServer((request, response) => { proxyOf(request.url ?? '/stream').proxyRequest(request, response) })
server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 1024 }, () => { say({ ready: true }) })
endWithRunner()
