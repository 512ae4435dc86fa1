import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { control, jpeg, PASSWORD, temporaryFolder, upload } from '../helper.js'
import { needs, PYTHON, run } from './clients.js'
import { COLOURS } from './pictures.js'
import { startServerProcess, viewerOf } from './server-process.js'

const QUIET = ['-hide_banner', '-nostdin', '-loglevel', 'error']
const SECONDS = 30
const FPS = 20

interface Status { readonly frames_received: number, readonly refused_frames: number, readonly relay: { readonly frames_sent: number, readonly frames_skipped: number } }

/** The MD5 of the pixels of each picture that ffmpeg decodes from an address or file, in their order. */
async function decode (t: Test, input: string[]): Promise<string[]> {
  const { code, stdout } = await run('ffmpeg', [...QUIET, ...input, '-fps_mode', 'passthrough', '-f', 'framemd5', '-'], { timeoutMs: 120_000 })
  t.equal(code, 0, 'ffmpeg ends well')
  return stdout.toString().split('\n').filter(line => /^\d/.test(line)).map(line => String(line.split(',').at(-1)).trim())
}

/** Whether all of these are among the others in the same order. */
function isSubsequence (some: string[], all: string[]): boolean {
  let at = 0
  for (const each of some) {
    at = all.indexOf(each, at) + 1
    if (at === 0) return false
  }
  return true
}

t.test('ffmpeg', needs('ffmpeg'), async t => {
  t.test('one ffmpeg pushes a video for 30 s while another watches, who gets every frame but those that it skipped', async t => {
    const { url } = await startServerProcess(t)
    const folder = temporaryFolder(t)
    const video = join(folder, 'video.mkv')
    const encoded = join(folder, 'video.mjpeg')
    await run('ffmpeg', [...QUIET, '-f', 'lavfi', '-i', `testsrc2=size=640x360:rate=${FPS}`, '-t', String(SECONDS), '-c:v', 'mpeg4', '-q:v', '4', video])
    await run('ffmpeg', [...QUIET, '-i', video, '-c:v', 'mjpeg', '-f', 'mpjpeg', encoded])
    const sent = await decode(t, ['-f', 'mpjpeg', '-i', encoded])
    t.equal(sent.length, SECONDS * FPS)

    // Of the same kind as those of the video: ffmpeg converts what it decodes to the first one's.
    const first = await run('ffmpeg', [...QUIET, '-i', video, '-frames:v', '1', '-c:v', 'mjpeg', '-f', 'mjpeg', '-'])
    await upload(url, { jpeg: first.stdout })
    const watching = decode(t, ['-f', 'mpjpeg', '-i', `${url}/stream`])
    await viewerOf(url)
    const startedMs = performance.now()
    const pushing = await run('ffmpeg', [
      ...QUIET, '-re', '-i', video, '-c:v', 'mjpeg', '-f', 'mpjpeg', '-method', 'POST', '-headers', `X-Camera-Auth: ${PASSWORD}\r\n`, `${url}/api/cameras/default/feed`
    ], { timeoutMs: 120_000 })
    t.equal(pushing.code, 0, pushing.stderr)
    t.ok(performance.now() - startedMs > (SECONDS - 1) * 1000, 'for as long as the video')

    const { frames_received: received, refused_frames: refused, relay } = await (await fetch(`${url}/api/status`)).json() as Status
    await control(url, 'stop_stream')
    const [, ...seen] = await watching
    t.equal(received, 1 + SECONDS * FPS)
    t.equal(refused, 0)
    t.equal(1 + seen.length + relay.frames_skipped, received, `${relay.frames_skipped} were skipped`)
    t.ok(isSubsequence(seen, sent), 'each with the pixels that were sent, in their order')
  })

  t.test('ffmpeg is told that its key is wrong', async t => {
    const { url } = await startServerProcess(t)
    const { stderr } = await run('ffmpeg', [
      ...QUIET, '-re', '-f', 'lavfi', '-i', 'testsrc2=size=320x180:rate=25', '-t', '10', '-c:v', 'mjpeg', '-f', 'mpjpeg',
      '-method', 'POST', '-headers', 'X-Camera-Auth: wrong\r\n', `${url}/api/cameras/default/feed`
    ])
    t.match(stderr, /401|Broken pipe|Connection reset|End of file|Input\/output error/, 'and ends before the video does')
    t.match(await (await fetch(`${url}/api/status`)).json(), { frames_received: 0, unauthorized_attempts: 1 })
  })
})

const FRAMES = COLOURS.map(color => jpeg({ width: 64, height: 48, color }))
const BODY = Buffer.concat([...FRAMES.flatMap((each, index) => [
  Buffer.from(`--x\r\nContent-Type: image/jpeg\r\n${index % 2 === 0 ? `Content-Length: ${each.length}\r\n` : ''}X-Oil-Spill-Detected: ${index === 5}\r\n\r\n`), each, Buffer.from('\r\n')
]), Buffer.from('--x--\r\n')])

/** Asserts that a server has all of FRAMES, with the spill that is among them. */
async function hasAll (t: Test, url: string): Promise<void> {
  t.match(await (await fetch(`${url}/api/status`)).json(), { frames_received: FRAMES.length, oil_spill_events: 1, refused_frames: 0 })
  t.strictSame(Buffer.from(await (await fetch(`${url}/api/frame`)).arrayBuffer()), FRAMES.at(-1))
}

t.test('curl', needs('curl'), async t => {
  const ways: Record<string, string[]> = {
    'from a pipe, in chunks': ['-X', 'POST', '-T', '-'],
    'with its length, after a 100 Continue': ['--data-binary', '@-', '-H', 'Expect: 100-continue', '--expect100-timeout', '20'],
    'over HTTP/1.0': ['--http1.0', '--data-binary', '@-'],
    'as what it is': ['-X', 'POST', '-T', '-', '-H', 'Content-Type: multipart/x-mixed-replace;boundary=x']
  }
  for (const [way, args] of Object.entries(ways)) {
    t.test(`a body is taken ${way}`, async t => {
      const { url } = await startServerProcess(t)
      const { code, stdout, stderr } = await run('curl', ['-sS', '--max-time', '30', '-H', `X-Camera-Auth: ${PASSWORD}`, ...args, `${url}/api/cameras/default/feed`], { input: BODY })
      t.equal(code, 0, stderr)
      t.strictSame(JSON.parse(stdout.toString()), { frames_received: FRAMES.length, frames_refused: 0, frames_late: 0 })
      await hasAll(t, url)
    })
  }

  t.test('curl is told what is wrong with an endless body', async t => {
    const { url } = await startServerProcess(t)
    const { stdout } = await run('curl', ['-sS', '--max-time', '30', '-H', `X-Camera-Auth: ${PASSWORD}`, '-X', 'POST', '-T', '-', `${url}/api/cameras/default/feed`], { input: Buffer.alloc(5_000_000, 'no delimiter\n') })
    t.match(JSON.parse(stdout.toString()), { code: 'FEED_INVALID', message: /begins with "--"/ })
  })
})

const GENERATOR = `
import requests, sys
body = open('body', 'rb').read()
def pieces():
    for at in range(0, len(body), 333):
        yield body[at:at + 333]
response = requests.post(sys.argv[1] + '/api/cameras/default/feed', data=pieces(), headers={'X-Camera-Auth': sys.argv[2]})
print(response.status_code, response.json()['frames_received'])
`

t.test('Python requests', needs('python3-requests'), async t => {
  const { url } = await startServerProcess(t)
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'body'), BODY)
  const { code, stdout, stderr } = await run(PYTHON, ['-c', GENERATOR, url, PASSWORD], { cwd: folder })
  t.equal(code, 0, stderr)
  t.equal(stdout.toString().trim(), `200 ${FRAMES.length}`, 'a generator is sent')
  await hasAll(t, url)
})
