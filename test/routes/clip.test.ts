import { once } from 'node:events'
import { appendFileSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { get, type IncomingMessage } from 'node:http'
import { join } from 'node:path'
import jpegJs from 'jpeg-js'
import t, { type Test } from 'tap'
import { closed, framesOf, indexed, pictureOf, sendShots, sha256, thumbnailMade, type Shot } from '../clip-support.js'
import { SocketViewer, startServer, until, upload } from '../helper.js'
import { refused, send } from '../http.js'

/** Before, opening, run with a surest frame, end and after: a second apart, and one frame too many in between. */
const EVENT: Shot[] = [
  { atMs: 0 }, { atMs: 1000 }, { atMs: 2000, spill: true, confidence: 0.5 }, { atMs: 2100, spill: true, confidence: 0.4 }, { atMs: 2200, spill: true, confidence: 0.9 },
  { atMs: 3000, spill: true, confidence: 0.6 }, { atMs: 4000 }, { atMs: 5000 }, { atMs: 9000 }
]
const ROLES = ['pre', 'pre', 'opening', 'peak', 'during', 'post', 'post']
const KEPT = [0, 1, 2, 4, 5, 6, 7]
const SETTINGS = { POST_EVENT_SECONDS: '1', EVENT_CLIP_FPS: '1' }

/** A server with one event whose clip is closed. */
async function setUp (t: Test, settings: NodeJS.ProcessEnv = SETTINGS) {
  const server = await startServer(t, settings)
  const startMs = await sendShots(server.url, EVENT)
  await indexed(server.url, KEPT.length)
  await closed(server.app)
  const folder = join(server.config.dataDir, 'oil_spill_frames')
  const clip = readdirSync(folder).find(name => name.endsWith('.mjpeg')) ?? ''
  return { ...server, startMs, folder, clip, path: '/api/oil_spill_events/1' }
}

t.test('the clip of an event', async t => {
  const { url, app, folder, clip, startMs, path, port } = await setUp(t)
  const pictures = KEPT.map(nth => pictureOf(nth))
  const all = Buffer.concat(pictures)

  t.test('has the frames before, within and after it, thinned, with the surest of all, byte for byte', async t => {
    const frames = await framesOf(url)
    t.strictSame(frames.map(({ role }) => role), ROLES)
    t.strictSame(frames.map(({ taken_at: takenAt }) => Date.parse(`${takenAt.slice(0, 23)}Z`) - startMs), KEPT.map(nth => EVENT[nth]?.atMs))
    t.strictSame(frames.map(({ sha256 }) => sha256), pictures.map(sha256))
    t.strictSame(frames.map(({ number }) => number), [1, 2, 3, 4, 5, 6, 7])
    const bytes = readFileSync(join(folder, clip))
    t.strictSame(bytes, all)
    for (const [at, { offset_bytes: offset, size_bytes: size }] of frames.entries()) t.strictSame(bytes.subarray(offset, offset + size), pictures[at])
    t.strictSame(frames.map(({ confidence }) => confidence), [null, null, 0.5, 0.9, 0.6, null, null])
  })

  t.test('lies beside the opening frame under its name', async t => {
    const event = await (await fetch(`${url}${path}`)).json() as { frame_path: string, clip_url: string, thumbnail_url: string }
    t.equal(`oil_spill_frames/${clip}`, event.frame_path.replace('.jpg', '.mjpeg'))
    t.strictSame([event.clip_url, event.thumbnail_url], [`${path}/clip`, `${path}/thumbnail`])
  })

  t.test('is downloaded as it is', async t => {
    const { status, headers, body } = await send(url, { path: `${path}/clip?download` })
    t.equal(status, 200)
    t.strictSame(body, all)
    t.match(headers, { 'content-type': 'video/x-motion-jpeg', 'content-length': String(all.length), etag: `"${sha256(all)}"`, 'content-disposition': `attachment; filename="${clip}"` })
    t.equal((await send(url, { path: `${path}/clip?download=true`, headers: { 'If-None-Match': `"${sha256(all)}"` } })).status, 304)
  })

  t.test('is replayed at its own pace, and ends', async t => {
    const startedMs = performance.now()
    const viewer = new SocketViewer(port, `${path}/clip?speed=20`)
    await viewer.received(KEPT.length)
    const tookMs = performance.now() - startedMs
    t.ok(tookMs >= 240, `5 s of it in ${tookMs} ms at 20 times the speed`)
    await until(() => viewer.body.includes('--frame--'), 'the end')
    t.strictSame(viewer.parts.map(({ jpeg }) => jpeg), pictures)
    t.match(viewer.head, /content-type: multipart\/x-mixed-replace; boundary=frame/)
    t.equal(viewer.parts[0]?.headers['x-timestamp'], `${Math.floor(startMs / 1000)}.${String(startMs % 1000).padStart(3, '0')}000`)
    viewer.close()
  })

  t.test('is replayed to Chromium in its own dialect', async t => {
    const viewer = new SocketViewer(port, `${path}/clip?speed=100`, { 'User-Agent': 'Mozilla/5.0 Chrome/156.0' })
    await until(() => viewer.body.includes('--frame--'), 'the end')
    t.equal(viewer.body.toString('latin1').split('--frame\r\nContent-Type: image/jpeg\r\n\r\n').length, KEPT.length + 2)
    t.notMatch(viewer.body.toString('latin1'), /Content-Length/)
    viewer.close()
  })

  t.test('stops being replayed when its viewer leaves', async () => {
    const read = app.clipFiles.readFrame.bind(app.clipFiles)
    let reads = 0
    app.clipFiles.readFrame = async frame => {
      reads += 1
      return await read(frame)
    }
    const gone = new SocketViewer(port, `${path}/clip?speed=10`)
    await gone.received(1)
    gone.close()
    const readsOfGone = reads
    const viewer = new SocketViewer(port, `${path}/clip?speed=5`)
    await until(() => viewer.body.includes('--frame--'), 'the end of one that takes twice as long')
    t.ok(reads <= readsOfGone + KEPT.length + 1, `${readsOfGone} reads for the one that left, ${reads} in all`)
    app.clipFiles.readFrame = read
    viewer.close()
  })

  t.test('gives each of its frames', async t => {
    for (const { number, frame_url: frameUrl, sha256: expected } of await framesOf(url)) {
      const { status, headers, body } = await send(url, { path: frameUrl })
      t.equal(status, 200)
      t.strictSame(body, pictures[number - 1])
      t.match(headers, { 'content-type': 'image/jpeg', etag: `"${expected}"` })
    }
    t.equal((await send(url, { path: `${path}/frames/1`, headers: { 'If-None-Match': `"${sha256(pictures[0] ?? Buffer.alloc(0))}"` } })).status, 304)
    await refused(t, await fetch(`${url}${path}/frames/8`), 404, 'CLIP_FRAME_NOT_FOUND')
    await refused(t, await fetch(`${url}${path}/frames/1?clip=2`), 404, 'CLIP_FRAME_NOT_FOUND')
    await refused(t, await fetch(`${url}${path}/frames/0`), 400, 'REQUEST_INVALID')
  })

  t.test('of an event that is not there is none', async t => {
    for (const rest of ['clip', 'frames', 'frames/1', 'thumbnail']) await refused(t, await fetch(`${url}/api/oil_spill_events/99/${rest}`), 404, 'EVENT_NOT_FOUND')
    for (const query of ['speed=0', 'speed=101', 'speed=fast', 'format=avi', 'download=no']) await refused(t, await fetch(`${url}${path}/clip?${query}`), 400, 'REQUEST_INVALID')
  })

  t.test('has a thumbnail of its opening frame', async t => {
    await thumbnailMade(join(folder, '..'), clip.replace('.mjpeg', '.jpg'))
    const { status, headers, body } = await send(url, { path: `${path}/thumbnail` })
    t.equal(status, 200)
    t.equal(headers['content-type'], 'image/jpeg')
    t.match(jpegJs.decode(body), { width: 160, height: 120 })
    t.equal((await send(url, { path: `${path}/thumbnail`, headers: { 'If-None-Match': String(headers.etag) } })).status, 304)
    rmSync(join(folder, '..', 'thumbnails'), { recursive: true })
    t.strictSame((await send(url, { path: `${path}/thumbnail` })).body, body, 'which is made again where it is missing')
  })
})

t.test('a byte of a clip that was changed is noticed before it is sent', async t => {
  const { url, folder, clip, path } = await setUp(t)
  const [, second] = await framesOf(url)
  const file = openSync(join(folder, clip), 'r+')
  writeSync(file, Buffer.from([0x42]), 0, 1, (second?.offset_bytes ?? 0) + 200)
  await refused(t, await fetch(`${url}${path}/frames/2`), 500, 'EVIDENCE_ALTERED')
  t.equal((await fetch(`${url}${path}/frames/1`)).status, 200)
  await t.rejects(send(url, { path: `${path}/clip?download` }), 'the connection is cut')
  rmSync(join(folder, clip))
  await refused(t, await fetch(`${url}${path}/frames/1`), 500, 'EVIDENCE_MISSING')
  await refused(t, await fetch(`${url}${path}/clip`), 500, 'EVIDENCE_MISSING')
})

t.test('a video of a clip of which a byte was changed is refused, wherever the byte is', async t => {
  const { url, app, folder, clip, path } = await setUp(t)
  if (!await app.clipVideos.isPossible()) return t.pass('not run', { skip: 'no ffmpeg' })
  const file = openSync(join(folder, clip), 'r+')
  for (const { offset_bytes: offset, size_bytes: size } of [...await framesOf(url)].reverse()) {
    writeSync(file, Buffer.from([0x42]), 0, 1, offset + (size >> 1))
    await refused(t, await fetch(`${url}${path}/clip?format=mp4&download`), 500, 'EVIDENCE_ALTERED')
  }
})

t.test('an event whose opening frame cannot be decoded is kept, and marked', async t => {
  const { url, app } = await startServer(t)
  const broken = pictureOf(1).subarray(0, -40) // whole to look at, with little behind its headers
  const unreadable = Buffer.concat([pictureOf(1).subarray(0, 20), Buffer.from([0xFF, 0xC4, 0x00, 0x03, 0x55]), pictureOf(1).subarray(20)])
  t.ok(broken.length > 0)
  t.equal((await upload(url, { spill: true, jpeg: unreadable })).status, 200)
  await until(async () => await app.clipRepository.thumbnailState(1) !== 'none', 'the thumbnail')
  t.equal(await app.clipRepository.thumbnailState(1), 'undecodable')
  await refused(t, await fetch(`${url}/api/oil_spill_events/1/thumbnail`), 404, 'THUMBNAIL_NOT_POSSIBLE')
  t.strictSame((await send(url, { path: '/api/oil_spill_events/1/frame' })).body, unreadable)
  t.strictSame((await send(url, { path: '/api/oil_spill_events/1/frames/1' })).body, unreadable)
})

t.test('an open event is replayed as far as it goes', async t => {
  const { url } = await startServer(t, SETTINGS)
  await sendShots(url, EVENT.slice(0, 5))
  await indexed(url, 4)
  const { body, headers } = await send(url, { path: '/api/oil_spill_events/1/clip?download' })
  t.strictSame(body, Buffer.concat([0, 1, 2, 4].map(nth => pictureOf(nth))))
  t.notOk(headers.etag, 'it is not closed')
})

t.test('an event of before there were clips has none', async t => {
  const { url, app, config } = await startServer(t)
  await upload(url, { spill: true })
  await app.close()
  const { default: Database } = await import('better-sqlite3')
  const database = new Database(join(config.dataDir, 'videostream.db'))
  database.exec('DELETE FROM clip_frames; DELETE FROM clips')
  database.close()
  const again = await startServer(t, { DATA_DIR: config.dataDir })
  await refused(t, await fetch(`${again.url}/api/oil_spill_events/1/clip`), 404, 'CLIP_NOT_FOUND')
  t.strictSame(await framesOf(again.url), [])
  t.equal(readdirSync(join(config.dataDir, 'unclaimed_frames')).length, 1, 'and a clip that no event has is set aside')
})

t.test('an open event goes on with its clip after a restart, and what a crash left behind it is set aside', async t => {
  const { url, app, config } = await startServer(t, SETTINGS)
  const startMs = await sendShots(url, EVENT.slice(0, 5))
  await app.close()
  const folder = join(config.dataDir, 'oil_spill_frames')
  const clip = readdirSync(folder).find(name => name.endsWith('.mjpeg')) ?? ''
  appendFileSync(join(folder, clip), 'half a frame')
  const again = await startServer(t, { ...SETTINGS, DATA_DIR: config.dataDir })
  t.equal(readFileSync(join(config.dataDir, 'unclaimed_frames', clip.replace('.mjpeg', '.tail')), 'utf8'), 'half a frame')
  await sendShots(again.url, EVENT.slice(5).map(({ atMs, ...shot }, at) => ({ ...shot, atMs, jpeg: pictureOf(at + 5) })), startMs)
  const frames = await indexed(again.url, KEPT.length)
  await closed(again.app)
  t.strictSame(frames.map(({ path }) => path), KEPT.map(() => `oil_spill_frames/${clip}`))
  t.strictSame(readFileSync(join(folder, clip)), Buffer.concat(KEPT.map(nth => pictureOf(nth))))
  t.strictSame((await framesOf(again.url)).map(({ role }) => role), ROLES)
})

t.test('a server that closes lets go of those who watch a clip', async t => {
  const { app, port, path } = await setUp(t)
  const viewer = new SocketViewer(port, `${path}/clip?speed=0.1`)
  await viewer.received(1)
  const startedMs = performance.now()
  await app.close()
  t.ok(performance.now() - startedMs < 4000, 'though it would go on for a minute')
  await viewer.closed()
})

t.test('clients that never read hold no more than one clip\'s frames each', async t => {
  const { url, port, path } = await setUp(t)
  const responses: IncomingMessage[] = []
  for (let nth = 0; nth < 20; nth += 1) {
    const request = get(`${url}${path}/clip?download`, { agent: false })
    const [response]: IncomingMessage[] = await once(request, 'response')
    if (response !== undefined) responses.push(response)
  }
  t.equal(responses.length, 20)
  const viewer = new SocketViewer(port, `${path}/clip?speed=100`)
  await viewer.received(KEPT.length)
  for (const response of responses) response.destroy()
  viewer.close()
})
