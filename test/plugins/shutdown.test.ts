import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { jpeg, PASSWORD, SocketViewer, startServer, temporaryFolder, testConfig, until, upload } from '../helper.js'
import { RawClient, refused } from '../http.js'

const CLOSING = '\r\n--frame--\r\n'

const uploadHead = (length: number, headers: Record<string, string> = {}): string =>
  `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${PASSWORD}\r\nContent-Length: ${length}\r\n${
    Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`

/** Whether somebody can still connect. */
async function isListening (port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  return await once(socket, 'connect').then(() => true, () => false).finally(() => { socket.destroy() })
}

t.test('viewers are ended, an upload under way is finished and kept, and nobody else gets in', async t => {
  const environment = { DATA_DIR: join(temporaryFolder(t), 'data') }
  const { app, url, port } = await startServer(t, environment)
  await upload(url)
  const viewers = Array.from({ length: 50 }, () => new SocketViewer(port))
  await Promise.all(viewers.map(viewer => viewer.received(1)))
  const picture = jpeg({ color: [200, 9, 9] })
  let asked = false
  app.server.once('request', () => { asked = true })
  const camera = RawClient.send(port, uploadHead(picture.length, { 'X-Oil-Spill-Detected': 'true' }), picture.subarray(0, 50))
  await until(() => asked)

  let closed = false
  const closing = app.close().then(() => { closed = true })
  for (const viewer of viewers) {
    await viewer.closed()
    t.equal(viewer.body.toString('latin1').slice(-CLOSING.length), CLOSING)
  }
  await until(async () => !await isListening(port), 'no more connections')
  t.equal(closed, false, 'the upload is waited for')
  camera.write(picture.subarray(50))
  const answer = await camera.answer()
  t.equal(answer.status, 200)
  t.equal(answer.body.toString(), 'Frame received')
  await camera.end()
  await closing

  const next = await startServer(t, environment)
  const evidence = await fetch(`${next.url}/api/oil_spill_events/1/frame`)
  t.ok(Buffer.from(await evidence.arrayBuffer()).equals(picture))
})

t.test('kept-alive connections do not hold it up', async t => {
  const { app, port } = await startServer(t)
  const clients = Array.from({ length: 5 }, () => RawClient.send(port, 'GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n'))
  for (const client of clients) t.equal((await client.answer()).status, 200)
  let asked = false
  app.server.once('request', () => { asked = true })
  const busy = RawClient.send(port, uploadHead(jpeg().length))
  await until(() => asked)
  const closing = app.close()
  busy.write(jpeg())
  for (const client of [...clients, busy]) await client.end()
  await closing
  t.pass()
})

t.test('connections that never asked for anything do not hold it up', async t => {
  const { app, port } = await startServer(t)
  let connections = 0
  app.server.on('connection', () => { connections += 1 })
  const clients = [new RawClient(port), RawClient.send(port, 'GET /api/status HTTP/1.1\r\nHost:')]
  await until(() => connections === 2)
  const closing = app.close()
  for (const client of clients) await client.end()
  await closing
  t.pass()
})

t.test('a request that comes on an open connection meanwhile is refused, and told to come back', async t => {
  const picture = jpeg()
  for (const request of ['GET /api/status HTTP/1.1\r\nHost: x\r\nOrigin: https://example.org\r\n\r\n', 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n', uploadHead(picture.length) + picture.toString('latin1')]) {
    await t.test(request.split('\r\n')[0] ?? '', async t => {
      const { app, port } = await startServer(t)
      let asked = false
      app.server.once('request', () => { asked = true })
      const client = RawClient.send(port, uploadHead(picture.length))
      await until(() => asked)
      const closing = app.close()
      client.write(Buffer.concat([picture, Buffer.from(request, 'latin1')]))
      t.equal((await client.answer(1)).status, 200)
      const answer = await client.answer(2)
      await refused(t, answer, 503, 'SHUTTING_DOWN')
      t.equal(answer.headers['retry-after'], '1')
      t.equal(answer.headers['connection'], 'close')
      await client.end()
      await closing
      t.equal(app.cameras.default.frames.framesReceived, 1)
    })
  }
})

t.test('a server that never listened closes', async t => {
  await (await buildApp(testConfig(t), { logger: false })).close()
  t.pass()
})
