import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import jpeg from 'jpeg-js'
import t, { type Test } from 'tap'
import { createFfmpegSource, type FfmpegSettings } from '../../../src/cli/camera/ffmpeg-source.js'
import type { CameraFrame } from '../../../src/cli/camera/frame.js'
import { serve } from '../../http.js'

const skip = spawnSync('ffmpeg', ['-version']).error !== undefined && 'ffmpeg is not installed'

/** Lets ffmpeg draw its test picture into a file of 64x48. */
function draw (file: string, ...args: string[]): string {
  execFileSync('ffmpeg', ['-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=10', ...args, file])
  return file
}

/** Runs a source until it gave so many frames or said so many lines. */
async function collect (settings: Partial<FfmpegSettings> & { source: string }, { frameCount = Infinity, lineCount = Infinity } = {}) {
  const stop = new AbortController()
  const frames: CameraFrame[] = []
  const lines: string[] = []
  const source = createFfmpegSource({
    fps: 25,
    size: undefined,
    spillDetected: false,
    log (line) {
      if (lines.push(line) >= lineCount) stop.abort()
    },
    ...settings
  })
  await source(frame => {
    if (frames.push(frame) >= frameCount) stop.abort()
  }, stop.signal)
  return { frames, lines }
}

const sizeOf = ({ jpeg: bytes }: CameraFrame) => {
  const { width, height } = jpeg.decode(bytes)
  return `${width}x${height}`
}

/** A program in the place of ffmpeg. */
const fake = (t: Test, script: string) => {
  const command = join(t.testdir({}), 'fake-ffmpeg')
  writeFileSync(command, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  return command
}

t.test('a video plays over and over, with what --spill says', { skip }, async t => {
  const source = draw(join(t.testdir({}), 'clip.mkv'), '-frames:v', '3', '-c:v', 'mpeg4')
  const { frames, lines } = await collect({ source, spillDetected: true }, { frameCount: 20 })
  t.strictSame(new Set(frames.map(sizeOf)), new Set(['64x48']))
  t.ok(frames.every(frame => frame.spillDetected))
  t.strictSame(lines, [])
})

t.test('an image, a folder and a pattern, in the size asked for', { skip }, async t => {
  const folder = t.testdir({})
  draw(join(folder, 'a [1]%d.jpg'), '-frames:v', '2')
  const image = join(folder, 'a [1]1.jpg')
  for (const source of [image, folder, join(folder, '*2.jpg')]) {
    const { frames } = await collect({ source, size: { width: 32, height: 16 } }, { frameCount: 3 })
    t.equal(sizeOf(frames[2]!), '32x16', source)
    t.equal(frames[0]!.spillDetected, false)
  }
})

t.test('a live MJPEG stream is opened again when it ends', { skip }, async t => {
  const picture = readFileSync(draw(join(t.testdir({}), 'a.jpg'), '-frames:v', '1', '-update', '1'))
  let visitCount = 0
  const address = await serve(t, (_request, response) => {
    visitCount++
    response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' })
    for (let i = 0; i < 5; i++) response.write(Buffer.concat([Buffer.from('--frame\r\nContent-Type: image/jpeg\r\n\r\n'), picture, Buffer.from('\r\n')]))
    response.end('--frame--\r\n')
  })
  const { frames, lines } = await collect({ source: `${address}/stream` }, { lineCount: 2 })
  t.equal(visitCount, 2)
  t.equal(sizeOf(frames[0]!), '64x48')
  t.match(lines[1], /^no more pictures from http.*: opening it again$/)
})

t.test('a source that falls silent is opened again', { skip }, async t => {
  let visitCount = 0
  const address = await serve(t, () => visitCount++)
  const { lines } = await collect({ source: `${address}/stream`, silenceMs: 300 }, { lineCount: 1 })
  t.match(lines[0], /\(no picture for 0\.3 s\): opening it again/)
  t.equal(visitCount, 1)
})

t.test('a slow source is not a silent one', async t => {
  const command = fake(t, "while printf -- '--x\\r\\nContent-length: 1\\r\\n\\r\\na'; do sleep 0.25; done")
  const { lines } = await collect({ source: 'rtsp://cam', command, silenceMs: 1000 }, { frameCount: 7 })
  t.strictSame(lines, [])
})

t.test('a file that ffmpeg cannot read ends it with ffmpeg\'s last words', { skip }, async t => {
  const source = join(t.testdir({ 'junk.mp4': 'junk' }), 'junk.mp4')
  await t.rejects(collect({ source }), { name: 'CameraError', exitCode: 1, message: /^ffmpeg cannot read .*junk.mp4: .*Invalid data/ })
})

t.test('a failing camera is told of once for each reason, without its password', async t => {
  const count = join(t.testdir({}), 'count')
  const command = fake(t, `echo x >> ${count}; [ $(wc -l < ${count}) -lt 3 ] && echo "rtsp://me:secret@cam: refused" >&2; exit 1`)
  const { lines } = await collect({ source: 'rtsp://me:secret@cam', command }, { lineCount: 2 })
  t.strictSame(lines, [
    'no more pictures from rtsp://***@cam (rtsp://***@cam: refused): opening it again',
    'no more pictures from rtsp://***@cam (it ended): opening it again'
  ])
})

t.test('output that is no MJPEG is told of', async t => {
  const command = fake(t, 'head -c 9000 /dev/zero; exec sleep 1000')
  const { lines } = await collect({ source: 'rtsp://cam', command }, { lineCount: 1 })
  t.match(lines[0], /\(ffmpeg sent no end of headers\)/)
})

t.test('a stop ends ffmpeg, and nothing is started after it', async t => {
  const pidFile = join(t.testdir({}), 'pid')
  const command = fake(t, `echo $$ > ${pidFile}; printf -- '--x\\r\\nContent-length: 1\\r\\n\\r\\na'; exec sleep 1000`)
  await collect({ source: 'rtsp://cam', command }, { frameCount: 1 })
  t.throws(() => process.kill(Number(readFileSync(pidFile, 'utf8')), 0), { code: 'ESRCH' })
  await createFfmpegSource({ source: 'rtsp://cam', fps: 1, size: undefined, spillDetected: false, log: t.fail, command: '/no' })(t.fail, AbortSignal.abort())
})

t.test('a missing ffmpeg, or one that may not run, is told of', async t => {
  await t.rejects(collect({ source: 'rtsp://cam', command: 'no-such-ffmpeg' }),
    { exitCode: 1, message: 'ffmpeg was not found: install it (Debian: apt-get install ffmpeg) or leave out --file' })
  await t.rejects(collect({ source: 'rtsp://cam', command: t.testdir({}) }), { message: /^ffmpeg cannot be started: spawn .*EACCES/ })
})
