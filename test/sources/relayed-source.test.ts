import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { temporaryFolder, until } from '../helper.js'
import { closedPort, guardFor, tcpServer, tlsServer } from '../outbound/servers.js'
import { Pull, TIMES } from './pull.js'
import { needsRtspServer, rtspServer } from './rtsp-server.js'

/** The arguments of every ffmpeg that runs under this process or another. */
const ffmpegs = (parent = process.pid) => readdirSync('/proc').filter(name => /^\d+$/.test(name)).flatMap(name => {
  try {
    const fields = readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /, '').split(' ')
    const args = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
    return Number(fields[1]) === parent && args[0] === 'ffmpeg' ? [{ pid: Number(name), args }] : []
  } catch {
    return []
  }
})

/** A process of its own that pulls this and says when there is a picture. Every name is 127.0.0.1 to it. */
function pullElsewhere (t: Test, url: string, env: Record<string, string> = {}) {
  const program = `
    import { pullSource } from './.build/src/sources/pull-source.js'
    import { OutboundGuard } from './.build/src/outbound/guard.js'
    import { parseAllowList } from './.build/src/outbound/allow-list.js'
    const guard = new OutboundGuard(parseAllowList('127.0.0.1').rules, async () => ['127.0.0.1'])
    let told = false
    await pullSource({ url: '${url}', guard, maxFrameBytes: 1e6, signal: new AbortController().signal, onState: () => {},
      onPart: () => { if (!told) console.log('there'); told = true } })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
  t.teardown(async () => {
    const closed = once(child, 'close')
    if (child.kill('SIGKILL')) await closed
  })
  return child
}

const isJpeg = (bytes: Buffer) => bytes.readUInt16BE(0) === 0xffd8 && bytes.readUInt16BE(bytes.length - 2) === 0xffd9

t.test('RTSP is read from a real server', needsRtspServer(), async t => {
  const port = await rtspServer(t)
  const pull = new Pull(t, `rtsp://127.0.0.1:${port}/live/cam`)
  await pull.untilParts(10)
  t.ok(pull.jpegs.every(isJpeg))
  t.strictSame(pull.states, ['connecting', 'receiving'])
  await pull.stop()
  t.strictSame(ffmpegs(), [], 'ffmpeg is gone when the pull is')
  const missing = new Pull(t, `rtsp://127.0.0.1:${port}/nothing`)
  await missing.untilState(/^waiting: the camera answers DESCRIBE with 404 Not Found$/)
})

for (const method of ['basic', 'digest'] as const) {
  t.test(`RTSP with ${method} asks for the password, which stands in no argument of ffmpeg`, needsRtspServer(), async t => {
    const port = await rtspServer(t, { method, user: 'topuser', password: 'top:se@cret' })
    const pull = new Pull(t, `rtsp://topuser:top%3Ase%40cret@127.0.0.1:${port}/live/cam`)
    await pull.untilParts(3)
    const [child] = ffmpegs()
    t.ok(child)
    t.match(child?.args.join(' '), /-protocol_whitelist rtsp,tcp -format_whitelist \S+ .* -rtsp_transport tcp /)
    t.notMatch(child?.args.join(' '), new RegExp(`topuser|se(@|%40)cret|/live/cam|:${port}`))
    await pull.stop()
    const wrong = new Pull(t, `rtsp://topuser:topwrong@127.0.0.1:${port}/live/cam`)
    await wrong.untilState(/^waiting: the camera does not accept the user name and password: check them in the address$/)
    t.notMatch(wrong.states.join(), /top/)
    const none = new Pull(t, `rtsp://127.0.0.1:${port}/live/cam`)
    await none.untilState(/^waiting: the camera asks for a password: put the user name and password into the address$/)
  })
}

t.test('of RTSP no more pictures a second are made than are wanted', needsRtspServer(), async t => {
  const port = await rtspServer(t)
  const pull = new Pull(t, `rtsp://127.0.0.1:${port}/live/cam`, { fps: 2 })
  // What ffmpeg looks at before it begins comes at once.
  await pull.untilParts(3)
  const startMs = performance.now()
  await pull.untilParts(7)
  t.ok(performance.now() - startMs > 1000, 'four of ten a second would be there in 400 ms')
})

t.test('RTSP over TLS is read, from a camera whose certificate is trusted', needsRtspServer(), async t => {
  const folder = temporaryFolder(t)
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=camera.example', '-addext', 'subjectAltName=DNS:camera.example'], { stdio: 'ignore' })
  const plainPort = await rtspServer(t)
  const tlsPort = await tlsServer(t, { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }, socket => {
    const plain = connect(plainPort, '127.0.0.1')
    plain.on('error', () => {}).on('close', () => { socket.destroy() })
    socket.on('error', () => {}).on('close', () => { plain.destroy() })
    socket.pipe(plain).pipe(socket)
  })
  const guard = guardFor('127.0.0.1', async () => ['127.0.0.1'])
  const untrusting = new Pull(t, `rtsps://camera.example:${tlsPort}/live/cam`, { guard })
  await untrusting.untilState(/^waiting: the certificate of camera\.example:\d+ is not trusted/)
  const trusting = pullElsewhere(t, `rtsps://camera.example:${tlsPort}/live/cam`, { NODE_EXTRA_CA_CERTS: cert })
  const [said] = await once(trusting.stdout, 'data') as [Buffer]
  t.equal(String(said), 'there\n')
})

t.test('RTSP through a name goes to the address that was checked', needsRtspServer(), async t => {
  const port = await rtspServer(t)
  const guard = guardFor('127.0.0.1', async () => ['127.0.0.1'])
  const pull = new Pull(t, `rtsp://camera.example:${port}/live/cam`, { guard })
  await pull.untilParts(2)
})

/** A camera that answers every request of RTSP with this. */
async function rtspAnswering (t: Test, answer: (request: string, socket: Socket) => string): Promise<{ port: number, requests: string[] }> {
  const requests: string[] = []
  const port = await tcpServer(t, socket => {
    let text = ''
    socket.on('data', chunk => {
      text += String(chunk)
      for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
        const request = text.slice(0, end)
        text = text.slice(end + 4)
        requests.push(request)
        socket.write(answer(request, socket).replace('CSEQ', /CSeq: *(\d+)/.exec(request)?.[1] ?? ''))
      }
    })
  })
  return { port, requests }
}

t.test('a redirect of RTSP is not followed', async t => {
  let reached = 0
  const inside = await tcpServer(t, socket => {
    reached++
    socket.destroy()
  })
  for (const answer of [`RTSP/1.0 302 Found\r\nCSeq: CSEQ\r\nLocation: rtsp://127.0.0.1:${inside}/x\r\n\r\n`, `REDIRECT rtsp://127.0.0.1/ RTSP/1.0\r\nCSeq: 1\r\nLocation: rtsp://127.0.0.1:${inside}/x\r\n\r\n`]) {
    const { port } = await rtspAnswering(t, () => answer)
    const pull = new Pull(t, `rtsp://127.0.0.1:${port}/x`)
    await pull.untilState(/^waiting: the camera redirects to another address( \(302\))?, which is not followed/)
    await pull.stop()
  }
  t.equal(reached, 0)
})

t.test('the camera is asked for its own address, without the password', async t => {
  const { port, requests } = await rtspAnswering(t, () => 'RTSP/1.0 404 Not Found\r\nCSeq: CSEQ\r\n\r\n')
  const pull = new Pull(t, `RTSP://user:topsecret@127.0.0.1:${port}/a%20b/c?channel=1&x=;$(id)'"`)
  await pull.untilState(/^waiting: the camera answers|^waiting: ffmpeg/)
  t.match(requests[0], new RegExp(`^OPTIONS rtsp://127\\.0\\.0\\.1:${port}/a%20b/c\\?channel=1&x=;\\$\\(id\\)'%?\\S* RTSP/1\\.0\\r\\nCSeq: 1\\r\\n`))
  t.notMatch(requests.join(), /topsecret|Authorization/)
})

t.test('what is no RTSP, and who hangs up, is told', async t => {
  const noise = await tcpServer(t, socket => { socket.write('\x01\x02\x03\x04') })
  const noisy = new Pull(t, `rtsp://127.0.0.1:${noise}/`)
  await noisy.untilState(/^waiting: the camera does not speak RTSP$/)
  const rude = await tcpServer(t, socket => { socket.once('data', () => socket.destroy()) })
  const hungUp = new Pull(t, `rtsp://127.0.0.1:${rude}/`)
  await hungUp.untilState(/^waiting: /)
  const port = await closedPort()
  await new Pull(t, `rtsp://127.0.0.1:${port}/`).untilState(/ECONNREFUSED/)
  const silent = await tcpServer(t, () => {})
  const pull = new Pull(t, `rtsp://127.0.0.1:${silent}/`, { times: { ...TIMES, firstPictureMs: 500 } })
  await pull.untilState(/^waiting: no picture for/)
  await Promise.all([noisy, hungUp, pull].map(async each => { await each.stop() }))
  t.strictSame(ffmpegs(), [])
})

t.test('without ffmpeg the state says so, and it is tried again rarely', async t => {
  const port = await tcpServer(t, () => {})
  const pull = new Pull(t, `rtsp://127.0.0.1:${port}/`, { ffmpeg: '/nonexistent/ffmpeg' })
  await pull.untilState(/^waiting: ffmpeg was not found on the server: install it/)
  await new Promise(resolve => setTimeout(resolve, 200))
  t.equal(pull.states.length, 2)
})

t.test('RTMP is read through ffmpeg', async t => {
  const port = await closedPort()
  const server = spawn('ffmpeg', ['-hide_banner', '-loglevel', 'error', '-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10', '-c:v', 'flv1', '-g', '10', '-f', 'flv', '-listen', '1', `rtmp://127.0.0.1:${port}/live/key`], { stdio: 'ignore' })
  t.teardown(async () => {
    const closed = once(server, 'close')
    if (server.kill('SIGKILL')) await closed
  })
  const pull = new Pull(t, `rtmp://127.0.0.1:${port}/live/key`, { times: { ...TIMES, firstRetryMs: 300 } })
  await pull.untilParts(5)
  t.ok(pull.jpegs.every(isJpeg))
})

t.test('a server of RTMP is told its own address', async t => {
  let sent = Buffer.alloc(0)
  const port = await tcpServer(t, socket => {
    socket.on('data', chunk => {
      const isFirst = sent.length === 0
      sent = Buffer.concat([sent, chunk])
      // The simple handshake: version 3, our own 1536 bytes, and the client's again.
      if (isFirst) socket.write(Buffer.concat([Buffer.from([3]), Buffer.alloc(1536), chunk.subarray(1, 1537)]))
    })
  })
  const pull = new Pull(t, `rtmp://127.0.0.1:${port}/live/two/key?token=x`)
  await until(() => sent.includes('tcUrl'), 'the connect message')
  await until(() => sent.includes(`rtmp://127.0.0.1:${port}/live/two`), 'its address')
  await pull.stop()
})

t.test('ffmpeg ends with a server that is killed', needsRtspServer(), async t => {
  const port = await rtspServer(t)
  const parent = pullElsewhere(t, `rtsp://127.0.0.1:${port}/live/cam`)
  await once(parent.stdout, 'data')
  const [child] = ffmpegs(parent.pid)
  t.ok(child)
  const closed = once(parent, 'close')
  parent.kill('SIGKILL')
  await closed
  await until(() => !existsSync(`/proc/${child?.pid}`), 'the end of ffmpeg')
})
