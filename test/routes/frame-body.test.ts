import { PassThrough } from 'node:stream'
import fs from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import type { FastifyRequest } from 'fastify'
import t from 'tap'
import { FrameMemory } from '../../src/core/frame-memory.js'
import { frameParser } from '../../src/routes/frame-body.js'
import { jpeg, PASSWORD, startServer, until } from '../helper.js'
import { keptLog, RawClient, signal } from '../http.js'

/** Parses what is written to `payload`; `answers` are all calls of the callback. */
function parse (length: number | undefined, maxBytes = 1000) {
  const payload = new PassThrough()
  const answers: Array<{ code: string | undefined, bytes: Buffer | undefined }> = []
  const headers = length === undefined ? {} : { 'content-length': String(length) }
  frameParser(maxBytes)({ headers } as FastifyRequest, payload as unknown as IncomingMessage, (error, body) => {
    answers.push({ code: error === null ? undefined : (error as { code?: string }).code, bytes: body?.jpeg })
  })
  return { payload, answers }
}

t.test('the body is taken byte for byte, however it comes in pieces, with its length and without', async t => {
  const bytes = jpeg()
  for (const length of [bytes.length, undefined]) {
    for (const size of [1, 7, bytes.length]) {
      const { payload, answers } = parse(length)
      for (let at = 0; at < bytes.length; at += size) payload.write(bytes.subarray(at, at + size))
      payload.end()
      await until(() => answers.length > 0)
      t.strictSame(answers, [{ code: undefined, bytes }])
    }
  }
})

t.test('an empty body is one of no bytes', async t => {
  for (const length of [0, undefined]) {
    const { payload, answers } = parse(length)
    payload.end()
    await until(() => answers.length > 0)
    t.strictSame(answers, [{ code: undefined, bytes: new FrameMemory(0).jpeg }])
  }
})

t.test('a body of unknown length is refused as soon as it is too large, once', async t => {
  const { payload, answers } = parse(undefined, 10)
  payload.write(Buffer.alloc(10))
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(answers, [])
  payload.write(Buffer.alloc(1))
  await until(() => answers.length > 0)
  payload.write(Buffer.alloc(10))
  payload.end()
  await new Promise(resolve => setImmediate(resolve))
  t.strictSame(answers, [{ code: 'FRAME_TOO_LARGE', bytes: undefined }])
})

t.test('a body that ends early is told apart from a whole one', async t => {
  const { payload, answers } = parse(10)
  payload.write(Buffer.alloc(5))
  payload.on('error', () => {})
  payload.destroy(new Error('aborted'))
  await until(() => answers.length > 0)
  t.strictSame(answers, [{ code: 'UPLOAD_BROKEN_OFF', bytes: undefined }])
})

t.test('a camera that leaves while its whole frame is being stored has its event, and is no error', async t => {
  const gate = signal()
  const log = keptLog()
  const { app, port } = await startServer(t, {}, {
    logger: log.logger,
    files: {
      ...fs,
      open: async (path, flags, mode) => {
        if (String(path).endsWith('.part')) await gate.promise
        return await fs.open(path, flags, mode)
      }
    }
  })
  const picture = jpeg()
  const client = RawClient.send(port,
    `POST /api/upload_frame HTTP/1.1\r\nHost: x\r\nX-Camera-Auth: ${PASSWORD}\r\nX-Oil-Spill-Detected: true\r\nContent-Length: ${picture.length}\r\n\r\n`, picture)
  await until(() => app.cameras.default.frames.framesReceived === 1)
  client.socket.resetAndDestroy()
  await until(async () => await new Promise(resolve => { app.server.getConnections((_error, count) => { resolve(count === 0) }) }), 'the end of the connection')
  gate.resolve()
  await until(() => app.eventRepository.summaryOf().total === 1)
  await new Promise(resolve => setTimeout(resolve, 50))
  t.equal(app.cameras.default.frames.framesReceived, 1)
  t.strictSame(log.lines.filter(({ level }) => Number(level) >= 40), [])
})
