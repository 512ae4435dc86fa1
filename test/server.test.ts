import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { control, jpeg, PASSWORD, SocketViewer, temporaryFolder, until, upload } from './helper.js'
import { RawClient, send } from './http.js'

const SERVER = fileURLToPath(new URL('../src/server.js', import.meta.url))
const CLOSING = '\r\n--frame--\r\n'

interface Server {
  readonly child: ChildProcess
  readonly dataDir: string
  output (): string
  errors (): string
  /** Waits until it listens. */
  listening (): Promise<{ url: string, port: number }>
  /** Waits for its end: exit code and signal. */
  exited (): Promise<[number | null, string | null]>
}

/** The compiled server as `npm start` runs it, in a folder of its own. */
function start (t: Test, environment: NodeJS.ProcessEnv = {}, { folder = temporaryFolder(t), preload }: { folder?: string, preload?: string } = {}): Server {
  const dataDir = join(folder, 'data')
  const args = preload === undefined ? [SERVER] : ['--import', `data:text/javascript,${encodeURIComponent(preload)}`, SERVER]
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, PORT: '0', HOST: '127.0.0.1', CAMERA_PASSWORD: PASSWORD, DATA_DIR: dataDir, ...environment },
    stdio: preload === undefined ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'pipe', 'pipe', 'ipc']
  })
  let output = ''
  let errors = ''
  child.stdout?.on('data', chunk => { output += String(chunk) })
  child.stderr?.on('data', chunk => { errors += String(chunk) })
  const exited = once(child, 'close') as Promise<[number | null, string | null]>
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
  })
  return {
    child,
    dataDir,
    output: () => output,
    errors: () => errors,
    exited: async () => await exited,
    listening: async () => {
      const port = (): string | undefined => /Server listening at http:\/\/[^"]*:(\d+)/.exec(output)?.[1]
      const left = exited.then(() => { throw new Error(`it ended: ${errors}${output}`) })
      left.catch(() => {})
      const deadlineMs = performance.now() + 30_000
      while (port() === undefined) {
        if (performance.now() > deadlineMs) throw new Error('it did not listen within 30 s')
        await Promise.race([left, child.stdout === null ? left : once(child.stdout, 'data')])
      }
      return { url: `http://127.0.0.1:${port()}`, port: Number(port()) }
    }
  }
}

/** Asserts that a server refuses to start: exit code 1, one line for each mistake, no stack trace, nothing else. */
async function refuses (t: Test, server: Server, ...lines: RegExp[]): Promise<void> {
  t.strictSame(await server.exited(), [1, null])
  const said = server.errors().trimEnd().split('\n')
  t.equal(said.length, lines.length, server.errors())
  for (const [i, line] of lines.entries()) t.match(said[i], line)
  for (const line of said) t.match(line, /^videostream cannot start: /)
  t.notMatch(server.errors(), /^\s+at /m)
  t.notMatch(server.output(), 'Server listening')
}

const levels = (server: Server): number[] => server.output().split('\n').flatMap(line => {
  const level = /^\{"level":(\d+)/.exec(line)?.[1]
  return level === undefined ? [] : [Number(level)]
})

t.test('without any setting it makes a password, and prints it once with an upload that works', async t => {
  const folder = temporaryFolder(t)
  const unset = { CAMERA_PASSWORD: undefined, HOST: undefined, DATA_DIR: undefined }
  const first = start(t, unset, { folder })
  await first.listening()
  await until(() => first.output().includes('curl'), 'the upload')
  const password = readFileSync(join(folder, 'data', 'camera_password'), 'utf8').trim()
  t.equal(first.output().split(`  ${password}\n`).length, 2)
  const line = first.output().split('\n').find(each => each.includes('curl')) ?? ''
  await until(() => /password {3}\S+\n/.test(first.output()), 'the administrator\'s password')
  const adminPassword = /password {3}(\S+)\n/.exec(first.output())?.[1] ?? ''
  t.match(first.output(), /user name {2}admin\n/)
  t.match(line, `X-Camera-Auth: ${password}`)
  writeFileSync(join(folder, 'frame.jpg'), jpeg())
  if (spawnSync('curl', ['--version']).error === undefined) {
    const curl = spawn('sh', ['-c', line.replace('curl ', 'curl --silent --show-error ')], { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    curl.stdout.on('data', chunk => { said += String(chunk) })
    t.equal((await once(curl, 'close'))[0], 0)
    t.equal(said, 'Frame received')
  } else {
    t.comment('curl is not installed: the printed line was not run')
  }
  first.child.kill('SIGTERM')
  t.strictSame(await first.exited(), [0, null])
  t.equal(first.errors(), '')

  const second = start(t, unset, { folder })
  const { url } = await second.listening()
  t.equal((await upload(url, { password })).status, 200)
  t.equal((await send(url, { path: '/api/users', headers: { Authorization: `Basic ${Buffer.from(`admin:${adminPassword}`).toString('base64')}` } })).status, 200)
  second.child.kill('SIGTERM')
  await second.exited()
  t.notMatch(second.output(), password)
  t.notMatch(second.output(), 'curl')
  t.notMatch(second.output(), /user name/)
})

t.test('an administrator whose password nobody has seen is not kept', async t => {
  const folder = temporaryFolder(t)
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => { taken.close() })
  const failed = start(t, { PORT: String((taken.address() as AddressInfo).port) }, { folder })
  t.strictSame(await failed.exited(), [1, null])
  t.notMatch(failed.output(), /user name/)
  const next = start(t, {}, { folder })
  await until(() => /password {3}\S+\n/.test(next.output()), 'the administrator\'s password')
  next.child.kill('SIGTERM')
  await next.exited()
})

t.test('settings may stand in .env', async t => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, '.env'), 'CAMERA_PASSWORD=from-the-file-1234\nDATA_DIR=elsewhere\n')
  const server = start(t, { CAMERA_PASSWORD: undefined, DATA_DIR: undefined }, { folder })
  const { url } = await server.listening()
  t.equal((await upload(url, { password: 'from-the-file-1234', spill: true })).status, 200)
  t.ok(readFileSync(join(folder, 'elsewhere', 'videostream.db')))
  server.child.kill('SIGTERM')
  await server.exited()
})

t.test('it refuses passwords that are none', async t => {
  for (const [password, why] of [
    ['', /CAMERA_PASSWORD is empty/], ['your_default_password', /everyone knows/], ['your_secure_password', /everyone knows/],
    ['short-one-1', /shorter than 12 characters/]
  ] as const) {
    await t.test(`CAMERA_PASSWORD=${password}`, async t => {
      const server = start(t, { CAMERA_PASSWORD: password })
      await refuses(t, server, why)
      if (password !== '') t.notMatch(server.errors(), password)
    })
  }
})

t.test('it says every mistake in one line', async t => {
  await refuses(t, start(t, { PORT: 'five', CAMERA_PASSWORD: 'short', UPLOAD_RATE_LIMIT: '-1' }), /CAMERA_PASSWORD/, /PORT must be a whole number from 0 to 65535, but it is "five"/, /UPLOAD_RATE_LIMIT/)
  await refuses(t, start(t, { PORT: '70000' }), /PORT/)
  await refuses(t, start(t, { TRUST_PROXY: 'nonsense' }), /TRUST_PROXY/)
})

t.test('it refuses a database from a newer version, and touches nothing', async t => {
  const folder = temporaryFolder(t)
  const first = start(t, {}, { folder })
  await first.listening()
  first.child.kill('SIGTERM')
  await first.exited()
  const path = join(first.dataDir, 'videostream.db')
  const database = new Database(path)
  database.pragma('user_version = 99')
  database.close()
  const before = readFileSync(path)
  await refuses(t, start(t, {}, { folder }), /newer version/)
  t.ok(readFileSync(path).equals(before))
})

t.test('it refuses a damaged database, and touches nothing', async t => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'data', 'videostream.db')
  mkdirSync(join(folder, 'data'))
  const damaged = Buffer.alloc(8192, 'not a database ')
  writeFileSync(path, damaged)
  await refuses(t, start(t, {}, { folder }), /damaged or not a database/)
  t.ok(readFileSync(path).equals(damaged))
})

t.test('it refuses the folder of another server', async t => {
  const folder = temporaryFolder(t)
  const first = start(t, {}, { folder })
  const { url } = await first.listening()
  await refuses(t, start(t, {}, { folder }), /another Videostream server is using/)
  t.equal((await upload(url)).status, 200, 'which goes on')
  first.child.kill('SIGTERM')
  t.strictSame(await first.exited(), [0, null])
})

t.test('it refuses a port that is in use, and ends', async t => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => { other.close() })
  const folder = temporaryFolder(t)
  await refuses(t, start(t, { PORT: String((other.address() as AddressInfo).port), CAMERA_PASSWORD: undefined }, { folder }), /EADDRINUSE/)
  const next = start(t, { CAMERA_PASSWORD: undefined }, { folder })
  await next.listening()
  await until(() => next.output().includes('curl'), 'the password, which nobody has seen')
})

t.test('what nobody foresaw at the start is told with its stack', async t => {
  const server = start(t, {}, { preload: 'import net from "node:net"; net.Server.prototype.listen = () => { throw new Error("an accident") }' })
  t.strictSame(await server.exited(), [1, null])
  t.match(server.errors(), /videostream cannot start: Error: an accident\nvideostream cannot start: {5}at /)
})

for (const name of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`${name} ends 50 viewers, finishes the upload under way and exits with 0`, async t => {
    const folder = temporaryFolder(t)
    const server = start(t, {}, { folder })
    const { url, port } = await server.listening()
    await upload(url)
    const viewers = Array.from({ length: 50 }, () => new SocketViewer(port))
    await Promise.all(viewers.map(viewer => viewer.received(1)))
    const picture = jpeg({ color: [200, 1, 1] })
    const camera = RawClient.send(port,
      `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${PASSWORD}\r\nX-Oil-Spill-Detected: 1\r\nExpect: 100-continue\r\nContent-Length: ${picture.length}\r\n\r\n`)
    t.equal((await camera.answer(1)).status, 100)
    server.child.kill(name)
    await Promise.all(viewers.map(viewer => viewer.closed()))
    t.equal(server.child.exitCode, null, 'it waits for the upload')
    camera.write(picture)
    t.equal((await camera.answer(2)).status, 200)
    t.strictSame(await server.exited(), [0, null])
    for (const viewer of viewers) t.equal(viewer.body.toString('latin1').slice(-CLOSING.length), CLOSING)
    t.match(server.output(), `"signal":"${name}","msg":"shutting down"`)
    t.equal(server.errors(), '')
    t.ok(levels(server).every(level => level <= 30), server.output())
    const database = new Database(join(server.dataDir, 'videostream.db'), { readonly: true })
    t.equal(database.prepare('SELECT count(*) FROM oil_spill_events').pluck().get(), 1, 'the upload is kept')
    database.close()
  })
}

t.test('a second signal exits at once, though an upload is under way', async t => {
  const server = start(t)
  const { port } = await server.listening()
  const camera = RawClient.send(port, `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${PASSWORD}\r\nExpect: 100-continue\r\nContent-Length: 500\r\n\r\n`)
  t.equal((await camera.answer()).status, 100)
  server.child.kill('SIGTERM')
  await until(() => server.output().includes('shutting down'))
  server.child.kill('SIGTERM')
  t.strictSame(await server.exited(), [1, null])
  t.match(server.output(), 'second SIGTERM, exiting')
  await camera.end()
})

t.test('an upload that never ends does not hold it longer than the deadline', async t => {
  const server = start(t)
  const { port } = await server.listening()
  const camera = RawClient.send(port, `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${PASSWORD}\r\nExpect: 100-continue\r\nContent-Length: 500\r\n\r\n`)
  t.equal((await camera.answer()).status, 100)
  server.child.kill('SIGTERM')
  t.strictSame(await server.exited(), [1, null])
  t.match(server.output(), 'killed by timeout (10000ms)')
})

t.test('an error that nobody caught ends it in order, with 1', async t => {
  const server = start(t, {}, { preload: 'process.on("message", () => { throw new Error("an accident") })' })
  await until(() => server.child.connected)
  const { url, port } = await server.listening()
  await upload(url)
  const viewer = new SocketViewer(port)
  await viewer.received(1)
  server.child.send('now')
  await viewer.closed()
  t.equal(viewer.body.toString('latin1').slice(-CLOSING.length), CLOSING)
  t.strictSame(await server.exited(), [1, null])
  t.match(server.output(), 'shutting down after an error that nobody caught')
  t.match(server.output(), 'an accident')
})

t.test('whoever started it as a child is told its address when it is ready', async t => {
  const server = start(t, {}, { preload: '' })
  const [address] = await once(server.child, 'message') as [string]
  t.equal(address, (await server.listening()).url)
  t.equal((await send(address)).status, 200)
  server.child.kill('SIGTERM')
  t.strictSame(await server.exited(), [0, null])
})

t.test('passwords are nowhere in the log', async t => {
  const server = start(t, { LOG_LEVEL: 'trace' })
  const { url } = await server.listening()
  await upload(url)
  await upload(url, { password: 'a-wrong-guess' })
  await control(url, 'stop_stream')
  await control(url, 'stop_stream', 'a-wrong-guess')
  server.child.kill('SIGTERM')
  await server.exited()
  t.match(server.output(), 'a password was refused')
  t.notMatch(server.output(), PASSWORD)
  t.notMatch(server.output(), 'a-wrong-guess')
})
