import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { control, FakeClock, jpeg, newSettings, PASSWORD, startServer, temporaryFolder, until, upload, type TestServer } from '../helper.js'
import { keptLog, RawClient, refused, send } from '../http.js'

const attempts = async (url: string): Promise<unknown> => (await (await fetch(`${url}/api/status`)).json() as Record<string, unknown>)['unauthorized_attempts']

t.test('after so many wrong passwords all from that address are refused, also the right one', async t => {
  const clock = new FakeClock()
  const { url, app } = await startServer(t, { AUTH_FAILURE_LIMIT: '3' }, { clock })
  await upload(url, { password: 'wrong-1' })
  await control(url, 'stop_stream', 'wrong-2')
  await refused(t, await upload(url, { password: 'wrong-3' }), 401, 'PASSWORD_WRONG')
  const answers = [await upload(url), await upload(url, { password: 'wrong-4' }), await control(url, 'stop_stream'), await control(url, 'start_stream', 'wrong-5')]
  for (const answer of answers) {
    t.equal(answer.headers.get('retry-after'), '20')
    await refused(t, answer, 429, 'TOO_MANY_WRONG_PASSWORDS')
  }
  t.equal(app.cameras.default.frames.framesReceived, 0)
  t.equal((await send(url, { path: '/api/status' })).status, 200, 'what carries no password is not refused')
  clock.advance(20_000)
  t.equal((await upload(url)).status, 200, 'as soon as Retry-After has passed')
  t.equal((await upload(url, { password: 'wrong-6' })).status, 401)
  t.equal((await upload(url)).status, 429)
  clock.advance(60_000)
  for (let i = 0; i < 3; i += 1) t.equal((await upload(url, { password: 'wrong' })).status, 401)
  t.equal((await upload(url)).status, 429)
})

t.test('ten a minute where nothing is set', async t => {
  const { url } = await startServer(t, {}, { clock: new FakeClock() })
  for (let i = 0; i < 10; i += 1) t.equal((await upload(url, { password: 'wrong' })).status, 401)
  t.equal((await upload(url)).status, 429)
})

t.test('a missing password is no guess', async t => {
  const { url } = await startServer(t, { AUTH_FAILURE_LIMIT: '1' }, { clock: new FakeClock() })
  for (let i = 0; i < 5; i += 1) await refused(t, await send(url, { method: 'POST', path: '/api/upload_frame', body: jpeg() }), 401, 'PASSWORD_MISSING')
  t.equal((await upload(url)).status, 200)
  t.equal(await attempts(url), 5)
})

t.test('the right password uses nothing up', async t => {
  const { url } = await startServer(t, { AUTH_FAILURE_LIMIT: '2' }, { clock: new FakeClock() })
  for (let i = 0; i < 20; i += 1) t.equal((await upload(url)).status, 200)
  t.equal((await upload(url, { password: 'wrong' })).status, 401)
  t.equal((await upload(url)).status, 200)
})

t.test('other addresses are not refused', async t => {
  const { url } = await startServer(t, { AUTH_FAILURE_LIMIT: '1', TRUST_PROXY: '127.0.0.1' }, { clock: new FakeClock() })
  const from = (address: string) => ({ 'X-Forwarded-For': address })
  await upload(url, { password: 'wrong', headers: from('192.0.2.1') })
  t.equal((await upload(url, { headers: from('192.0.2.1') })).status, 429)
  t.equal((await upload(url, { headers: from('192.0.2.2') })).status, 200)
  t.equal((await upload(url, { headers: from('192.0.2.2, 192.0.2.1') })).status, 429, 'only the proxy\'s own entry counts')
  t.equal((await upload(url)).status, 200)
})

t.test('an IPv6 client cannot change its address within its network to guess on', async t => {
  const { url } = await startServer(t, { AUTH_FAILURE_LIMIT: '1', TRUST_PROXY: 'true' }, { clock: new FakeClock() })
  await upload(url, { password: 'wrong', headers: { 'X-Forwarded-For': '2001:db8::1' } })
  t.equal((await upload(url, { headers: { 'X-Forwarded-For': '2001:db8::2' } })).status, 429)
  t.equal((await upload(url, { headers: { 'X-Forwarded-For': '2001:db8:1::1' } })).status, 200)
})

t.test('without TRUST_PROXY what a client says of its address does not count', async t => {
  const log = keptLog()
  const { url } = await startServer(t, { AUTH_FAILURE_LIMIT: '1' }, { clock: new FakeClock(), logger: log.logger })
  await upload(url, { password: 'wrong', headers: { 'X-Forwarded-For': '192.0.2.1' } })
  t.equal((await upload(url, { headers: { 'X-Forwarded-For': '192.0.2.2' } })).status, 429)
  t.ok(log.lines.every(({ address }) => address === undefined || address === '127.0.0.1'))
})

t.test('many guesses at once on one connection are no more than the limit', async t => {
  const { port, app } = await startServer(t, { AUTH_FAILURE_LIMIT: '3' }, { clock: new FakeClock() })
  const guess = (password: string): string => `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${password}\r\nContent-Length: 0\r\n\r\n`
  const client = RawClient.send(port, [...Array.from({ length: 20 }, (_, i) => guess(`wrong-${i}`)), guess(PASSWORD)].join(''))
  await client.answer(21)
  t.strictSame(client.answers.map(({ status }) => status), [401, 401, 401, ...Array(18).fill(429)])
  t.ok(client.answers.slice(3).every(({ headers }) => headers['retry-after'] === '20'))
  t.equal(app.refusalCount('password'), 21)
  client.socket.destroy()
})

t.test('guesses whose bodies come later are no more than the limit', async t => {
  const { port, app } = await startServer(t, { AUTH_FAILURE_LIMIT: '3' }, { clock: new FakeClock() })
  const bodies = [...Array.from({ length: 8 }, (_, i) => `wrong-${i}`), PASSWORD].map(password => JSON.stringify({ password }))
  let asked = 0
  app.server.on('request', () => { asked += 1 })
  const clients = bodies.map(body => RawClient.send(port,
    `POST /api/stop_stream HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`))
  await until(() => asked === bodies.length, 'every head')
  const statuses: number[] = []
  for (const [i, client] of clients.entries()) {
    client.write(bodies[i] ?? '')
    const answer = await client.answer()
    statuses.push(answer.status)
    client.socket.destroy()
  }
  t.strictSame(statuses, [401, 401, 401, 429, 429, 429, 429, 429, 429])
})

t.test('a burst is logged once for each reason, with the address and never a password', async t => {
  const clock = new FakeClock()
  const log = keptLog()
  const { url } = await startServer(t, { AUTH_FAILURE_LIMIT: '2' }, { clock, logger: log.logger })
  for (let i = 0; i < 5; i += 1) await upload(url, { password: 'a-secret-guess' })
  for (let i = 0; i < 2; i += 1) await send(url, { method: 'POST', path: '/api/upload_frame' })
  await control(url, 'stop_stream', 'a-secret-guess')
  await upload(url)
  const refusals = (): unknown[] => log.lines.filter(({ msg }) => msg === 'a password was refused')
  t.match(refusals(), [
    { level: 40, reason: 'wrong password', address: '127.0.0.1', unloggedTries: 0 },
    { level: 40, reason: 'too many wrong passwords', address: '127.0.0.1' },
    { level: 40, reason: 'no password', address: '127.0.0.1' }
  ])
  t.equal(refusals().length, 3)
  t.equal(await attempts(url), 9)
  clock.advance(60_000)
  await upload(url, { password: 'a-secret-guess' })
  t.match(refusals()[3], { reason: 'wrong password', unloggedTries: 1 }, 'the next burst says how many the last one had')
  t.equal(refusals().length, 4)
  t.notMatch(log.text(), 'a-secret-guess')
  t.notMatch(log.text(), PASSWORD)
})

t.test('a key that opens nothing is counted and told, and keeps out no other camera behind that address', async t => {
  const log = keptLog()
  const { url, app } = await startServer(t, { AUTH_FAILURE_LIMIT: '2' }, { clock: new FakeClock(), logger: log.logger })
  const rig = await app.cameras.add(newSettings('rig-4'))
  const { key, secret } = await app.cameras.addKey(rig)
  await app.cameras.removeKey(rig, key.keyId)
  for (let i = 0; i < 10; i += 1) await refused(t, await upload(url, { password: secret }), 401, 'PASSWORD_WRONG')
  t.equal((await upload(url)).status, 200)
  t.equal(app.refusalCount('password'), 10)
  t.match(log.lines.filter(({ msg }) => msg === 'a password was refused'), [{ reason: 'unknown key', address: '127.0.0.1' }])
  t.notMatch(log.text(), secret)
})

t.test('without a setting a password is made once, kept for its owner only, and is the one that counts', async t => {
  const folder = join(temporaryFolder(t), 'data')
  const environment = { DATA_DIR: folder, CAMERA_PASSWORD: undefined }
  const first = await startServer(t, environment)
  const made = first.app.newCameraPassword ?? ''
  t.match(made, /^[\w-]{32}$/)
  t.equal(readFileSync(join(folder, 'camera_password'), 'utf8'), `${made}\n`)
  t.equal(statSync(join(folder, 'camera_password')).mode & 0o777, 0o600)
  t.equal((await upload(first.url, { password: made })).status, 200)
  t.equal((await upload(first.url)).status, 401)
  await first.app.close()

  const second = await startServer(t, environment)
  t.equal(second.app.newCameraPassword, undefined)
  t.equal((await upload(second.url, { password: made })).status, 200)
})

t.test('with a setting none is made', async t => {
  const { app, config } = await startServer(t)
  t.equal(app.newCameraPassword, undefined)
  t.throws(() => statSync(join(config.dataDir, 'camera_password')), { code: 'ENOENT' })
})

t.test('a camera with an old key keeps nobody out, and the camera password does not begin like a key', async t => {
  const { url, app } = await startServer(t, { AUTH_FAILURE_LIMIT: '3' }, { clock: new FakeClock() })
  const { secret } = await app.cameras.addKey(await app.cameras.add(newSettings('rig-4')))
  for (let i = 0; i < 10; i += 1) await refused(t, await upload(url, { password: `vsk_old-${i}` }), 401, 'PASSWORD_WRONG')
  t.equal((await upload(url)).status, 200, 'the password')
  for (let i = 0; i < 3; i += 1) await upload(url, { password: 'wrong' })
  t.equal((await upload(url)).status, 429, 'passwords can be guessed')
  t.equal((await upload(url, { password: secret })).status, 200, 'keys cannot')
  t.equal(await attempts(url), 14)
})

/** A camera beside the default one, with a key. */
async function withRig (server: TestServer, cameraId = 'rig-4') {
  const camera = await server.app.cameras.add(newSettings(cameraId))
  return { camera, ...await server.app.cameras.addKey(camera) }
}

/** How a frame may be uploaded, and as which camera the path names it. */
const UPLOADS: ReadonlyArray<[path: string, cameraId: string | undefined]> = [
  ['/api/upload_frame', undefined], ['/api/cameras/default/frames', 'default'], ['/api/cameras/rig-4/frames', 'rig-4'], ['/api/cameras/rig-5/frames', 'rig-5'],
  ['/api/cameras/default/feed', 'default'], ['/api/cameras/rig-4/feed', 'rig-4'], ['/api/cameras/rig-5/feed', 'rig-5']
]

/** A frame as an upload or as a feed of one part. */
const bodyFor = (path: string): Buffer => path.endsWith('/feed')
  ? Buffer.concat([Buffer.from('--x\r\nContent-Type: image/jpeg\r\n\r\n'), jpeg(), Buffer.from('\r\n--x--\r\n')])
  : jpeg()

t.test('a key opens its own camera and nothing else, whatever path or header names another', async t => {
  const server = await startServer(t, {}, { clock: new FakeClock() })
  const { url, app } = server
  const secrets = { default: PASSWORD, 'rig-4': (await withRig(server)).secret, 'rig-5': (await withRig(server, 'rig-5')).secret }
  let taken = 0
  for (const [owner, secret] of Object.entries(secrets)) {
    for (const [path, named] of UPLOADS) {
      for (const header of [undefined, 'default', 'rig-4', 'rig-5', 'unknown', 'Rig-4', '']) {
        const what = `${owner}'s key at ${path} with X-Camera-Id ${header}`
        const headers = { 'X-Camera-Auth': secret, ...(header !== undefined && { 'X-Camera-Id': header }) }
        const answer = await send(url, { method: 'POST', path, headers, body: bodyFor(path) })
        if ([named, header].every(each => each === undefined || each === owner)) {
          taken += 1
          t.equal(answer.status, 200, what)
        } else {
          await refused(t, answer, 403, 'CAMERA_MISMATCH')
        }
      }
    }
  }
  const received = [...app.cameras.all()].map(camera => camera.frames.framesReceived)
  t.strictSame(received, [6, 6, 6], 'each has its own frames')
  t.equal(received.reduce((sum, each) => sum + each), taken)
})

t.test('a key opens nothing that is not its camera\'s', async t => {
  const server = await startServer(t, {}, { clock: new FakeClock() })
  const { url } = server
  const { secret, key } = await withRig(server)
  const [auth, json] = [{ 'X-Camera-Auth': secret }, { 'Content-Type': 'application/json' }]
  for (const [method, path] of [
    ['GET', '/api/cameras'], ['POST', '/api/cameras'], ['PATCH', '/api/cameras/rig-4'], ['DELETE', '/api/cameras/rig-4'], ['GET', '/api/cameras/rig-4/keys'],
    ['POST', '/api/cameras/rig-4/keys'], ['DELETE', `/api/cameras/rig-4/keys/${key.keyId}`], ['GET', '/api/users']
  ] as const) {
    for (const headers of [auth, { Authorization: `Bearer ${secret}` }, { Authorization: `Basic ${Buffer.from(`rig-4:${secret}`).toString('base64')}` }]) {
      t.equal((await send(url, { method, path, headers: { ...headers, ...json }, body: '{}' })).status, 401, `${method} ${path}`)
    }
  }
  const stop = (path: string) => send(url, { method: 'POST', path, headers: json, body: JSON.stringify({ password: secret }) })
  await refused(t, await stop('/api/cameras/default/stop_stream'), 403, 'CAMERA_MISMATCH')
  t.equal((await stop('/api/cameras/rig-4/stop_stream')).status, 200)
})

t.test('a key is looked at before the body is read, and so is the camera that it opens', async t => {
  const server = await startServer(t, {}, { clock: new FakeClock() })
  const { camera, secret } = await withRig(server)
  const announce = (path: string, headers: string): RawClient =>
    RawClient.send(server.port, `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n${headers}\r\n`)
  const cases: Array<[client: RawClient, statusCode: number, code: string]> = [
    [announce('/api/upload_frame', 'X-Camera-Auth: vsk_unknown\r\n'), 401, 'PASSWORD_WRONG'],
    [announce('/api/cameras/default/frames', `X-Camera-Auth: ${secret}\r\n`), 403, 'CAMERA_MISMATCH'],
    [announce('/api/upload_frame', `X-Camera-Auth: ${secret}\r\nX-Camera-Id: default\r\n`), 403, 'CAMERA_MISMATCH'],
    [announce('/api/cameras/unknown/frames', `X-Camera-Auth: ${secret}\r\n`), 403, 'CAMERA_MISMATCH']
  ]
  for (const [client, statusCode, code] of cases) {
    const answer = await client.answer()
    await refused(t, answer, statusCode, code)
    t.equal(answer.headers['connection'], 'close')
    await client.end()
  }
  await server.app.cameras.change(camera, { enabled: false })
  for (const path of ['/api/upload_frame', '/api/cameras/rig-4/frames', '/api/cameras/rig-4/feed']) {
    const client = announce(path, `X-Camera-Auth: ${secret}\r\n`)
    t.match(await refused(t, await client.answer(), 403, 'CAMERA_DISABLED'), 'Camera rig-4 is switched off')
    await client.end()
  }
})

t.test('a revoked key opens nothing from that moment on, also on a connection that is kept, and another goes on', async t => {
  const server = await startServer(t, {}, { clock: new FakeClock() })
  const { camera, secret, key } = await withRig(server)
  const next = await server.app.cameras.addKey(camera)
  const upload = (auth: string) => [`POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${auth}\r\nContent-Length: ${jpeg().length}\r\n\r\n`, jpeg()]
  const client = RawClient.send(server.port, ...upload(secret))
  t.equal((await client.answer()).status, 200)
  client.write(...upload(next.secret))
  t.equal((await client.answer(2)).status, 200, 'both are live: no frame is lost in between')
  await server.app.cameras.removeKey(camera, key.keyId)
  client.write(...upload(next.secret))
  t.equal((await client.answer(3)).status, 200)
  client.write(...upload(secret))
  t.equal((await client.answer(4)).status, 401)
  t.equal(camera.frames.framesReceived, 3)
  client.socket.destroy()
})

t.test('each camera has its own rate', async t => {
  const server = await startServer(t, { UPLOAD_RATE_LIMIT: '1' }, { clock: new FakeClock() })
  const { secret } = await withRig(server)
  for (let i = 0; i < 2; i += 1) {
    t.equal((await upload(server.url)).status, 200)
    t.equal((await upload(server.url, { password: secret })).status, 200)
  }
  await refused(t, await upload(server.url), 429, 'UPLOAD_RATE_EXCEEDED')
  await refused(t, await upload(server.url, { password: secret }), 429, 'UPLOAD_RATE_EXCEEDED')
})
