import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './children.js'
import { filesIn, framesFolder } from './frames.js'
import { accepting, freePort } from './free-port.js'
import { copyCameras, OUR_UPLOAD_HEADERS, startOurs } from './our-server.js'
import { buildFolder } from './paths.js'
import { compiled, installed } from './tools.js'

/** The names of all servers that can be measured, in the order of tables. */
export const SERVER_NAMES = ['ours', 'ours-feed', 'node-net', 'node-net-feed', 'c-epoll', 'mjpeg-server', 'mjpeg-consumer', 'mjpeg-proxy', 'nginx', 'sqlite3'] as const
export type ServerName = typeof SERVER_NAMES[number]

/** A server that has been started and accepts connections. */
export interface RunningServer {
  readonly pid: number
  readonly port: number
  /** Where frames are posted: the server itself, or the source that it takes them from. */
  readonly uploadPort: number
  readonly uploadHeaders: Readonly<Record<string, string>>
  readonly uploadMethod: string
  /** Of each camera but the default one, where the server knows them beforehand. */
  readonly cameraHeaders: ReadonlyArray<Readonly<Record<string, string>>>
  /** Whether each camera is to send all its frames in one endless request. */
  readonly takesFeeds: boolean
  end (): Promise<void>
}

/** Those that take their frames in feeds, by the program that they are. */
const FED: Readonly<Partial<Record<ServerName, ServerName>>> = { 'ours-feed': 'ours', 'node-net-feed': 'node-net', 'mjpeg-consumer': 'mjpeg-consumer' }

/** Why a server cannot be measured on this machine. Undefined where it can. */
export function whyMissing (name: ServerName): string | undefined {
  if (name === 'c-epoll' && compiled('epoll') === undefined) return 'there is no C compiler (cc)'
  if ((name === 'nginx' || name === 'sqlite3') && installed(name) === undefined) return `${name} is not installed`
  return undefined
}

/** What is needed to start servers. */
export interface Ground {
  /** A folder for whatever they write. */
  readonly scratch: string
  /** The same in memory, where the machine has that, for what others would hold in memory. */
  readonly memory: string
  /** The program that is measured as ours. */
  readonly ourProgram: string
}

/** Starts a server on a free port of the loopback, with so many cameras besides the default one. */
export async function startServer (name: ServerName, ground: Ground, cameras = 0): Promise<RunningServer> {
  const folder = mkdtempSync(join(name === 'nginx' ? ground.memory : ground.scratch, `${name}-`))
  const port = await freePort()
  const program = FED[name] ?? name
  const takesFeeds = FED[name] !== undefined
  switch (program) {
    case 'ours': {
      const keys = cameras === 0 ? [] : await copyCameras(ground, cameras, folder)
      return await running([startOurs(ground, folder, port)], port, {
        uploadHeaders: OUR_UPLOAD_HEADERS, cameraHeaders: keys.map(key => ({ 'X-Camera-Auth': key })), takesFeeds
      })
    }
    case 'mjpeg-proxy': {
      const sourcePort = await freePort()
      const source = bundled('node-net', folder, { PORT: String(sourcePort) })
      const proxy = bundled(name, folder, { PORT: String(port), SOURCE_PORT: String(sourcePort) })
      return await running([proxy, source], port, { uploadPort: sourcePort })
    }
    case 'c-epoll':
      return await running([new Child(name, need('cc', compiled('epoll')), [String(port)], { folder })], port)
    case 'nginx':
      return await running([startNginx(folder, port)], port, { uploadMethod: 'PUT' })
    case 'sqlite3':
      throw new Error('sqlite3 is no server')
    default:
      return await running([bundled(program, folder, { PORT: String(port) })], port, { takesFeeds })
  }
}

/** The first child is the server; others serve it. */
async function running (children: [Child, ...Child[]], port: number, more: Partial<RunningServer> = {}): Promise<RunningServer> {
  const end = async (): Promise<void> => { await Promise.all(children.map(async each => { await each.end() })) }
  const { uploadPort = port } = more
  try {
    await accepting(children[0], port)
    const source = children[1]
    if (source !== undefined) await accepting(source, uploadPort)
    return { pid: children[0].pid, port, uploadPort, uploadHeaders: {}, uploadMethod: 'POST', cameraHeaders: [], takesFeeds: false, ...more, end }
  } catch (error) {
    await end()
    throw error
  }
}

function bundled (name: string, folder: string, environment: NodeJS.ProcessEnv): Child {
  const program = join(buildFolder, 'servers', `${name}.js`)
  return new Child(program, process.execPath, [program], { environment, folder })
}

/** Serves the first frame as a file, under the path of a snapshot, and keeps what cameras put as files (WebDAV). */
function startNginx (folder: string, port: number): Child {
  const [frame] = filesIn(framesFolder('720p'))
  copyFileSync(need('a frame', frame), join(folder, 'frame.jpg'))
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(each => `${each}_temp_path ${folder}/${each};`).join('\n  ')
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, `
${process.getuid?.() === 0 ? 'user root; # as who it runs itself, so that it may write here' : ''}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  ${paths}
  access_log off;
  sendfile on;
  keepalive_requests 1000000000;
  server {
    listen 127.0.0.1:${port};
    location = /api/frame { default_type image/jpeg; alias ${folder}/frame.jpg; }
    location /api/cameras/ { root ${folder}/put; dav_methods PUT; create_full_put_path on; client_max_body_size 16m; }
  }
}
`)
  return new Child('nginx', need('nginx', installed('nginx')), ['-p', folder, '-c', file, '-e', 'stderr'], { folder })
}

function need (what: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`${what} is missing`)
  return value
}
