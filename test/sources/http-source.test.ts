import { once } from 'node:events'
import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import t from 'tap'
import { jpeg, until } from '../helper.js'
import { guardFor, httpServer } from '../outbound/servers.js'
import { Pull, TIMES } from './pull.js'

const pictures = [jpeg({ color: [200, 0, 0] }), jpeg({ color: [0, 200, 0] }), jpeg({ color: [0, 0, 200] })]

t.test('MJPEG is read as cameras write it', async t => {
  const ways: Record<string, { type: string, write: (response: ServerResponse, picture: Buffer) => void }> = {
    '/plain': { type: 'multipart/x-mixed-replace;boundary=frame', write: (response, picture) => response.write(Buffer.concat([Buffer.from(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\nX-Note: n\r\n\r\n`), picture, Buffer.from('\r\n')])) },
    '/quoted': { type: 'multipart/x-mixed-replace; boundary="frame"', write: (response, picture) => response.write(Buffer.concat([Buffer.from(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\nX-Note: n\r\n\r\n`), picture, Buffer.from('\r\n')])) },
    '/dashes': { type: 'multipart/x-mixed-replace; boundary=--frame', write: (response, picture) => response.write(Buffer.concat([Buffer.from('--frame\r\nContent-Type: image/jpeg\r\nX-Note: n\r\n\r\n'), picture, Buffer.from('\r\n')])) },
    '/no-length': { type: 'Multipart/X-Mixed-Replace; boundary=frame', write: (response, picture) => response.write(Buffer.concat([Buffer.from('--frame\r\nContent-type: image/jpeg\r\nX-Note: n\r\n\r\n'), picture, Buffer.from('\r\n')])) },
    '/bytewise': { type: 'multipart/x-mixed-replace; boundary=frame', write: (response, picture) => { for (const byte of Buffer.concat([Buffer.from(`--frame\r\nX-Note: n\r\nContent-Length: ${picture.length}\r\n\r\n`), picture, Buffer.from('\r\n')])) response.write(Buffer.from([byte])) } }
  }
  const { url } = await httpServer(t, ({ url }, response) => {
    const way = ways[url ?? '']
    response.writeHead(200, { 'Content-Type': way?.type })
    for (const picture of pictures) way?.write(response, picture)
    // The stream stays open: each part is there as soon as its last byte is in.
  })
  for (const way of Object.keys(ways)) {
    const pull = new Pull(t, url + way)
    await pull.untilParts(3)
    t.ok(pull.jpegs.every((each, i) => pictures[i]?.equals(each)), way)
    t.equal(pull.parts[0]?.headers['x-note'], 'n', way)
    t.strictSame(pull.states, ['connecting', 'receiving'], way)
    await pull.stop()
  }
})

t.test('a snapshot address is asked at the rate that was set', async t => {
  let requests = 0
  const { url } = await httpServer(t, (_request, response) => { response.writeHead(200, { 'Content-Type': 'image/jpeg', 'X-Oil-Spill-Detected': 'true' }).end(pictures[requests++ % 3]) })
  const startMs = performance.now()
  const pull = new Pull(t, url, { fps: 20 })
  await pull.untilParts(7)
  t.ok(performance.now() - startMs >= 300, 'seven pictures take six periods of 50 ms')
  t.ok(pull.jpegs.every((each, i) => pictures[i % 3]?.equals(each)))
  t.equal(pull.parts[0]?.headers['x-oil-spill-detected'], 'true')
})

t.test('a snapshot that has not changed is not taken for a new one', async t => {
  const seen: IncomingMessage[] = []
  let version = 0
  const { url } = await httpServer(t, (request, response) => {
    seen.push(request)
    const etag = `"${version}"`
    const headers: Record<string, string> = { 'Content-Type': 'image/jpeg', ...(request.url === '/date' ? { 'Last-Modified': `Mon, 02 Mar 2026 12:00:0${version} GMT` } : { ETag: etag }) }
    const isKnown = request.url === '/date' ? request.headers['if-modified-since'] === headers['Last-Modified'] : request.headers['if-none-match'] === etag
    // '/stubborn' names its picture but sends it again and again.
    if (isKnown && request.url !== '/stubborn') response.writeHead(304, headers).end()
    else response.writeHead(200, headers).end(pictures[version])
  })
  for (const path of ['/etag', '/date', '/stubborn']) {
    version = seen.length = 0
    const pull = new Pull(t, url + path, { fps: 100, times: { ...TIMES, silenceMs: 3000 } })
    await until(() => seen.length > 20)
    t.equal(pull.parts.length, 1, path)
    version = 1
    await pull.untilParts(2)
    t.ok(pull.jpegs[1]?.equals(pictures[1] ?? Buffer.alloc(0)), path)
    t.strictSame(pull.states, ['connecting', 'receiving'], 'and the camera is not silent')
    await pull.stop()
  }
})

t.test('a snapshot that has not changed since before a failure is not taken for a new one', async t => {
  let requests = 0
  const { url } = await httpServer(t, (request, response) => {
    if (++requests % 3 === 2) response.destroy()
    else if (request.headers['if-none-match'] === '"a"') response.writeHead(304).end()
    else response.writeHead(200, { 'Content-Type': 'image/jpeg', ETag: '"a"' }).end(pictures[0])
  })
  const pull = new Pull(t, url, { fps: 100 })
  await until(() => requests > 10)
  t.equal(pull.parts.length, 1)
  t.ok(pull.states.filter(each => each === 'receiving').length > 2)
})

t.test('every snapshot goes through the guard', async t => {
  let lookups = 0
  const { port } = await httpServer(t, (_request, response) => { response.writeHead(200, { 'Content-Type': 'image/jpeg' }).end(pictures[0]) })
  const guard = guardFor('127.0.0.1', async () => [lookups++ < 3 ? '127.0.0.1' : '10.0.0.1'])
  const pull = new Pull(t, `http://rebinding.example:${port}/`, { fps: 100, guard })
  await pull.untilState(/^waiting: rebinding\.example is 10\.0\.0\.1, which is a private address/)
  t.equal(pull.parts.length, 3)
})

t.test('a redirect to where the server may not go is refused', async t => {
  for (const location of ['http://169.254.169.254/latest/', 'http://localhost:1/', 'http://[::1]:1/', 'http://127.0.0.2/']) {
    const { url } = await httpServer(t, (_request, response) => { response.writeHead(302, { Location: location }).end() })
    const pull = new Pull(t, url, { guard: guardFor('127.0.0.1', async () => ['::1']) })
    await pull.untilState(/^waiting: .*OUTBOUND_ALLOW/)
    await pull.stop()
  }
})

t.test('an answer that is no picture says what to do', async t => {
  const table: Array<[status: number, headers: Record<string, string>, body: string | Buffer, state: RegExp]> = [
    [200, { 'Content-Type': 'text/html; charset=utf-8' }, '<html>', /a web page: give the address of the picture/],
    [200, { 'Content-Type': 'application/vnd.apple.mpegurl' }, '#EXTM3U\n', /a play list/],
    [200, { 'Content-Type': 'image/jpeg', 'Content-Encoding': 'gzip' }, 'x', /a compressed body/],
    [404, {}, '', /answers 404: check the path/], [403, {}, '', /answers 403: put the user name/], [500, {}, '', /answers 500$/],
    [200, { 'Content-Type': 'image/jpeg' }, Buffer.alloc(2 * 1024 * 1024), /sent more than 1048576 bytes/],
    [200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=x' }, 'x'.repeat(200_000), /begins with "--"/]
  ]
  for (const [status, headers, body, state] of table) {
    const { url } = await httpServer(t, (_request, response) => { response.writeHead(status, headers).end(body) })
    const pull = new Pull(t, `${url}/toppath?password=topsecret`)
    await pull.untilState(state)
    t.notMatch(pull.states.join(), /top(path|secret)/)
    t.equal(pull.parts.length, 0)
    await pull.stop()
  }
})

t.test('a bad part is left out and told', async t => {
  const { url } = await httpServer(t, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' })
    for (const body of [pictures[0], Buffer.from('no picture'), pictures[1]]) response.write(Buffer.concat([Buffer.from(`--frame\r\nContent-Length: ${body?.length}\r\n\r\n`), body ?? Buffer.alloc(0), Buffer.from('\r\n')]))
  })
  const pull = new Pull(t, url)
  await pull.untilParts(2)
  t.equal(pull.bad.length, 1)
})

t.test('video over HTTP goes through ffmpeg, which connects to nothing', async t => {
  const { url } = await httpServer(t, ({ url }, response) => {
    const live = url === '/live'
    const encoder = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', ...(live ? ['-re'] : []), '-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=25${live ? '' : ':duration=2'}`, '-c:v', 'libx264', '-preset', 'ultrafast', '-bf', live ? '0' : '2', '-g', '25', '-f', 'mpegts', 'pipe:1'], { stdio: ['ignore', 'pipe', 'ignore'] })
    response.writeHead(200, { 'Content-Type': 'video/mp2t' })
    encoder.stdout.pipe(response)
    response.on('close', () => encoder.kill('SIGKILL'))
  })
  const live = new Pull(t, `${url}/live`)
  await live.untilParts(30)
  t.ok(live.jpegs.every(each => each.readUInt16BE(0) === 0xffd8 && each.readUInt16BE(each.length - 2) === 0xffd9))
  await live.stop()
  const whole = new Pull(t, `${url}/whole.ts`, { times: { ...TIMES, firstRetryMs: 60_000 } })
  await whole.untilState(/^waiting: the stream ended/)
  t.ok(whole.parts.length >= 48 && whole.parts.length <= 50, `${whole.parts.length} of 50 pictures`)
  const thinned = new Pull(t, `${url}/whole.ts`, { fps: 5, times: { ...TIMES, firstRetryMs: 60_000 } })
  await thinned.untilState(/^waiting: the stream ended/)
  t.ok(thinned.parts.length >= 9 && thinned.parts.length <= 12, `${thinned.parts.length} pictures of two seconds at five a second`)
})

t.test('ffmpeg opens no play list, script or other file that an answer names', async t => {
  let reached = 0
  const inside = await httpServer(t, (_request, response) => {
    reached++
    response.end()
  })
  for (const body of [`#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n${inside.url}/x.ts\n`, `ffconcat version 1.0\nfile '${inside.url}/x.ts'\n`, `v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video ${inside.port} RTP/AVP 26\n`, '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n']) {
    const { url } = await httpServer(t, (_request, response) => { response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(body) })
    const pull = new Pull(t, url)
    await pull.untilState(/^waiting: (ffmpeg: |the stream ended)/)
    t.notMatch(pull.states.join(), /passwd|http:/)
    await pull.stop()
  }
  t.equal(reached, 0)
})

t.test('a recording is played at its own speed', async t => {
  const encoder = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10:duration=3', '-c:v', 'mpeg4', '-movflags', 'frag_keyframe+empty_moov', '-f', 'mp4', 'pipe:1'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const chunks: Buffer[] = []
  encoder.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(encoder, 'close')
  const { url } = await httpServer(t, (_request, response) => { response.writeHead(200, { 'Content-Type': 'video/mp4' }).end(Buffer.concat(chunks)) })
  const pull = new Pull(t, `${url}/x.mp4`)
  await pull.untilParts(1)
  const startMs = performance.now()
  await pull.untilParts(30)
  t.ok(performance.now() - startMs > 1500, 'three seconds are not over at once')
})
