import { createHash } from 'node:crypto'
import { execFile, execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { Credentials } from '../../src/outbound/credentials.js'
import { OutboundFailed, OutboundRefused } from '../../src/outbound/guard.js'
import { readBody, request, type OutboundRequest } from '../../src/outbound/http.js'
import { temporaryFolder } from '../helper.js'
import { guardFor, httpServer, httpsServer, tcpServer, testSignal } from './servers.js'

/** A GET through a guard that allows 127.0.0.1 alone. */
async function get (t: Test, url: string, options: Partial<OutboundRequest> = {}) {
  return await request({ url: new URL(url), guard: guardFor(), signal: testSignal(t), ...options })
}

t.test('a request is sent and its answer read', async t => {
  const seen: IncomingMessage[] = []
  const { url, port } = await httpServer(t, (request, response) => {
    seen.push(request)
    response.writeHead(201, { 'X-Thing': 'a' }).end('hello')
  })
  const response = await get(t, `${url}/a/b?c=d#e`, { headers: { 'X-Secret': 's' } })
  t.equal(response.status, 201)
  t.equal(response.headers['x-thing'], 'a')
  t.equal(String(await readBody(response, 100, testSignal(t))), 'hello')
  t.strictSame([seen[0]?.method, seen[0]?.url], ['GET', '/a/b?c=d'])
  t.match(seen[0]?.headers, { host: `127.0.0.1:${port}`, 'x-secret': 's', connection: 'close' })
})

t.test('a body is sent', async t => {
  const { url } = await httpServer(t, (request, response) => { request.pipe(response) })
  const response = await get(t, url, { method: 'POST', body: Buffer.from('{"a":1}'), headers: { 'Content-Type': 'application/json' } })
  t.equal(String(await readBody(response, 100, testSignal(t))), '{"a":1}')
})

t.test('redirects are followed, each through the guard', async t => {
  const { url, port } = await httpServer(t, ({ url }, response) => {
    const to = new URL(url ?? '', 'http://x').searchParams.get('to')
    if (to === null) response.end('here')
    else response.writeHead(302, { Location: to }).end()
  })
  const from = (to: string) => `${url}/?to=${encodeURIComponent(to)}`
  const { status, url: last } = await get(t, from(`/?to=${encodeURIComponent('/end')}`))
  t.strictSame([status, last.pathname], [200, '/end'])
  const guard = guardFor('127.0.0.1', async () => ['10.0.0.5'])
  for (const to of ['http://inside.example/', `http://127.0.0.2:${port}/`, 'http://169.254.169.254/latest/meta-data/', `http://[::1]:${port}/`, `http://2130706434:${port}/`, '//[::ffff:127.0.0.1]/']) {
    await t.rejects(get(t, from(to), { guard }), OutboundRefused, to)
  }
  for (const to of ['file:///etc/passwd', 'gopher://127.0.0.1/', 'http://', 'data:text/plain,x']) await t.rejects(get(t, from(to)), /redirects to what is no http address/, to)
})

t.test('redirects without end are ended', async t => {
  let count = 0
  const { url } = await httpServer(t, (_request, response) => {
    count++
    response.writeHead(307, { Location: '/' }).end()
  })
  await t.rejects(get(t, url), /redirects more than 5 times \(307\)/)
  t.equal(count, 6)
  await t.rejects(get(t, url, { maxRedirects: 0 }), /redirects \(307\): use the address it leads to/)
  await t.rejects(get(t, url, { method: 'POST', maxRedirects: 1 }), /more than 1 times/)
})

t.test('a POST is not turned into something else by a redirect', async t => {
  const { url } = await httpServer(t, (_request, response) => { response.writeHead(301, { Location: '/' }).end() })
  await t.rejects(get(t, url, { method: 'POST', body: Buffer.from('x') }), /redirects a POST \(301\)/)
})

t.test('what is meant for one origin does not go to another', async t => {
  const seen: IncomingMessage[] = []
  const other = await httpServer(t, (request, response) => {
    seen.push(request)
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="give me"' }).end()
  })
  const { url } = await httpServer(t, (request, response) => {
    if (request.headers.authorization === undefined) response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end()
    else response.writeHead(302, { Location: other.url }).end()
  })
  const response = await get(t, url, { credentials: new Credentials('user', 'secret'), headers: { 'X-Secret': 's', Cookie: 'c', Accept: 'image/jpeg' } })
  t.equal(response.status, 401)
  t.equal(seen.length, 1)
  t.match(seen[0]?.headers, { authorization: undefined, cookie: undefined, 'x-secret': undefined, accept: 'image/jpeg' })
})

t.test('a server that wants Digest never sees the password, and is asked once for many requests', async t => {
  let challenges = 0
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  const { url } = await httpServer(t, ({ headers, method, url }, response) => {
    const given = Object.fromEntries([...(headers.authorization ?? '').matchAll(/(\w+)="?([^",]+)"?/g)].map(([, name, value]) => [name, value]))
    t.notMatch(headers.authorization ?? '', /Basic/)
    const expected = md5(`${md5('admin:cam:s:cr@t')}:abc:${given['nc']}:${given['cnonce']}:auth:${md5(`${method}:${url}`)}`)
    if (given['response'] === expected) response.end(given['nc'])
    else {
      challenges++
      response.writeHead(401, { 'WWW-Authenticate': ['Basic realm="cam"', 'Digest realm="cam", nonce="abc", qop="auth"'] }).end()
    }
  })
  const credentials = Credentials.of(new URL('http://admin:s%3Acr%40t@camera/'))
  for (const count of ['00000001', '00000002']) {
    const response = await get(t, `${url}/snap?a=b`, { credentials })
    t.equal(String(await readBody(response, 100, testSignal(t))), count)
  }
  t.equal(challenges, 1)
  t.equal((await get(t, url, { credentials: new Credentials('admin', 'wrong') })).status, 401)
  t.equal(challenges, 3)
})

t.test('TLS names the host and wants a certificate that is trusted', async t => {
  const folder = temporaryFolder(t)
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=camera.example', '-addext', 'subjectAltName=DNS:camera.example'], { stdio: 'ignore' })
  const { port } = await httpsServer(t, { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }, (_request, response) => response.end('x'))
  const guard = guardFor('127.0.0.1', async () => ['127.0.0.1'])
  await t.rejects(get(t, `https://camera.example:${port}/`, { guard }), { message: `the certificate of camera.example:${port} is not trusted (DEPTH_ZERO_SELF_SIGNED_CERT): name its authority with NODE_EXTRA_CA_CERTS, or use an address without TLS` })
  const program = `
    import { request, readBody } from './.build/src/outbound/http.js'
    import { OutboundGuard } from './.build/src/outbound/guard.js'
    import { NO_RULES } from './.build/src/outbound/allow-list.js'
    const guard = new OutboundGuard({ ...NO_RULES, names: new Set(['camera.example', 'other.example']) }, async () => ['127.0.0.1'])
    const signal = new AbortController().signal
    for (const host of ['camera.example', 'other.example']) {
      const answer = await request({ url: new URL('https://' + host + ':${port}/'), guard, signal }).catch(error => error)
      console.log(answer.status ?? answer.message)
    }`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], { env: { ...process.env, NODE_EXTRA_CA_CERTS: cert } })
  t.match(stdout, new RegExp(`^200\\nthe certificate of other\\.example:${port} is not trusted \\(ERR_TLS_CERT_ALTNAME_INVALID\\)`))
})

t.test('who does not answer, or not in HTTP, is named', async t => {
  const silent = await tcpServer(t, () => {})
  await t.rejects(get(t, `http://127.0.0.1:${silent}/`, { headersMs: 50 }), new OutboundFailed(`127.0.0.1:${silent} did not answer within 0.05 s`))
  const gone = await tcpServer(t, socket => { socket.once('data', () => socket.destroy()) })
  await t.rejects(get(t, `http://127.0.0.1:${gone}/`), /gave no usable answer \(ECONNRESET\)/)
  const noHttp = await tcpServer(t, socket => { socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n')) })
  await t.rejects(get(t, `http://127.0.0.1:${noHttp}/`), /gave no usable answer \(HPE_/)
  const wordy = await tcpServer(t, socket => { socket.once('data', () => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(64 * 1024)}\r\n\r\n`)) })
  await t.rejects(get(t, `http://127.0.0.1:${wordy}/`), /gave no usable answer \(HPE_HEADER_OVERFLOW\)/)
  const switches = await tcpServer(t, socket => { socket.once('data', () => socket.write('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n')) })
  await t.rejects(get(t, `http://127.0.0.1:${switches}/`), OutboundFailed)
})

t.test('a body that is too long, breaks off or falls silent is an error', async t => {
  const { url } = await httpServer(t, ({ url }, response) => {
    if (url === '/long') response.writeHead(200, { 'Content-Length': 1000 }).write('x')
    else if (url === '/endless') setInterval(() => { response.write('x'.repeat(60)) }, 1).unref()
    else if (url === '/broken') response.writeHead(200, { 'Content-Length': 50 }).write('x', () => response.destroy())
    else response.write('x')
  })
  const read = async (path: string) => await readBody(await get(t, url + path, { silenceMs: 50 }), 100, testSignal(t))
  await t.rejects(read('/long'), /sent more than 100 bytes/)
  await t.rejects(read('/endless'), /sent more than 100 bytes/)
  await t.rejects(read('/broken'), /broke off its answer/)
  await t.rejects(read('/silent'), /sent nothing for 0\.05 s/)
})

t.test('an aborted signal ends the request and the reading', async t => {
  const { url } = await httpServer(t, ({ url }, response) => { if (url === '/body') response.write('x') })
  const reason = new Error('enough')
  const controller = new AbortController()
  const waiting = get(t, `${url}/head`, { signal: controller.signal })
  setTimeout(() => { controller.abort(reason) }, 20)
  await t.rejects(waiting, reason)
  const second = new AbortController()
  const response = await get(t, `${url}/body`, { signal: second.signal })
  const reading = readBody(response, 100, second.signal)
  second.abort(reason)
  await t.rejects(reading, reason)
  t.ok(response.body.destroyed)
})

t.test('no message holds the user name, the password, the path or the query', async t => {
  const { url } = await httpServer(t, (_request, response) => { response.writeHead(302, { Location: '/' }).end() })
  const port = await tcpServer(t, socket => socket.destroy())
  for (const address of [url, `http://127.0.0.1:${port}`, 'http://10.1.1.1', 'http://nowhere.invalid']) {
    const error = await get(t, `${address.replace('://', '://topuser:topsecret@')}/toppath?password=topquery`).catch((error: unknown) => error)
    t.ok(error instanceof Error && /^Outbound/.test(error.name))
    t.notMatch(String(error instanceof Error ? error.stack : error), /top(user|secret|path|query)/)
  }
})
