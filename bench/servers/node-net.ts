import { createServer, type Socket } from 'node:net'
import { endWithRunner, say } from '../line-protocol.js'

/**
 * The least that Node can do in this job, to measure against: bare sockets, one buffer a frame that all viewers share,
 * a viewer that is behind skips to the newest. No passwords, limits, checks, storage or timeouts: not a server to run.
 */

interface Frame {
  /** The part: its head, the JPEG and a line end. */
  readonly part: Buffer
  readonly jpeg: Buffer
}

interface Viewer {
  readonly socket: Socket
  sent: Frame | undefined
  busy: boolean
}

const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-store\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n'
const viewers = new Set<Viewer>()
let newest: Frame | undefined

function allocateFrame (length: number): Frame {
  const head = `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${length}\r\n\r\n`
  const part = Buffer.allocUnsafeSlow(head.length + length + 2)
  part.write(head, 'latin1')
  part.write('\r\n', part.length - 2, 'latin1')
  return { part, jpeg: part.subarray(head.length, part.length - 2) }
}

function publish (frame: Frame): void {
  newest = frame
  for (const viewer of viewers) if (!viewer.busy) sendNewest(viewer)
}

function sendNewest (viewer: Viewer): void {
  if (newest === undefined || viewer.sent === newest) return
  viewer.sent = newest
  viewer.socket.write(newest.part)
  viewer.busy = viewer.socket.writableLength > 0
}

function addViewer (socket: Socket): void {
  const viewer: Viewer = { socket, sent: undefined, busy: false }
  viewers.add(viewer)
  socket.on('drain', () => {
    viewer.busy = false
    sendNewest(viewer)
  })
  socket.on('close', () => { viewers.delete(viewer) })
  socket.write(STREAM_HEAD, 'latin1')
  sendNewest(viewer)
}

function sendSnapshot (socket: Socket): void {
  if (newest === undefined) {
    socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n', 'latin1')
    return
  }
  socket.cork()
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: ${newest.jpeg.length}\r\n\r\n`, 'latin1')
  socket.write(newest.jpeg)
  socket.uncork()
}

const server = createServer({ noDelay: true }, socket => {
  let head = ''
  let upload: Frame | undefined
  let uploaded = 0
  socket.on('error', () => {})
  socket.on('data', chunk => {
    let bytes = chunk
    if (upload === undefined) {
      const before = head.length
      head += bytes.toString('latin1', 0, 4096)
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      const request = head.slice(0, end + 2)
      head = ''
      if (request.startsWith('GET /stream')) {
        addViewer(socket)
        return
      }
      if (request.startsWith('GET ')) {
        sendSnapshot(socket)
        return
      }
      upload = allocateFrame(Number(/content-length: *(\d+)/i.exec(request)?.[1] ?? 0))
      uploaded = 0
      bytes = bytes.subarray(end + 4 - before)
    }
    uploaded += bytes.copy(upload.jpeg, uploaded)
    if (uploaded < upload.jpeg.length) return
    const frame = upload
    upload = undefined
    publish(frame)
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'latin1')
  })
})
server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 1024 }, () => { say({ ready: true }) })
endWithRunner()
