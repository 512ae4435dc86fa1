import { createServer, type Socket } from 'node:net'
import { endWithRunner, say } from '../line-protocol.js'
import { cameraIn } from './camera-path.js'
import { FeedReader } from './feed-reader.js'

/**
 * The least that Node can do in this job, to measure against: bare sockets, one buffer a frame that all viewers share,
 * a viewer that is behind skips to the newest. Any number of cameras, each from when it is first named, and their
 * frames one a request or in one endless one. No passwords, limits, checks, storage or timeouts: not a server to run.
 */

interface Frame {
  /** The part: its head, the JPEG and a line end. */
  readonly part: Buffer
  readonly jpeg: Buffer
}

interface Camera {
  newest: Frame | undefined
  readonly viewers: Set<Viewer>
  framesReceived: number
}

interface Viewer {
  readonly camera: Camera
  readonly socket: Socket
  sent: Frame | undefined
  busy: boolean
}

const STREAM_HEAD = 'HTTP/1.1 200 OK\r\nConnection: close\r\nCache-Control: no-store\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n'
const cameras = new Map<string, Camera>()

function cameraOf (request: string): Camera {
  const id = cameraIn(request)
  let camera = cameras.get(id)
  if (camera === undefined) cameras.set(id, camera = { newest: undefined, viewers: new Set(), framesReceived: 0 })
  return camera
}

function allocateFrame (length: number): Frame {
  const head = `--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${length}\r\n\r\n`
  const part = Buffer.allocUnsafeSlow(head.length + length + 2)
  part.write(head, 'latin1')
  part.write('\r\n', part.length - 2, 'latin1')
  return { part, jpeg: part.subarray(head.length, part.length - 2) }
}

function publish (camera: Camera, frame: Frame): void {
  camera.newest = frame
  camera.framesReceived += 1
  for (const viewer of camera.viewers) if (!viewer.busy) sendNewest(viewer)
}

function sendNewest (viewer: Viewer): void {
  const { newest } = viewer.camera
  if (newest === undefined || viewer.sent === newest) return
  viewer.sent = newest
  viewer.socket.write(newest.part)
  viewer.busy = viewer.socket.writableLength > 0
}

function addViewer (camera: Camera, socket: Socket): void {
  const { viewers } = camera
  const viewer: Viewer = { camera, socket, sent: undefined, busy: false }
  viewers.add(viewer)
  socket.on('drain', () => {
    viewer.busy = false
    sendNewest(viewer)
  })
  socket.on('close', () => { viewers.delete(viewer) })
  socket.write(STREAM_HEAD, 'latin1')
  sendNewest(viewer)
}

function sendSnapshot ({ newest }: Camera, socket: Socket): void {
  if (newest === undefined) {
    socket.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n', 'latin1')
    return
  }
  socket.cork()
  socket.write(`HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\nContent-Length: ${newest.jpeg.length}\r\n\r\n`, 'latin1')
  socket.write(newest.jpeg)
  socket.uncork()
}

/** So much of it as the benchmark asks for. */
function sendStatus ({ framesReceived }: Camera, socket: Socket): void {
  const text = JSON.stringify({ frames_received: framesReceived })
  socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`, 'latin1')
}

function answerGet (request: string, camera: Camera, socket: Socket): void {
  if (/^GET \S*\/stream /.test(request)) addViewer(camera, socket)
  else if (/^GET \S*\/status /.test(request)) sendStatus(camera, socket)
  else sendSnapshot(camera, socket)
}

const server = createServer({ noDelay: true }, socket => {
  let head = ''
  let camera: Camera | undefined
  let upload: Frame | undefined
  let uploaded = 0
  let feed: FeedReader<Frame> | undefined
  socket.on('error', () => {})
  socket.on('data', chunk => {
    if (feed !== undefined) {
      feed.push(chunk)
      return
    }
    let bytes = chunk
    if (upload === undefined || camera === undefined) {
      const before = head.length
      head += bytes.toString('latin1', 0, 4096)
      const end = head.indexOf('\r\n\r\n')
      if (end === -1) return
      const request = head.slice(0, end + 2)
      head = ''
      const named = camera = cameraOf(request)
      if (request.startsWith('GET ')) {
        answerGet(request, camera, socket)
        return
      }
      bytes = bytes.subarray(end + 4 - before)
      if (/^POST \S*\/feed /.test(request)) {
        feed = new FeedReader({ allocate: allocateFrame, onFrame: frame => { publish(named, frame) } })
        feed.push(bytes)
        return
      }
      upload = allocateFrame(Number(/content-length: *(\d+)/i.exec(request)?.[1] ?? 0))
      uploaded = 0
    }
    uploaded += bytes.copy(upload.jpeg, uploaded)
    if (uploaded < upload.jpeg.length) return
    const frame = upload
    upload = undefined
    publish(camera, frame)
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'latin1')
  })
})
server.listen({ port: Number(process.env['PORT']), host: '127.0.0.1', backlog: 1024 }, () => { say({ ready: true }) })
endWithRunner()
