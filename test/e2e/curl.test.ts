import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { control, jpeg, PASSWORD, temporaryFolder, upload } from '../helper.js'
import { needs, run } from './clients.js'
import { COLOURS, largeJpeg } from './pictures.js'
import { startServerProcess, viewerOf, type ServerProcess } from './server-process.js'

const PASSWORD_HEADER = ['-H', `X-Camera-Auth: ${PASSWORD}`]

/** Runs curl, which must end well; its exit code is 0 whatever the status. */
async function curl (t: Test, args: string[], options: { cwd?: string, input?: Buffer } = {}): Promise<{ body: Buffer, log: string }> {
  const { code, stdout, stderr } = await run('curl', ['--silent', '--show-error', '--max-time', '30', ...args], options)
  t.equal(code, 0, `curl ends well: ${stderr}`)
  return { body: stdout, log: stderr }
}

/** A server and a folder with a frame in it. */
async function setUp (t: Test, frame = jpeg({ width: 64, height: 48 })): Promise<{ server: ServerProcess, folder: string, frame: Buffer, uploadUrl: string }> {
  const server = await startServerProcess(t, { AUTH_FAILURE_LIMIT: '100' })
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'frame.jpg'), frame)
  return { server, folder, frame, uploadUrl: `${server.url}/api/upload_frame` }
}

/** The parts of a stream by their Content-Length, and what stands behind the last boundary line. */
function parseStream (bytes: Buffer): { jpegs: Buffer[], rest: string } {
  const jpegs: Buffer[] = []
  let at = 0
  const head = /--frame\r\nContent-Type: image\/jpeg\r\nContent-Length: (\d+)\r\nX-Timestamp: \d+\.\d{6}\r\n\r\n/y
  for (;;) {
    head.lastIndex = at
    const found = head.exec(bytes.toString('latin1'))
    if (found === null) return { jpegs, rest: bytes.toString('latin1', at) }
    const start = at + found[0].length
    const end = start + Number(found[1])
    jpegs.push(bytes.subarray(start, end))
    at = end + '\r\n'.length
  }
}

t.test('curl', needs('curl'), async t => {
  t.test('a frame is taken however it is sent, and got back byte for byte', async t => {
    const { server: { url }, folder, uploadUrl } = await setUp(t)
    const ways: Record<string, { args: string[], stdin?: true }> = {
      'with --data-binary, as a form': { args: ['--data-binary', '@frame.jpg'] },
      'with --data-binary, as a JPEG': { args: ['-H', 'Content-Type: image/jpeg', '--data-binary', '@frame.jpg'] },
      'with -T': { args: ['-X', 'POST', '-T', 'frame.jpg'] },
      'with -T from a pipe, in chunks': { args: ['-X', 'POST', '-T', '-'], stdin: true },
      'with --data-binary, in chunks': { args: ['-H', 'Transfer-Encoding: chunked', '--data-binary', '@frame.jpg'] },
      'over HTTP/1.0': { args: ['--http1.0', '--data-binary', '@frame.jpg'] }
    }
    for (const [index, [way, { args, stdin }]] of Object.entries(ways).entries()) {
      const frame = jpeg({ width: 64, height: 48, color: COLOURS[index]! })
      writeFileSync(join(folder, 'frame.jpg'), frame)
      const sent = await curl(t, [...PASSWORD_HEADER, ...args, '-w', ' %{http_code}', uploadUrl], { cwd: folder, ...(stdin && { input: frame }) })
      t.equal(sent.body.toString(), 'Frame received 200', way)
      await curl(t, ['-o', 'shown.jpg', `${url}/api/frame`], { cwd: folder })
      t.strictSame(readFileSync(join(folder, 'shown.jpg')), frame, 'shown as it was sent')
    }
  })

  t.test('-T alone means PUT, which is refused with the method to use', async t => {
    const { folder, uploadUrl } = await setUp(t)
    const { body } = await curl(t, [...PASSWORD_HEADER, '-i', '-T', 'frame.jpg', uploadUrl], { cwd: folder })
    t.match(body.toString(), /^HTTP\/1\.1 405 /m)
    t.match(body.toString(), /^allow: POST\r$/mi)
  })

  t.test('a large frame is sent once the server has said 100 Continue', async t => {
    const { folder, uploadUrl } = await setUp(t, largeJpeg(2_000_000))
    const { body, log } = await curl(t, [...PASSWORD_HEADER, '-v', '--expect100-timeout', '20', '--data-binary', '@frame.jpg', uploadUrl], { cwd: folder })
    t.equal(body.toString(), 'Frame received')
    t.match(log, /^> Expect: 100-continue\r?$/m)
    t.match(log, /^< HTTP\/1\.1 100 Continue\r?$/m)
    t.notMatch(log, /Done waiting for 100-continue/)
  })

  t.test('a large frame with a wrong password is not sent where curl asks before', async t => {
    const { folder, uploadUrl } = await setUp(t, largeJpeg(5_000_000))
    const { body, log } = await curl(t, ['-H', 'X-Camera-Auth: wrong', '-v', '--expect100-timeout', '20', '--data-binary', '@frame.jpg', '-w', ' %{http_code} %{size_upload}', uploadUrl], { cwd: folder })
    t.match(body.toString(), /"statusCode":401.* 401 0$/)
    t.notMatch(log, /100 Continue/)
  })

  t.test('a large frame with a wrong password gets the 401 where curl does not ask before', async t => {
    const { folder, uploadUrl } = await setUp(t, largeJpeg(5_000_000))
    for (let i = 0; i < 10; i++) {
      const { body } = await curl(t, ['-H', 'X-Camera-Auth: wrong', '-H', 'Expect:', '--data-binary', '@frame.jpg', '-w', ' %{http_code}', uploadUrl], { cwd: folder })
      t.match(body.toString(), /"statusCode":401.* 401$/)
    }
  })

  t.test('a frame is got again only when it is another', async t => {
    const { server: { url }, folder, frame } = await setUp(t)
    await upload(url, { jpeg: frame })
    const get = async (): Promise<string> => {
      const { body } = await curl(t, ['--etag-save', 'etag', '--etag-compare', 'etag', '-o', 'shown.jpg', '-w', '%{http_code} %{size_download}', `${url}/api/frame`], { cwd: folder })
      return body.toString()
    }
    writeFileSync(join(folder, 'etag'), '')
    t.equal(await get(), `200 ${frame.length}`)
    t.equal(await get(), '304 0')
    await upload(url, { jpeg: frame })
    t.equal(await get(), `200 ${frame.length}`, 'the next frame, though it looks the same')
  })

  t.test('the seed\'s line comes at /', async t => {
    const { server: { url } } = await setUp(t)
    const { body } = await curl(t, [`${url}/`])
    t.equal(body.toString(), 'Video Streaming Server is running')
  })

  t.test('curl -N writes each frame of the stream, and ends well with it', async t => {
    const { server: { url } } = await setUp(t)
    t.match((await curl(t, ['-N', `${url}/stream`])).body.toString(), /"statusCode":503/, 'no stream yet')
    const frames = COLOURS.slice(0, 5).map(color => jpeg({ width: 64, height: 48, color }))
    await upload(url, { jpeg: frames[0]! })
    const watching = curl(t, ['-N', `${url}/stream`])
    await viewerOf(url)
    for (const frame of frames.slice(1)) {
      await upload(url, { jpeg: frame })
      await new Promise(resolve => setTimeout(resolve, 100)) // a camera's pace, at which nothing is skipped
    }
    await control(url, 'stop_stream')
    const { jpegs, rest } = parseStream((await watching).body)
    t.strictSame(jpegs, frames)
    t.equal(rest, '--frame\r\n\r\n--frame--\r\n', 'the closing boundary')
  })
})
