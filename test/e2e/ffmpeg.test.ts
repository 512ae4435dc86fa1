import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { control, jpeg, temporaryFolder, upload } from '../helper.js'
import { needs, run } from './clients.js'
import { COLOURS } from './pictures.js'
import { startServerProcess, viewerOf } from './server-process.js'

const SIZE = { width: 160, height: 120 }

/**
 * What ffmpeg 5 says whoever serves it, also of files that it has encoded and written itself: the first of pictures in
 * one colour, while it looks ahead, and the second at the end of every mpjpeg input. Its exit code is 0 all the same.
 */
const USUAL_WARNINGS = [/^\[mjpeg @ \w+\] EOI missing, emulating$/, /^http:\S+\/stream\S*: Invalid data found when processing input$/]

/** Decodes whatever is at an address or path; the MD5 of each picture's pixels, and what ffmpeg warned of beyond the usual. */
async function decode (t: Test, input: string[]): Promise<{ pictures: string[], warnings: string[] }> {
  const { code, stdout, stderr } = await run('ffmpeg', [
    '-hide_banner', '-nostdin', '-loglevel', 'warning', ...input, '-fps_mode', 'passthrough', '-f', 'framemd5', '-'
  ])
  t.equal(code, 0, 'ffmpeg ends well')
  const pictures = stdout.toString().split('\n').filter(line => /^\d/.test(line)).map(line => line.split(',').at(-1)!.trim())
  const warnings = stderr.split('\n').filter(line => line !== '' && !USUAL_WARNINGS.some(usual => usual.test(line)))
  return { pictures, warnings }
}

t.test('ffmpeg', needs('ffmpeg'), async t => {
  t.test('every frame of a slow camera is counted and decoded, and a stop ends ffmpeg well', async t => {
    const { url } = await startServerProcess(t)
    const frames = [...COLOURS, ...COLOURS].map(color => jpeg({ ...SIZE, color }))
    await upload(url, { jpeg: frames[0]! })
    const watching = decode(t, ['-f', 'mpjpeg', '-i', `${url}/stream`])
    await viewerOf(url)
    for (const frame of frames.slice(1)) {
      await upload(url, { jpeg: frame })
      await new Promise(resolve => setTimeout(resolve, 100)) // a camera's pace, at which nothing is skipped
    }
    await control(url, 'stop_stream')
    const { pictures, warnings } = await watching
    t.strictSame(warnings, [])
    t.equal(pictures.length, frames.length, 'as many as were sent')

    const folder = temporaryFolder(t)
    for (const [index, frame] of frames.entries()) writeFileSync(join(folder, `${index}.jpg`), frame)
    const expected = await decode(t, ['-f', 'image2', '-i', join(folder, '%d.jpg')])
    t.equal(new Set(expected.pictures).size, COLOURS.length)
    t.strictSame(pictures, expected.pictures, 'each with the pixels of its JPEG')
  })

  t.test('?fps thins what ffmpeg gets', async t => {
    const { url } = await startServerProcess(t)
    await upload(url, { jpeg: jpeg(SIZE) })
    const watching = decode(t, ['-f', 'mpjpeg', '-i', `${url}/stream?fps=0.1`])
    await viewerOf(url)
    for (let i = 0; i < 5; i++) await upload(url, { jpeg: jpeg({ ...SIZE, color: COLOURS[i]! }) })
    await control(url, 'stop_stream')
    t.equal((await watching).pictures.length, 1, 'only the one on connecting')
  })
})
