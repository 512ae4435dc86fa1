import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { jpeg, PASSWORD, temporaryFolder, upload } from '../helper.js'
import { needs, PYTHON, run } from './clients.js'
import { COLOURS } from './pictures.js'
import { startServerProcess, type ServerProcess } from './server-process.js'

/** The code blocks of README.md in their order, by the heading above them. A block that is not run here fails a test. */
const BLOCKS = [...readFileSync('README.md', 'utf8').matchAll(/^#+ (.+)|^```(\w+)\n([^]*?)^```$/gm)]
  .reduce<{ heading: string, blocks: Array<{ heading: string, language: string, code: string }> }>(
    ({ heading, blocks }, [, found, language, code]) => found === undefined
      ? { heading, blocks: [...blocks, { heading, language: language!, code: code! }] }
      : { heading: found, blocks },
    { heading: '', blocks: [] }).blocks

const PROGRAMS = fileURLToPath(new URL('../../src/', import.meta.url))
const STANDIN = resolve('test/e2e/esp32')
const SCRIPTS = (JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> }).scripts

process.env['CAMERA_PASSWORD'] = PASSWORD // which the examples take from the environment

/** The only block, or the one at `index`, under a heading, for a server at another address and with a real password. */
function block (heading: string, url = 'http://localhost:5000', index = 0): string {
  const { code } = BLOCKS.filter(block => block.heading === heading)[index]!
  return code.replaceAll('http://localhost:5000', url).replaceAll('CAMERA_PASSWORD=...', `CAMERA_PASSWORD=${PASSWORD}`)
}

async function status (url: string): Promise<{ frames_received: number, oil_spill_events: number, resolution: { width: number, height: number } | null }> {
  return await (await fetch(`${url}/api/status`)).json() as Awaited<ReturnType<typeof status>>
}

async function shownFrame (url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(`${url}/api/frame`)).arrayBuffer())
}

/** A server, and a folder with the frame.jpg that the examples send. */
async function setUp (t: Test): Promise<{ server: ServerProcess, folder: string, frame: Buffer }> {
  const folder = temporaryFolder(t)
  const frame = jpeg({ width: 64, height: 48 })
  writeFileSync(join(folder, 'frame.jpg'), frame)
  return { server: await startServerProcess(t), folder, frame }
}

/** Makes the video.mp4 of the examples: 320x240 pixels, 25 pictures a second. */
async function makeVideo (t: Test, folder: string, seconds: number): Promise<void> {
  const { code, stderr } = await run('ffmpeg', [
    '-nostdin', '-loglevel', 'error', '-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=25:duration=${seconds}`, '-pix_fmt', 'yuv420p', join(folder, 'video.mp4')
  ])
  t.equal(code, 0, `video.mp4 is made ${stderr}`)
}

t.test('every code block is known to a test', async t => {
  t.strictSame(BLOCKS.map(({ heading, language }) => `${heading}: ${language}`), [
    'Try it: sh', // npm run demo: test/cli/demo.test.ts
    'Try it: sh', // npm start: below
    'curl: sh',
    'Python: python',
    'ffmpeg: sh',
    'ffmpeg: sh',
    'ESP32-CAM: cpp',
    'The history: sh'
  ])
  t.equal(block('Try it'), 'npm ci && npm run demo\n')
  t.equal(SCRIPTS['demo'], 'node dist/cli/demo.js')
})

t.test('npm start: the first run makes a password and prints a curl line that uploads a frame', needs('curl'), async t => {
  t.equal(block('Try it', undefined, 1), 'npm ci && npm start\n')
  t.equal(SCRIPTS['start'], 'node --max-semi-space-size=4 dist/server.js')
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'frame.jpg'), jpeg())
  const { CAMERA_PASSWORD, ...environment } = process.env
  const server = spawn(process.execPath, [join(PROGRAMS, 'server.js')], {
    cwd: folder, env: { ...environment, PORT: '0', HOST: '127.0.0.1', DATA_DIR: '' }, stdio: ['ignore', 'pipe', 'inherit']
  })
  const ended = once(server, 'exit')
  t.teardown(async () => {
    server.kill('SIGTERM')
    await ended
  })
  let printed = ''
  let line: string | undefined
  for await (const chunk of server.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    printed += String(chunk)
    line = /^ +(curl .*)\n/m.exec(printed)?.[1]
    if (line !== undefined) break
  }
  server.stdout.resume()
  const { stdout } = await run('bash', ['-c', line!], { cwd: folder })
  t.equal(stdout.toString(), 'Frame received')
  t.ok(line!.includes(readFileSync(join(folder, 'data/camera_password'), 'utf8').trim()), 'with the password that is kept in data/camera_password')
})

t.test('curl', needs('curl'), async t => {
  const { server, folder, frame } = await setUp(t)
  const { code, stdout } = await run('bash', ['-c', block('curl', server.url)], { cwd: folder })
  t.equal(code, 0)
  t.equal(stdout.toString(), 'Frame received')
  t.strictSame(await shownFrame(server.url), frame)
  t.match(await status(server.url), { frames_received: 1, oil_spill_events: 1 })
})

t.test('Python', needs('python3-requests'), async t => {
  const { server, folder, frame } = await setUp(t)
  const { code, stdout, stderr } = await run(PYTHON, ['-'], { cwd: folder, input: Buffer.from(block('Python', server.url)) })
  t.equal(code, 0)
  t.equal(stderr, '')
  t.equal(stdout.toString(), '200 Frame received\n')
  t.strictSame(await shownFrame(server.url), frame)
  t.match(await status(server.url), { frames_received: 1, oil_spill_events: 1 })
})

t.test('ffmpeg', needs('ffmpeg'), async t => {
  const { server, folder } = await setUp(t)
  await makeVideo(t, folder, 3)
  const { code, stderr } = await run('bash', ['-c', block('ffmpeg', server.url)], { cwd: folder })
  t.equal(code, 0)
  const { frames_received: frames, resolution, oil_spill_events: events } = await status(server.url)
  t.equal(frames, Number([...stderr.matchAll(/frame= *(\d+)/g)].at(-1)?.[1]), 'all that ffmpeg says it has sent')
  t.ok(frames >= 14, `${frames} frames of 3 s at 5 frames a second`)
  t.strictSame({ resolution, events }, { resolution: { width: 320, height: 240 }, events: 0 })
})

t.test('the camera program', needs('ffmpeg'), async t => {
  const command = block('ffmpeg', 'http://localhost:5000', 1)
  t.match(command, / npm run camera -- /)
  t.equal(SCRIPTS['camera'], 'node dist/cli/camera.js')
  const { server, folder } = await setUp(t)
  await makeVideo(t, folder, 1)
  const compiled = block('ffmpeg', server.url, 1).replace('npm run camera --', `"${process.execPath}" "${join(PROGRAMS, 'cli/camera.js')}"`)
  const camera = spawn('bash', ['-c', compiled], { cwd: folder, env: { ...process.env, XDG_STATE_HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const [printed, complaints, ended] = [text(camera.stdout), text(camera.stderr), once(camera, 'close')]
  t.teardown(async () => { await ended })
  const deadlineMs = performance.now() + 60_000
  // More than the video has, so that it was opened again.
  while ((await status(server.url)).frames_received < 8 && camera.exitCode === null && performance.now() < deadlineMs) {
    await new Promise(resolve => setTimeout(resolve, 100))
  }
  if (camera.exitCode === null) process.kill(-camera.pid!, 'SIGINT') // Ctrl+C
  t.strictSame(await ended, [0, null])
  t.match(await printed, /sending video\.mp4 to http:\S+ at 5 frames a second\n[^]*connected: the server takes frames/)
  t.equal(await complaints, '')
  const { frames_received: frames, resolution } = await status(server.url)
  t.ok(frames >= 8, `${frames} frames`)
  t.strictSame(resolution, { width: 320, height: 240 })
})

t.test('npm run camera -- --help lists everything', async t => {
  const { code, stdout } = await run(process.execPath, [join(PROGRAMS, 'cli/camera.js'), '--help'])
  t.equal(code, 0)
  for (const option of ['--server', '--file', '--fps', '--spill']) t.match(stdout.toString(), option)
})

t.test('the history is read while the server runs', needs('sqlite3'), async t => {
  const { server } = await setUp(t)
  t.equal((await upload(server.url, { spill: true })).status, 200)
  const { code, stdout, stderr } = await run('bash', ['-c', block('The history')], { cwd: dirname(server.dataDir) })
  t.equal(code, 0)
  t.equal(stderr, '')
  const [event] = await (await fetch(`${server.url}/api/oil_spill_events`)).json() as [{ frame_path: string }]
  const lines = stdout.toString().trimEnd().split('\n')
  t.equal(lines.length, 1)
  t.match(lines[0], event.frame_path)
  t.ok(existsSync(join(server.dataDir, event.frame_path)))
})

interface PlayedServer {
  readonly url: string
  /** What it was sent. */
  readonly uploads: ReadonlyArray<{ headers: IncomingHttpHeaders, body: Buffer }>
  readonly connectionCount: () => number
}

/** Plays a server that answers uploads with these statuses, then with 200; a 0 breaks the connection off. */
async function playServer (t: Test, statuses: readonly number[]): Promise<PlayedServer> {
  const uploads: Array<{ headers: IncomingHttpHeaders, body: Buffer }> = []
  let connectionCount = 0
  const server = createServer((request, response) => {
    void buffer(request).then(body => {
      const status = statuses[uploads.length] ?? 200
      uploads.push({ headers: request.headers, body })
      if (status === 0) request.socket.destroy()
      else response.writeHead(status, { 'Content-Length': 18 }).end(`{"statusCode":${status}}`)
    })
  }).on('connection', () => { connectionCount++ }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, uploads, connectionCount: () => connectionCount }
}

t.test('ESP32-CAM', needs('g++'), async t => {
  const SKETCH = block('ESP32-CAM')
  const FRAMES = [0, 1, 2].map(i => jpeg({ width: 64, height: 48, color: COLOURS[i]! }))

  /** Replaces a string that must be in the sketch once. */
  function replaced (sketch: string, from: string, to: string): string {
    t.equal(sketch.split(from).length, 2, `${from} is in the sketch once`)
    return sketch.replace(from, to)
  }

  /** Compiles the sketch, as the Arduino IDE does: with Arduino.h before it, and with the warnings of its strictest level. */
  async function compile (t: Test, url: string, options: { spill?: boolean, password?: string } = {}): Promise<string> {
    const folder = temporaryFolder(t)
    let sketch = replaced(SKETCH, 'http://192.168.1.10:5000', url)
    sketch = replaced(sketch, 'your-camera-password', options.password ?? PASSWORD)
    if (options.spill === true) sketch = replaced(sketch, 'return false;', 'return true;')
    writeFileSync(join(folder, 'sketch.ino.cpp'), `#include <Arduino.h>\n${sketch}`)
    const { code, stderr } = await run('g++', [
      // The first and the last flag are those of platform.txt of the core 2, whatever the level.
      '-std=gnu++11', '-Wall', '-Wextra', '-Werror', '-Wno-unused-parameter',
      '-I', STANDIN, join(folder, 'sketch.ino.cpp'), join(STANDIN, 'board.cpp'), '-o', join(folder, 'board')
    ])
    t.equal(code, 0, `the sketch compiles ${stderr}`)
    for (const [i, frame] of FRAMES.entries()) writeFileSync(join(folder, `${i}.jpg`), frame)
    return folder
  }

  /** Runs the sketch until it has seen all frames; what it wrote to the serial port. */
  async function runSketch (t: Test, folder: string): Promise<string[]> {
    const { code, stdout } = await run(join(folder, 'board'), FRAMES.map((_, i) => `${i}.jpg`), { cwd: folder })
    t.equal(code, 0, 'every frame was given back to the camera')
    const [first, ...lines] = stdout.toString().trimEnd().split('\n')
    t.equal(first, 'no camera', 'it goes on trying until there is a camera')
    return lines
  }

  t.test('frames reach the server', async t => {
    const { url } = await startServerProcess(t)
    t.strictSame(await runSketch(t, await compile(t, url)), [], 'nothing goes wrong')
    t.match(await status(url), { frames_received: 3, oil_spill_events: 0 })
    t.strictSame(await shownFrame(url), FRAMES[2])
  })

  t.test('a spill becomes an event with the frame as evidence', async t => {
    const { url, dataDir } = await startServerProcess(t)
    t.strictSame(await runSketch(t, await compile(t, url, { spill: true })), [])
    t.match(await status(url), { frames_received: 3, oil_spill_events: 1 })
    const [event] = await (await fetch(`${url}/api/oil_spill_events`)).json() as [{ frame_path: string }]
    t.strictSame(readFileSync(join(dataDir, event.frame_path)), FRAMES[0])
  })

  t.test('a wrong password is told, and not tried with the same frame for ever', async t => {
    const { url } = await startServerProcess(t)
    const lines = await runSketch(t, await compile(t, url, { spill: true, password: 'not-this-password' }))
    t.equal(lines.length, FRAMES.length)
    for (const line of lines) t.match(line, /^upload: 401 \{.*"code":"PASSWORD_WRONG".*\}$/)
  })

  t.test('a frame with a spill is sent until it is taken, each time with all headers', async t => {
    const { url, uploads, connectionCount } = await playServer(t, [503, 0, 429])
    const lines = await runSketch(t, await compile(t, url, { spill: true }))
    t.strictSame(lines.map(line => line.trim()), ['upload: 503 {"statusCode":503}', 'upload: -5 connection failed', 'upload: 429 {"statusCode":429}'])
    t.strictSame(uploads.map(({ body }) => FRAMES.findIndex(frame => frame.equals(body))), [0, 0, 0, 0, 1, 2])
    for (const { headers } of uploads) {
      t.match(headers, { 'x-camera-auth': PASSWORD, 'x-oil-spill-detected': 'true', 'content-type': 'image/jpeg', connection: 'keep-alive' })
    }
    t.equal(connectionCount(), 2, 'one before and one after the break')
  })

  t.test('without a spill the next frame is sent instead', async t => {
    const { url, uploads, connectionCount } = await playServer(t, [503])
    t.strictSame(await runSketch(t, await compile(t, url)), ['upload: 503 {"statusCode":503}'])
    t.strictSame(uploads.map(({ body }) => FRAMES.findIndex(frame => frame.equals(body))), [0, 1, 2])
    for (const { headers } of uploads) t.equal(headers['x-oil-spill-detected'], 'false')
    t.equal(connectionCount(), 1)
  })
})
