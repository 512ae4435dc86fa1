import { getEventListeners } from 'node:events'
import type { ServerResponse } from 'node:http'
import t from 'tap'
import { pullSource } from '../../src/sources/pull-source.js'
import { jpeg, until } from '../helper.js'
import { closedPort, guardFor, httpServer, tcpServer } from '../outbound/servers.js'
import { Pull, TIMES } from './pull.js'

const MJPEG = { 'Content-Type': 'multipart/x-mixed-replace; boundary=frame' }

/** Writes a part of an MJPEG stream. */
function writePart (response: ServerResponse, picture = jpeg()): void {
  response.write(Buffer.concat([Buffer.from(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`), picture, Buffer.from('\r\n')]))
}

t.test('a source that breaks off is opened again, with longer waits as long as it is not well', async t => {
  const connections: number[] = []
  const { url } = await httpServer(t, (_request, response) => {
    connections.push(performance.now())
    response.writeHead(200, MJPEG)
    writePart(response)
    response.end('--frame--\r\n')
  })
  const pull = new Pull(t, url, { times: { ...TIMES, wellAfterMs: 60_000 } })
  await until(() => connections.length >= 6)
  await pull.stop()
  const waits = connections.slice(1).map((at, i) => at - (connections[i] ?? 0))
  for (const [i, leastMs] of [10, 20, 40, 40, 40].entries()) t.ok((waits[i] ?? 0) >= leastMs, `wait ${i} is ${waits[i]} ms`)
  t.strictSame(pull.states.slice(0, 4), ['connecting', 'receiving', 'waiting: the stream ended', 'connecting'])
  t.ok(pull.parts.length >= 6)
})

t.test('after it was well for a while the waits are short again', async t => {
  const open: ServerResponse[] = []
  const { url } = await httpServer(t, (_request, response) => {
    response.writeHead(200, MJPEG)
    writePart(response)
    if (open.length < 3) response.end()
    open.push(response)
  })
  const pull = new Pull(t, url, { times: { ...TIMES, firstRetryMs: 20, longestRetryMs: 60_000, wellAfterMs: 50 } })
  await pull.untilParts(4)
  await new Promise(resolve => setTimeout(resolve, 60))
  const startMs = performance.now()
  open.at(-1)?.end()
  await pull.untilParts(5)
  t.ok(performance.now() - startMs < 1000, 'and not the fourth wait, which would be 80 ms or more, or any later one')
})

t.test('silence is a failure, before the first picture and between two', async t => {
  const { url } = await httpServer(t, ({ url }, response) => {
    response.writeHead(200, MJPEG)
    response.flushHeaders()
    if (url === '/one') writePart(response)
    // Bytes alone are no picture.
    const timer = setInterval(() => response.write('x'), 10)
    response.on('close', () => { clearInterval(timer) })
  })
  const never = new Pull(t, `${url}/none`, { times: { ...TIMES, firstPictureMs: 300 } })
  await never.untilState(/^waiting: no picture for 0 s$/)
  t.strictSame(never.states.slice(0, 2), ['connecting', 'waiting: no picture for 0 s'])
  const one = new Pull(t, `${url}/one`, { fps: 10, times: { ...TIMES, silenceMs: 300 } })
  await one.untilState(/^waiting: no picture/)
  t.strictSame(one.states.slice(0, 3), ['connecting', 'receiving', 'waiting: no picture for 0 s'])
})

t.test('what nobody can mend but a person is tried again rarely', async t => {
  let requests = 0
  const { url } = await httpServer(t, (_request, response) => {
    requests++
    response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="x"' }).end()
  })
  const open = new Pull(t, url)
  await open.untilState(/^waiting: 127\.0\.0\.1:\d+ answers 401: put the user name and password into the address$/)
  const wrong = new Pull(t, url.replace('://', '://admin:topsecret@'))
  await wrong.untilState(/^waiting: 127\.0\.0\.1:\d+ answers 401: check the user name and password in the address$/)
  const before = requests
  await new Promise(resolve => setTimeout(resolve, 300))
  t.equal(requests, before, 'not again after many times the usual wait')
  t.equal(requests, 3)
  t.notMatch(wrong.states.join(), /topsecret|admin/)
})

t.test('what cannot be reached is waiting, with a reason', async t => {
  const port = await closedPort()
  const pull = new Pull(t, `http://127.0.0.1:${port}/`)
  await pull.untilState(/cannot be connected to \(ECONNREFUSED\)/)
  for (const address of ['http://localhost/', 'http://10.0.0.1/', 'rtsp://0x7f.2:554/', 'rtsp://169.254.169.254/', 'rtmp://[::1]/a/b', 'rtsps://[fd00::1]/']) {
    const refused = new Pull(t, address, { guard: guardFor('127.0.0.3') })
    await refused.untilState(/^waiting: .* the server may not reach it: if it should, name it in OUTBOUND_ALLOW/)
  }
})

t.test('an address that is none is an error at once', async t => {
  await t.rejects(pullSource({ url: 'file:///etc/passwd', guard: guardFor(), maxFrameBytes: 1, onPart: () => {}, onState: () => {}, signal: new AbortController().signal }), /edge agent/)
})

t.test('nothing more is read while a picture is taken, and its time is not the camera\'s silence', async t => {
  let written = 0
  const picture = Buffer.concat([jpeg().subarray(0, -2), Buffer.alloc(200_000), jpeg().subarray(-2)])
  const { url } = await httpServer(t, (_request, response) => {
    response.writeHead(200, MJPEG)
    const more = () => {
      while (written < 2000 && !response.writableNeedDrain) {
        written++
        writePart(response, picture)
      }
    }
    response.on('drain', more)
    more()
  })
  let release = () => {}
  let taken = 0
  const pull = new Pull(t, url, {
    fps: 100,
    times: { ...TIMES, silenceMs: 200 },
    onPart: async () => {
      taken++
      await new Promise<void>(resolve => { release = resolve })
    }
  })
  await until(() => taken === 1)
  await new Promise(resolve => setTimeout(resolve, 400))
  t.equal(taken, 1)
  t.ok(written < 200, `${written} of 2000 pictures fit into the buffers between`)
  t.strictSame(pull.states, ['connecting', 'receiving'])
  release()
  await until(() => taken > 1)
  const unblock = setInterval(() => release(), 1)
  await pull.stop()
  clearInterval(unblock)
})

t.test('when the signal is aborted everything is closed and nothing is left behind', async t => {
  let open = 0
  const { url } = await httpServer(t, (_request, response) => {
    open++
    response.on('close', () => { open-- })
    response.writeHead(200, MJPEG)
    writePart(response)
  })
  const controller = new AbortController()
  let states = 0
  const done = pullSource({ url, guard: guardFor(), maxFrameBytes: 1e6, onPart: () => {}, onState: () => { states++ }, signal: controller.signal })
  await until(() => states === 2)
  controller.abort()
  await done
  await until(() => open === 0)
  t.equal(states, 2)
  t.equal(getEventListeners(controller.signal, 'abort').length, 0)
  const silent = await tcpServer(t, () => {})
  const early = new Pull(t, `http://127.0.0.1:${silent}/`)
  await early.stop()
  t.strictSame(early.states, ['connecting'])
})

t.test('a long life leaves no listeners on the signal', async t => {
  let requests = 0
  const { url } = await httpServer(t, (_request, response) => {
    requests++
    response.writeHead(500).end()
  })
  const controller = new AbortController()
  const done = pullSource({ url, guard: guardFor(), maxFrameBytes: 1e6, onPart: () => {}, onState: () => {}, signal: controller.signal, times: { firstRetryMs: 1, longestRetryMs: 1 } })
  await until(() => requests > 50)
  t.ok(getEventListeners(controller.signal, 'abort').length <= 2)
  controller.abort()
  await done
})
