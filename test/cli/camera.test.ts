import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buffer } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import jpeg from 'jpeg-js'
import t from 'tap'
import { main } from '../../src/cli/camera.js'
import { jpeg as jpegOf } from '../helper.js'
import { serve } from '../http.js'

const program = fileURLToPath(new URL('../../src/cli/camera.js', import.meta.url))
const env = {
  ...process.env, CAMERA_KEY: '', CAMERA_KEY_FILE: '', STATE_DIRECTORY: '', XDG_STATE_HOME: t.testdir({}), CAMERA_PASSWORD: 'the right one'
}
const small = ['--size', '160x90', '--fps', '20']

/** What `main` prints, and its exit code; `onLine` sees each line as it comes. */
async function run (argv: string[], onLine: (line: string, stop: AbortController) => void = () => {}, summaryEveryMs = 30_000) {
  const stop = new AbortController()
  const [out, errors]: [string[], string[]] = [[], []]
  const terminal = {
    log (line: string) {
      out.push(line)
      onLine(line, stop)
    },
    error: (line: string) => { errors.push(line) }
  }
  const exitCode = await main(argv, env, { terminal, stop, summaryEveryMs })
  return { exitCode, out, errors }
}

/** Gives every line of a running program's output that matches, as it comes. */
async function lineOf (output: NodeJS.ReadableStream, pattern: RegExp): Promise<string> {
  for await (const line of createInterface({ input: output })) if (pattern.test(line)) return line
  throw new Error(`it ended without ${String(pattern)}`)
}

t.test('it sends the simulated sea until it is stopped, and sums up', async t => {
  const bodies: Buffer[] = []
  const server = await serve(t, (request, response) => {
    void buffer(request).then(body => {
      bodies.push(body)
      response.end('Frame received')
    })
  })
  const { exitCode, out, errors } = await run(['--server', server], (line, stop) => {
    if (line.includes('connected')) stop.abort()
  })
  t.equal(exitCode, 0)
  t.strictSame(errors, [])
  t.equal(out.length, 3)
  t.equal(out[0]!.slice(8), ` sending a simulated sea to ${server} at 10 frames a second`)
  t.match(out[1], /^\d\d:\d\d:\d\d connected: the server takes frames$/)
  t.match(out[2], / frames taken /)
  t.match(jpeg.decode(bodies[0]!), { width: 1280, height: 720 })
})

t.test('it sums up as it goes', async t => {
  const server = await serve(t, (request, response) => {
    request.resume()
    response.end('Frame received')
  })
  let summaryCount = 0
  await run(['--server', server, ...small], (line, stop) => {
    if (line.includes(' frames taken ') && ++summaryCount === 2) stop.abort()
  }, 50)
  t.ok(summaryCount >= 2)
})

t.test('a wrong password is one line and exit code 1', async t => {
  const server = await serve(t, (_request, response) => {
    response.writeHead(401).end('{"message":"Check CAMERA_PASSWORD."}')
  })
  const { exitCode, out, errors } = await run(['--server', server, ...small])
  t.equal(exitCode, 1)
  t.strictSame(errors, ['camera: the server does not accept the password (401 Unauthorized: Check CAMERA_PASSWORD.)'])
  t.equal(out.length, 1)
})

t.test('a file that is not there is one line and exit code 1', async t => {
  const { exitCode, errors } = await run(['--file', '/no/such.mp4'])
  t.equal(exitCode, 1)
  t.match(errors, [/^camera: --file: ENOENT/])
})

t.test('with a detector, a camera id and a spool', async t => {
  const folder = t.testdir({ inbox: { 'a.jpg': jpegOf({ color: [1, 2, 3] }) }, spool: {} })
  const requests: Array<{ url: string | undefined, headers: IncomingHttpHeaders, body: Buffer }> = []
  const server = await serve(t, (request, response) => {
    void buffer(request).then(body => {
      requests.push({ url: request.url, headers: request.headers, body })
      response.end('Frame received')
    })
  })
  const command = 'cat > /dev/null; echo \'{"spill": true, "confidence": 0.75, "boxes": [{"x": 0, "y": 0, "width": 640, "height": 1}]}\''
  const { exitCode, out } = await run(['--server', server, '--camera', 'north-jetty', '--inbox', join(folder, 'inbox'), '--spool', join(folder, 'spool'),
    '--detector-command', command, '--latitude', '59.5', '--longitude=-3', '--heading', '0'],
  (line, stop) => { if (line.includes('connected')) stop.abort() })
  t.equal(exitCode, 0)
  t.match(requests[0], {
    url: '/api/cameras/north-jetty/frames',
    body: jpegOf({ color: [1, 2, 3] }),
    headers: {
      'x-oil-spill-detected': 'true',
      'x-detection-confidence': '0.75',
      'x-detection-boxes': '[]',
      'x-capture-timestamp': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
      'x-frame-sequence': /^\d+$/,
      'idempotency-key': /^\S+$/,
      'x-latitude': '59.5',
      'x-longitude': '-3',
      'x-heading': '0'
    }
  })
  t.match(out.join('\n'), 'left out in part: each box must have')
  t.strictSame(readdirSync(join(folder, 'inbox')), [])
  t.strictSame(readdirSync(join(folder, 'spool')), ['sequence'], 'the server has it, and the folder is free')
})

t.test('a folder that another one uses is one line and exit code 1', async t => {
  const folder = t.testdir({ inbox: {}, spool: {} })
  const argv = ['--server', 'http://127.0.0.1:1', '--inbox', join(folder, 'inbox'), '--spool', join(folder, 'spool')]
  const child = spawn(process.execPath, [program, ...argv], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  await lineOf(child.stdout, /sending/)
  const { exitCode, errors } = await run(argv)
  t.equal(exitCode, 1)
  t.match(errors, [/^camera: another camera program \(process \d+\) is using /])
  child.kill('SIGKILL')
  await once(child, 'exit')
})

t.test('help and mistakes', async t => {
  const help = await run(['--help'])
  t.equal(help.exitCode, 0)
  t.match(help.out[0], /^Usage: npm run camera/)
  const mistake = await run(['--fps', 'x'])
  t.match(mistake, { exitCode: 2, out: [], errors: [/^camera: --fps must be/] })
})

t.test('an error that nobody foresaw is not hidden', async t => {
  const terminal = { log () { throw new RangeError('odd') }, error: t.fail }
  await t.rejects(main(['--help'], env, { terminal }), { name: 'RangeError' })
})

t.test('as a program it takes the password from the environment and exits with the code', async t => {
  const result = spawnSync(process.execPath, [program, '--bogus'], { env, encoding: 'utf8' })
  t.match(result, { status: 2, stdout: '', stderr: /^camera: Unknown option '--bogus' .*\n$/ })
  const link = join(t.testdir({}), 'linked.js')
  symlinkSync(program, link)
  t.match(spawnSync(process.execPath, [link, '--help'], { env, encoding: 'utf8' }), { status: 0, stdout: /^Usage/ })
})

t.test('it can be installed as a command', async t => {
  const { bin } = JSON.parse(readFileSync('package.json', 'utf8')) as { bin: Record<string, string> }
  t.equal(bin['videostream-camera'], 'dist/cli/camera.js')
  t.match(readFileSync(program, 'utf8'), /^#!\/usr\/bin\/env node\n/)
})

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  t.test(`${name} stops it with exit code 0, even if it comes twice`, async t => {
    const passwords: unknown[] = []
    const server = await serve(t, (request, response) => {
      passwords.push(request.headers['x-camera-auth'])
      request.resume()
      response.end('Frame received')
    })
    const child = spawn(process.execPath, [program, '--server', server, ...small], { env, stdio: ['ignore', 'pipe', 'inherit'] })
    await lineOf(child.stdout, /connected/)
    child.kill(name)
    child.kill(name)
    t.strictSame(await once(child, 'exit'), [0, null])
    t.equal(passwords[0], 'the right one')
  })
}

t.test('a stop ends ffmpeg too', async t => {
  const server = await serve(t, (request, response) => {
    request.resume()
    response.end('Frame received')
  })
  const folder = t.testdir({})
  const pidFile = join(folder, 'pid')
  writeFileSync(join(folder, 'ffmpeg'), `#!/bin/sh
echo $$ > ${pidFile}; printf -- '--x\\r\\nContent-length: 1\\r\\n\\r\\na'; exec sleep 1000\n`, { mode: 0o755 })
  const child = spawn(process.execPath, [program, '--server', server, '--file', 'rtsp://me:secret@cam/1', '--spill'],
    { env: { ...env, PATH: `${folder}:${process.env['PATH']}` }, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', chunk => { out += String(chunk) })
  await lineOf(child.stdout, /connected/)
  child.kill('SIGTERM')
  t.strictSame(await once(child, 'exit'), [0, null])
  t.throws(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0), { code: 'ESRCH' })
  t.match(out, 'sending rtsp://***@cam/1 to')
  t.match(out, 'oil slick in the picture')
  t.notMatch(out, 'secret')
})
