import { chmodSync, copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from './children.js'
import { filesIn, framesFolder } from './frames.js'
import { accepting, freePort } from './free-port.js'
import { buildFolder } from './paths.js'
import { compiled, installed } from './tools.js'

/** The names of all servers that can be measured, in the order of tables. */
export const SERVER_NAMES = ['ours', 'node-net', 'c-epoll', 'mjpeg-server', 'mjpeg-proxy', 'nginx'] as const
export type ServerName = typeof SERVER_NAMES[number]

/** A server that has been started and accepts connections. */
export interface RunningServer {
  readonly pid: number
  readonly port: number
  /** Where frames are posted: the server itself, or the source that it takes them from. */
  readonly uploadPort: number
  readonly uploadHeaders: Readonly<Record<string, string>>
  end (): Promise<void>
}

const PASSWORD = 'a-password-for-the-bench'

/** The whole program, with its checks, password and limits; only the limits' numbers are raised out of the way. */
const OUR_SETTINGS = {
  CAMERA_PASSWORD: PASSWORD,
  UPLOAD_RATE_LIMIT: '1000000',
  READ_RATE_LIMIT: '10000000',
  MAX_VIEWERS: '5000',
  LOG_LEVEL: 'warn',
  HOST: '127.0.0.1'
}

/** As in `npm start`. */
const OUR_FLAGS = ['--max-semi-space-size=4']

/** Why a server cannot be measured on this machine. Undefined where it can. */
export function whyMissing (name: ServerName): string | undefined {
  if (name === 'c-epoll' && compiled('epoll') === undefined) return 'there is no C compiler (cc)'
  if (name === 'nginx' && installed('nginx') === undefined) return 'nginx is not installed'
  return undefined
}

/** What is needed to start servers. */
export interface Ground {
  /** A folder for whatever they write. */
  readonly scratch: string
  /** The program that is measured as ours. */
  readonly ourProgram: string
}

/** Starts a server on a free port of the loopback. */
export async function startServer (name: ServerName, { scratch, ourProgram }: Ground): Promise<RunningServer> {
  const folder = mkdtempSync(join(scratch, `${name}-`))
  const port = await freePort()
  switch (name) {
    case 'ours': {
      const child = node([...OUR_FLAGS, ourProgram], folder, { ...OUR_SETTINGS, PORT: String(port), DATA_DIR: join(folder, 'data') })
      return await running([child], port, { uploadHeaders: { 'X-Camera-Auth': PASSWORD } })
    }
    case 'node-net':
    case 'mjpeg-server':
      return await running([bundled(name, folder, { PORT: String(port) })], port)
    case 'mjpeg-proxy': {
      const sourcePort = await freePort()
      const source = bundled('node-net', folder, { PORT: String(sourcePort) })
      const proxy = bundled(name, folder, { PORT: String(port), SOURCE_PORT: String(sourcePort) })
      return await running([proxy, source], port, { uploadPort: sourcePort })
    }
    case 'c-epoll':
      return await running([new Child(name, need('cc', compiled('epoll')), [String(port)], { folder })], port)
    case 'nginx':
      return await running([startNginx(scratch, folder, port)], port)
  }
}

/** The first child is the server; others serve it. */
async function running (children: [Child, ...Child[]], port: number, more: { uploadPort?: number, uploadHeaders?: Record<string, string> } = {}): Promise<RunningServer> {
  const end = async (): Promise<void> => { await Promise.all(children.map(async each => { await each.end() })) }
  const { uploadPort = port, uploadHeaders = {} } = more
  try {
    await accepting(children[0], port)
    const source = children[1]
    if (source !== undefined) await accepting(source, uploadPort)
    return { pid: children[0].pid, port, uploadPort, uploadHeaders, end }
  } catch (error) {
    await end()
    throw error
  }
}

/** In a folder of its own, so that no .env of the project counts. */
function node (words: string[], folder: string, environment: NodeJS.ProcessEnv): Child {
  return new Child(words.join(' '), process.execPath, words, { environment, folder })
}

function bundled (name: string, folder: string, environment: NodeJS.ProcessEnv): Child {
  return node([join(buildFolder, 'servers', `${name}.js`)], folder, environment)
}

/** Serves the first frame as a file, under the path of a snapshot. */
function startNginx (scratch: string, folder: string, port: number): Child {
  const [frame] = filesIn(framesFolder('720p'))
  copyFileSync(need('a frame', frame), join(folder, 'frame.jpg'))
  for (const each of [scratch, folder]) chmodSync(each, 0o755) // its worker may be another user
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(each => `${each}_temp_path ${folder}/${each};`).join('\n  ')
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, `
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
  }
}
`)
  return new Child('nginx', need('nginx', installed('nginx')), ['-p', folder, '-c', file, '-e', 'stderr'], { folder })
}

function need (what: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`${what} is missing`)
  return value
}
