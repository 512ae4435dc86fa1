import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { framesOf, indexed, pictureOf, sendShots, type Shot } from '../clip-support.js'
import { jpeg, startServer, temporaryFolder, until } from '../helper.js'
import { refused, send } from '../http.js'
import { colourOnScreen, startChromium } from './browser.js'
import { needs, run } from './clients.js'
import { COLOURS, distance } from './pictures.js'

/** Six frames, half a second apart, with a silence of three seconds before the last. */
const TIMES_MS = [0, 500, 1000, 1500, 2000, 5000]
const EVENT: Shot[] = TIMES_MS.map((atMs, nth) => ({ atMs, spill: nth > 0 && nth < 5, jpeg: pictureOf(nth, { width: 321, height: 241 }) }))
const PATH = '/api/oil_spill_events/1/clip'

/** Presentation times in seconds of the pictures of a file, as ffprobe decodes them. */
async function timesOf (file: string): Promise<number[]> {
  const { code, stdout, stderr } = await run('ffprobe', ['-hide_banner', '-loglevel', 'error', '-count_frames', '-select_streams', 'v:0', '-show_entries', 'frame=pts_time', '-of', 'csv=p=0', file])
  if (code !== 0) throw new Error(stderr)
  return stdout.toString().trim().split('\n').filter(line => line !== '').map(line => Number(line.split(',')[0]))
}

t.test('ffmpeg and the clip of an event', needs('ffmpeg'), async t => {
  const { url } = await startServer(t)
  await sendShots(url, EVENT)
  await indexed(url, EVENT.length)
  const folder = temporaryFolder(t)

  t.test('plays the file: every frame is decoded', async t => {
    const file = join(folder, 'clip.mjpeg')
    writeFileSync(file, (await send(url, { path: `${PATH}?download` })).body)
    const { code, stdout, stderr } = await run('ffmpeg', ['-hide_banner', '-nostdin', '-loglevel', 'error', '-f', 'mjpeg', '-i', file, '-fps_mode', 'passthrough', '-f', 'framemd5', '-'])
    t.equal(code, 0)
    t.equal(stderr.split('\n').filter(line => line !== '' && !line.includes('EOI missing')).join('\n'), '')
    const pictures = stdout.toString().split('\n').filter(line => /^\d/.test(line)).map(line => line.split(',').at(-1)?.trim())
    t.equal(pictures.length, EVENT.length)
    t.equal(new Set(pictures).size, EVENT.length, 'no two alike')
  })

  t.test('makes a video with the times of its frames', async t => {
    const { status, headers, body } = await send(url, { path: `${PATH}?format=mp4&download` })
    t.equal(status, 200, body.subarray(0, 300).toString())
    t.match(headers, { 'content-type': 'video/mp4', 'content-disposition': /^attachment; filename="oil_spill_\d{8}_\d{6}\.mp4"$/ })
    const file = join(folder, 'clip.mp4')
    writeFileSync(file, body)
    const times = await timesOf(file)
    t.equal(times.length, EVENT.length)
    for (const [at, time] of times.entries()) t.ok(Math.abs(time - (TIMES_MS[at] ?? 0) / 1000) < 0.002, `${time} s`)
  })

  t.test('makes two videos at once, and more when they are done', async t => {
    const answers = await Promise.all([1, 2, 3].map(async () => await send(url, { path: `${PATH}?format=mp4` })))
    t.strictSame(answers.map(({ status }) => status).sort(), [200, 200, 503])
    const busy = answers.find(({ status }) => status === 503)
    if (busy !== undefined) await refused(t, busy, 503, 'VIDEOS_BUSY')
    t.ok(Number(busy?.headers['retry-after']) > 0)
    t.equal((await send(url, { path: `${PATH}?format=mp4` })).status, 200)
  })
})

t.test('Chromium replays the clip of an event, each picture at its time, and keeps the last', needs('chromium'), async t => {
  const { url } = await startServer(t)
  const colours = COLOURS.slice(0, 4)
  const shots = colours.map((color, nth): Shot => ({ atMs: nth * 1000, spill: nth > 0, jpeg: jpeg({ width: 320, height: 240, color }) }))
  await sendShots(url, shots)
  await indexed(url, colours.length)
  const browser = await startChromium(t)
  const page = await browser.newPage()
  await page.goto(`${url}/health`)
  await page.setContent(`<body style="margin: 0"><img src="${url}${PATH}" style="width: 320px; height: 240px"></body>`, { waitUntil: 'commit' })
  for (const color of colours) {
    await until(async () => distance(await colourOnScreen(page, 'img'), color) < 12, `the picture of ${color.join()}`)
  }
  t.equal((await framesOf(url)).length, colours.length)
  if (process.env['VIDEOSTREAM_SCREENSHOTS'] !== undefined) await page.screenshot({ path: join(process.env['VIDEOSTREAM_SCREENSHOTS'], 'clip.png') })
  await page.close()
})
