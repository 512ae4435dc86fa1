import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { watch, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { ConfigSchema } from '../../src/config.js'
import { PASSWORD, SocketViewer, temporaryFolder } from '../helper.js'

const DEMO = fileURLToPath(new URL('../../src/cli/demo.js', import.meta.url))
const NO_SETTINGS = Object.fromEntries(Object.keys(ConfigSchema.properties).map(name => [name, undefined]))

interface Demo {
  readonly process: ChildProcess
  readonly dataDir: string
  /** Waits until this has been printed, by the demo or one of its two programs, on either stream. */
  readonly printed: (text: string) => Promise<void>
  /** Everything that was printed so far. */
  readonly output: () => string
  /** What came on standard error so far. */
  readonly errors: () => string
  /** Waits for the end of the demo, and of all programs that it has started: they hold its streams open. */
  readonly ended: () => Promise<number | NodeJS.Signals>
}

/** Starts the demo as a process of its own, in a process group of its own as a terminal does. The port is set in `.env`. */
function startDemo (t: Test, port: number, settings: NodeJS.ProcessEnv = {}): Demo {
  const folder = temporaryFolder(t)
  const dataDir = join(folder, 'data')
  writeFileSync(join(folder, '.env'), `PORT=${port}\n`)
  const child = spawn(process.execPath, [DEMO], {
    cwd: folder,
    env: { ...process.env, ...NO_SETTINGS, DATA_DIR: dataDir, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true
  })
  const closed = once(child, 'close')
  t.teardown(async () => { // of a test that failed
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await closed
  })
  let output = ''
  let errors = ''
  child.stdout.setEncoding('utf8').on('data', text => { output += text })
  child.stderr.setEncoding('utf8').on('data', text => {
    output += text
    errors += text
  })
  return {
    process: child,
    dataDir,
    output: () => output,
    errors: () => errors,
    printed: async text => {
      while (!output.includes(text)) {
        const chunk = once(child.stdout, 'data').then(() => true)
        if (!await Promise.race([chunk, closed.then(() => false)])) throw new Error(`the demo ended without printing "${text}":\n${output}`)
      }
    },
    ended: async () => {
      const [code, signal] = await closed as [number | null, NodeJS.Signals | null]
      return code ?? signal!
    }
  }
}

async function freePort (): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

t.test('the demo prints where to look, and the live picture there is moving', async t => {
  const port = await freePort()
  const demo = startDemo(t, port)
  await demo.printed('Ctrl+C ends both')
  for (const path of ['/', '/stream', '/documentation']) t.match(demo.output(), new RegExp(`^ {2}\\S.* http://localhost:${port}${path}$`, 'm'))
  t.equal(await (await fetch(`http://localhost:${port}/`)).text(), 'Video Streaming Server is running')
  t.equal((await fetch(`http://localhost:${port}/documentation`)).status, 200)

  await demo.printed('connected: the server takes frames')
  const viewer = new SocketViewer(port)
  await viewer.received(3)
  viewer.close()
  const [first, ...others] = viewer.parts.map(part => part.jpeg)
  for (const other of others) t.notOk(other.equals(first!))

  demo.process.kill('SIGTERM')
  t.equal(await demo.ended(), 0, 'SIGTERM to the demo alone ends all well')
  t.equal(demo.errors(), '')
})

t.test('Ctrl+C in a terminal, which reaches the whole process group, ends all well', async t => {
  const port = await freePort()
  const demo = startDemo(t, port, { CAMERA_PASSWORD: PASSWORD })
  await demo.printed('connected: the server takes frames')
  // A viewer keeps the server from closing at once, so that a second signal would meet it.
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  process.kill(-demo.process.pid!, 'SIGINT')
  t.equal(await demo.ended(), 0)
  t.equal(demo.errors(), '')
  t.notMatch(demo.output(), /second SIG/)
  await viewer.closed()
  t.match(viewer.body.toString('latin1'), /--frame--\r\n$/, 'the server has closed the stream as it should')
})

t.test('a signal while the server starts leaves nothing behind', async t => {
  const demo = startDemo(t, await freePort())
  const watcher = watch(dirname(demo.dataDir))
  await once(watcher, 'change') // the data folder, which the server makes before it listens
  watcher.close()
  demo.process.kill('SIGTERM')
  t.type(await demo.ended(), 'number', 'the demo ends by itself, and the server with it')
})

t.test('when the port is taken the server says so, and no camera is started', async t => {
  const other = createServer().listen(0)
  await once(other, 'listening')
  t.teardown(() => { other.close() })
  const { port } = other.address() as AddressInfo
  const demo = startDemo(t, port)
  t.equal(await demo.ended(), 1)
  t.match(demo.errors(), /^videostream cannot start: .*EADDRINUSE.*\n$/)
  t.notMatch(demo.output(), /simulated/)
})

t.test('bad settings are told in one line each', async t => {
  const demo = startDemo(t, 70_000, { LOG_LEVEL: 'loud' })
  t.equal(await demo.ended(), 1)
  t.strictSame(demo.output().split('\n'), [
    'videostream cannot start: PORT must be a whole number from 0 to 65535, but it is "70000"',
    'videostream cannot start: LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent, but it is "loud"',
    ''
  ])
})

for (const program of ['server', 'camera']) {
  t.test(`when the ${program} breaks down the other one is ended, and the exit code is 1`, async t => {
    const demo = startDemo(t, await freePort())
    await demo.printed('connected: the server takes frames')
    process.kill(childOf(demo, program), 'SIGKILL')
    t.equal(await demo.ended(), 1)
  })
}

/** The process id of the server or the camera of a demo. */
function childOf (demo: Demo, program: string): number {
  const processes = execFileSync('ps', ['-A', '-o', 'ppid=,pid=,args='], { encoding: 'utf8' })
  return Number(new RegExp(`^ *${demo.process.pid} +(\\d+) .*${program}\\.js`, 'm').exec(processes)![1])
}
