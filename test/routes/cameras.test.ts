import { createHash } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import t, { type Test } from 'tap'
import { FakeClock, jpeg, newSettings, SocketViewer, startServer, temporaryFolder, tokenOf, until, upload, type TestServer } from '../helper.js'
import { filesOf } from '../store/support.js'
import { keptLog, refused, send, type Answer } from '../http.js'

type Json = Record<string, unknown>

/** What administrators see of a camera of which nothing is said. */
const PLAIN = {
  name: '', site: null, latitude: null, longitude: null, heading: null, enabled: true, source: null, source_fps: null, source_state: null, source_problem: null
}

async function setUp (t: Test, environment: NodeJS.ProcessEnv = {}, overrides: Parameters<typeof startServer>[2] = {}) {
  const server = await startServer(t, environment, { clock: new FakeClock(), ...overrides })
  const authorization = `Bearer ${await tokenOf(server.app, 'admin')}`
  /** Asks as an administrator. */
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => await send(server.url, {
    method,
    path: `/api/cameras${path}`,
    headers: { authorization, ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) })
  })
  const json = async (method: string, path: string, body?: unknown): Promise<unknown> => JSON.parse((await ask(method, path, body)).body.toString())
  return { ...server, ask, json }
}

/** The id and the key of a new key of a camera. */
async function makeKey ({ json }: { json: Awaited<ReturnType<typeof setUp>>['json'] }, cameraId: string): Promise<{ key_id: string, key: string }> {
  return await json('POST', `/${cameraId}/keys`) as { key_id: string, key: string }
}

const eventsOf = async (url: string): Promise<Json[]> => await (await fetch(`${url}/api/oil_spill_events`)).json() as Json[]

t.test('a camera is set up, changed, looked at and removed', async t => {
  const { ask, json } = await setUp(t)
  const said = { camera_id: 'rig-4', name: 'Rig 4, north', site: 'Tampen', latitude: 61.2, longitude: -2.5, heading: 359.5, enabled: false }
  const made = await ask('POST', '', said)
  t.equal(made.status, 201)
  t.strictSame(JSON.parse(made.body.toString()), { ...PLAIN, ...said })
  t.strictSame(await json('GET', '/rig-4'), { ...PLAIN, ...said })
  t.strictSame(await json('PATCH', '/rig-4', { name: 'Rig 4', site: null, heading: 0, enabled: true }), { ...PLAIN, ...said, name: 'Rig 4', site: null, heading: 0, enabled: true })
  t.strictSame(await json('GET', ''), [{ ...PLAIN, camera_id: 'default', name: 'Default camera' }, { ...PLAIN, ...said, name: 'Rig 4', site: null, heading: 0, enabled: true }])
  t.strictSame(await json('DELETE', '/rig-4'), { archived: false })
  for (const [method, path] of [['GET', '/rig-4'], ['PATCH', '/rig-4'], ['DELETE', '/rig-4'], ['GET', '/rig-4/keys'], ['POST', '/rig-4/keys'], ['DELETE', '/rig-4/keys/a'], ['GET', '/rig-4/connections']] as const) {
    await refused(t, await ask(method, path, method === 'PATCH' ? { name: 'x' } : undefined), 404, 'CAMERA_NOT_FOUND')
  }
})

t.test('cameras are as they were after a restart', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const before = await setUp(t, environment)
  await before.ask('POST', '', { camera_id: 'rig-4', name: 'Rig 4', latitude: -0.5 })
  const key = await makeKey(before, 'rig-4')
  const gone = await makeKey(before, 'rig-4')
  await before.ask('DELETE', `/rig-4/keys/${gone.key_id}`)
  const known = await before.json('GET', '')
  const keys = await before.json('GET', '/rig-4/keys')
  await before.app.close()
  const after = await setUp(t, environment)
  t.strictSame(await after.json('GET', ''), known)
  t.strictSame(await after.json('GET', '/rig-4/keys'), keys)
  t.equal((await upload(after.url, { password: key.key })).status, 200)
  t.equal((await upload(after.url, { password: gone.key })).status, 401)
})

t.test('ids are such as fit into addresses and file names', async t => {
  const { ask, app } = await setUp(t)
  for (const id of ['a', '0', 'rig-4_north', 'x'.repeat(63), 'default-2', '1--_', 'connections', 'keys']) t.equal((await ask('POST', '', { camera_id: id })).status, 201, id)
  for (const id of ['', '-a', '_a', 'A', 'Rig', 'x'.repeat(64), 'a b', 'a/b', 'a.b', '..', 'ä', 'a\n', 'a%20', '\u0000', 'status', null, 7, ['a'], undefined]) {
    await refused(t, await ask('POST', '', { camera_id: id }), 400, 'REQUEST_INVALID')
  }
  t.equal(app.cameras.count, 9)
  for (const id of ['A', '-a', 'x'.repeat(64), '%00', 'a%2fb', '%C3%A4']) {
    const answer = await ask('GET', `/${id}`)
    t.ok([400, 404].includes(answer.status), id)
  }
})

t.test('what is said of a camera has ranges', async t => {
  const { ask, json } = await setUp(t)
  await ask('POST', '', { camera_id: 'rig-4', name: 'Rig 4' })
  const wrong: Json[] = [
    { latitude: 90.1 }, { latitude: -91 }, { longitude: 180.5 }, { longitude: '1' }, { heading: 361 }, { heading: -1 }, { name: 'x'.repeat(201) }, { name: null }, { name: 7 },
    { site: 'x'.repeat(201) }, { enabled: 'yes' }, { enabled: null }, { enabled: 1 }, { source_fps: 0 }, { source_fps: 61 }, { camera_id: 'rig-5' }, { unknown: 1 }, {}
  ]
  for (const each of wrong) {
    await refused(t, await ask('PATCH', '/rig-4', each), 400, 'REQUEST_INVALID')
    if (Object.keys(each).length > 0 && !('camera_id' in each)) await refused(t, await ask('POST', '', { camera_id: 'rig-5', ...each }), 400, 'REQUEST_INVALID')
  }
  for (const source of ['rtsp:/192.0.2.17', 'file:///etc/passwd', 'not an address']) await refused(t, await ask('PATCH', '/rig-4', { source }), 400, 'SOURCE_INVALID')
  for (const body of ['', '{', '[]', 'null', '"x"']) await refused(t, await ask('PATCH', '/rig-4', body), 400, 'REQUEST_INVALID')
  await refused(t, await ask('PATCH', '/rig-4', 'name=x', { 'Content-Type': 'application/x-www-form-urlencoded' }), 415, 'MEDIA_TYPE_UNSUPPORTED')
  await refused(t, await ask('PATCH', '/rig-4', { name: 'x'.repeat(20_000) }), 413, 'BODY_TOO_LARGE')
  t.strictSame(await json('GET', '/rig-4'), { ...PLAIN, camera_id: 'rig-4', name: 'Rig 4' })
  t.strictSame(await json('PATCH', '/rig-4', { latitude: -90, longitude: 180, heading: 360, name: '\u00d6l <b>"1"</b>' }),
    { ...PLAIN, camera_id: 'rig-4', latitude: -90, longitude: 180, heading: 360, name: '\u00d6l <b>"1"</b>' })
})

t.test('an id is given once, and so is that of a camera whose history is kept', async t => {
  const { ask, url } = await setUp(t)
  for (const id of ['default', 'rig-4']) {
    if (id === 'rig-4') t.equal((await ask('POST', '', { camera_id: id })).status, 201)
    await refused(t, await ask('POST', '', { camera_id: id }), 409, 'CAMERA_EXISTS')
  }
  const { key } = JSON.parse((await ask('POST', '/rig-4/keys')).body.toString()) as { key: string }
  await upload(url, { spill: true, password: key })
  await ask('DELETE', '/rig-4')
  t.match(await refused(t, await ask('POST', '', { camera_id: 'rig-4' }), 409, 'CAMERA_EXISTS'), 'whose history is kept')
  t.equal((await ask('POST', '', { camera_id: 'rig-5' })).status, 201)
  await ask('DELETE', '/rig-5')
  t.equal((await ask('POST', '', { camera_id: 'rig-5' })).status, 201, 'one without a history is forgotten')
})

t.test('there are as many cameras as MAX_CAMERAS says, also where they are set up at once', async t => {
  const { ask, app } = await setUp(t, { MAX_CAMERAS: '4' })
  const answers = await Promise.all(Array.from({ length: 10 }, async (_, i) => await ask('POST', '', { camera_id: `rig-${i}` })))
  t.strictSame(answers.map(({ status }) => status).sort(), [201, 201, 201, ...Array(7).fill(409)])
  t.equal(app.cameras.count, 4)
  t.match(await refused(t, await ask('POST', '', { camera_id: 'rig-99' }), 409, 'TOO_MANY_CAMERAS'), /There are 4 cameras.*MAX_CAMERAS/)
  await ask('DELETE', `/${[...app.cameras.all()].at(-1)?.id}`)
  t.equal((await ask('POST', '', { camera_id: 'rig-99' })).status, 201)
})

t.test('fewer cameras than there are take none away', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const before = await setUp(t, environment)
  for (const id of ['rig-1', 'rig-2']) await before.ask('POST', '', { camera_id: id })
  await before.app.close()
  const after = await setUp(t, { ...environment, MAX_CAMERAS: '1' })
  t.equal(after.app.cameras.count, 3)
  await refused(t, await after.ask('POST', '', { camera_id: 'rig-3' }), 409, 'TOO_MANY_CAMERAS')
})

t.test('changes at once hold all, also over a restart', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const before = await setUp(t, environment)
  await before.ask('POST', '', { camera_id: 'rig-4' })
  await Promise.all([{ name: 'Rig 4' }, { site: 'Tampen' }, { latitude: 61 }, { longitude: 2 }, { heading: 90 }].map(async each => await before.ask('PATCH', '/rig-4', each)))
  await before.app.close()
  t.strictSame(await (await setUp(t, environment)).json('GET', '/rig-4'),
    { ...PLAIN, camera_id: 'rig-4', name: 'Rig 4', site: 'Tampen', latitude: 61, longitude: 2, heading: 90 })
})

t.test('the default camera stays, and can be switched off', async t => {
  const { ask, json, url } = await setUp(t)
  t.match(await refused(t, await ask('DELETE', '/default'), 409, 'DEFAULT_CAMERA_STAYS'), 'Switch it off')
  t.match(await json('PATCH', '/default', { enabled: false, name: 'North' }), { enabled: false, name: 'North' })
  await refused(t, await upload(url), 403, 'CAMERA_DISABLED')
})

t.test('a camera that is switched off takes nothing and shows nothing, until it is switched on', async t => {
  const { ask, url, port, app, json } = await setUp(t)
  await ask('POST', '', { camera_id: 'rig-4' })
  const { key } = await makeKey({ json }, 'rig-4')
  await upload(url, { password: key })
  const viewer = new SocketViewer(port, '/api/cameras/rig-4/stream')
  await viewer.received(1)
  await ask('PATCH', '/rig-4', { enabled: false })
  await viewer.closed()
  t.match(viewer.body.toString('latin1'), /\r\n--frame--\r\n$/)
  t.equal((await send(url, { path: '/api/cameras/rig-4/stream' })).status, 503)
  await refused(t, await upload(url, { password: key }), 403, 'CAMERA_DISABLED')
  t.match(await json('GET', '/rig-4/status'), { state: 'disabled', stream_active: false, frames_received: 1 })
  t.equal((await send(url, { path: '/api/cameras/rig-4/frame' })).status, 200, 'its last picture can be asked for, with its age')
  t.equal((await upload(url)).status, 200, 'and no other camera feels it')
  await ask('PATCH', '/rig-4', { enabled: true })
  t.equal((await upload(url, { password: key })).status, 200)
  t.equal(app.cameras.get('rig-4')?.liveStream.active, true)
})

t.test('a removed camera\'s evidence stays, and nothing else of it goes on', async t => {
  const { ask, url, port, json } = await setUp(t)
  await ask('POST', '', { camera_id: 'rig-4' })
  const { key } = await makeKey({ json }, 'rig-4')
  const picture = jpeg({ color: [4, 4, 4] })
  await upload(url, { password: key, spill: true, jpeg: picture })
  const viewer = new SocketViewer(port, '/stream?camera=rig-4')
  await viewer.received(1)
  t.strictSame(await json('DELETE', '/rig-4'), { archived: true })
  await viewer.closed()
  await refused(t, await upload(url, { password: key }), 401, 'PASSWORD_WRONG')
  for (const path of ['/stream?camera=rig-4', '/api/frame?camera=rig-4', '/api/status?camera=rig-4', '/api/cameras/rig-4/frame', '/api/cameras/rig-4/status', '/api/cameras/rig-4/stream', '/api/detection_summary?camera=rig-4']) {
    await refused(t, await send(url, { path }), 404, 'CAMERA_NOT_FOUND')
  }
  t.match(await eventsOf(url), [{ id: 1, camera_id: 'rig-4', ended_at: String }])
  t.ok((await send(url, { path: '/api/oil_spill_events/1/frame' })).body.equals(picture))
  t.match(await (await fetch(`${url}/api/detection_summary`)).json(), { total_events: 1, current_status: 'Normal: No oil spill detected' })
})

t.test('a key is shown once, in an answer that nobody keeps, and only its hash is on disk', async t => {
  const log = keptLog()
  const { ask, json, url, config, app } = await setUp(t, {}, { logger: log.logger })
  await ask('POST', '', { camera_id: 'rig-4' })
  const made = await ask('POST', '/rig-4/keys')
  t.equal(made.status, 201)
  t.equal(made.headers['cache-control'], 'no-store')
  const { key_id: keyId, key, ...rest } = JSON.parse(made.body.toString()) as Record<string, string>
  t.match(key, /^vsk_[\w-]{43}$/)
  t.strictSame(rest, { created_at: '2023-06-23T14:30:22.123000' })
  t.strictSame(await json('GET', '/rig-4/keys'), [{ key_id: keyId, ...rest }])
  await upload(url, { password: key ?? '', spill: true })
  await upload(url, { password: key ?? '', headers: { 'X-Camera-Id': 'default' } })
  t.notMatch(log.text(), String(key).slice(4), 'nor in the log')
  await app.close()
  const secret = Buffer.from(String(key).slice(4))
  const hash = createHash('sha256').update(String(key)).digest('hex')
  const files = Object.entries(filesOf(config.dataDir)).map(([name, base64]) => ({ name, bytes: Buffer.from(base64, 'base64') }))
  t.ok(files.some(({ name }) => name === 'videostream.db'))
  for (const { name, bytes } of files) {
    for (const part of [secret, Buffer.from(secret.toString(), 'utf16le'), Buffer.from(secret.toString(), 'base64url')]) t.equal(bytes.indexOf(part), -1, name)
  }
  t.ok(files.some(({ bytes }) => bytes.includes(hash)), 'its hash is')
})

t.test('keys can be changed without a gap, and a revoked one opens nothing', async t => {
  const { ask, json, url, app } = await setUp(t)
  await ask('POST', '', { camera_id: 'rig-4' })
  const [old, next] = [await makeKey({ json }, 'rig-4'), await makeKey({ json }, 'rig-4')]
  t.strictSame((await json('GET', '/rig-4/keys') as Json[]).map(key => key['key_id']).sort(), [old.key_id, next.key_id].sort())
  for (const { key } of [old, next]) t.equal((await upload(url, { password: key })).status, 200)
  const revoked = await ask('DELETE', `/rig-4/keys/${old.key_id}`)
  t.equal(revoked.status, 204)
  t.equal(revoked.body.length, 0)
  t.equal((await upload(url, { password: old.key })).status, 401)
  t.equal((await upload(url, { password: next.key })).status, 200)
  await refused(t, await ask('DELETE', `/rig-4/keys/${old.key_id}`), 404, 'CAMERA_KEY_NOT_FOUND')
  await refused(t, await ask('DELETE', `/default/keys/${next.key_id}`), 404, 'CAMERA_KEY_NOT_FOUND')
  t.equal(app.cameras.get('rig-4')?.frames.framesReceived, 3)
})

t.test('the default camera may have keys beside its password', async t => {
  const { json, ask, url, app } = await setUp(t)
  const { key, key_id: keyId } = await makeKey({ json }, 'default')
  t.equal((await upload(url, { password: key })).status, 200)
  t.equal((await upload(url)).status, 200)
  await ask('DELETE', `/default/keys/${keyId}`)
  t.equal((await upload(url)).status, 200, 'which goes on')
  t.equal(app.cameras.default.frames.framesReceived, 3)
})

t.test('a key for which a body is sent is made all the same', async t => {
  const { ask } = await setUp(t)
  t.equal((await ask('POST', '/default/keys', {})).status, 201)
  t.equal((await ask('POST', '/default/keys', undefined, { 'Content-Length': '0' })).status, 201)
})

t.test('who changed what is logged, without a secret', async t => {
  const log = keptLog()
  const { ask, json } = await setUp(t, {}, { logger: log.logger })
  await ask('POST', '', { camera_id: 'rig-4', source: 'rtsp://user:a-secret@192.0.2.17/1', enabled: false })
  await ask('PATCH', '/rig-4', { name: 'Rig 4', source: 'rtsp://user:a-secret@192.0.2.18/1' })
  const { key, key_id: keyId } = await makeKey({ json }, 'rig-4')
  await ask('DELETE', `/rig-4/keys/${keyId}`)
  await ask('DELETE', '/rig-4')
  t.match(log.lines.filter(({ cameraId, address }) => cameraId === 'rig-4' && address !== undefined), [
    { msg: 'a camera was set up', address: '127.0.0.1' }, { msg: 'a camera was changed', changed: ['name', 'source'] },
    { msg: 'a camera key was made', keyId }, { msg: 'a camera key was revoked', keyId }, { msg: 'a camera was removed', archived: false }
  ])
  t.notMatch(log.text(), 'a-secret')
  t.notMatch(log.text(), key.slice(4))
})

t.test('503 while another program has the database locked, and nothing changes', async t => {
  const { ask, json, config, app, url } = await setUp(t)
  await ask('POST', '', { camera_id: 'rig-4' })
  const { key, key_id: keyId } = await makeKey({ json }, 'rig-4')
  const other = new Database(join(config.dataDir, 'videostream.db'))
  other.exec('BEGIN IMMEDIATE')
  const answers = await Promise.all([
    ask('POST', '', { camera_id: 'rig-5' }), ask('PATCH', '/rig-4', { enabled: false }), ask('POST', '/rig-4/keys'), ask('DELETE', `/rig-4/keys/${keyId}`), ask('DELETE', '/rig-4')
  ])
  for (const answer of answers) t.match(await refused(t, answer, 503, 'HISTORY_UNAVAILABLE'), 'SQLITE_BUSY')
  other.close()
  t.strictSame([...app.cameras.all()].map(({ id }) => id), ['default', 'rig-4'])
  t.equal((await upload(url, { password: key })).status, 200)
  t.equal((await ask('DELETE', '/rig-4')).status, 200)
})

t.test('when a camera fell silent and was heard again', async t => {
  const clock = new FakeClock()
  const { json, url, app } = await setUp(t, {}, { clock })
  t.strictSame(await json('GET', '/default/connections'), [])
  const count = async (nth: number): Promise<void> => { await until(async () => (await json('GET', '/default/connections') as Json[]).length === nth, `note ${nth}`) }
  await upload(url)
  await count(1)
  clock.advance(10_000)
  await count(2)
  await upload(url)
  await count(3)
  t.strictSame(await json('GET', '/default/connections'), [
    { connection: 'online', at: '2023-06-23T14:30:32.123000', last_frame_at: '2023-06-23T14:30:32.123000' },
    { connection: 'offline', at: '2023-06-23T14:30:32.123000', last_frame_at: '2023-06-23T14:30:22.123000' },
    { connection: 'online', at: '2023-06-23T14:30:22.123000', last_frame_at: '2023-06-23T14:30:22.123000' }
  ], 'newest first')
  await app.cameraRepository.noteConnections([{ cameraId: 'default', connection: 'offline', atMs: clock.nowMs(), lastFrameAtMs: null }])
  t.match(await json('GET', '/default/connections'), [{ connection: 'offline', last_frame_at: null }, {}, {}, {}])
})

t.test('two hundred cameras in one answer, which costs no look at the disk', async t => {
  const { app, url } = await setUp(t) as TestServer
  for (let i = 0; i < 199; i += 1) await app.cameras.add(newSettings(`rig-${i}`, { name: `Rig ${i}`, site: 'Tampen' }))
  await app.sql.close()
  const answer = await send(url, { path: '/api/cameras/status' })
  t.equal(answer.status, 200)
  const { cameras } = JSON.parse(answer.body.toString()) as { cameras: Json[] }
  t.equal(cameras.length, 200)
  t.match(cameras[0], { camera_id: 'default', state: 'never_seen' })
  t.match(cameras[199], { camera_id: 'rig-198', name: 'Rig 198', site: 'Tampen', state: 'never_seen', oil_spill_events: 0 })
})
